// Asks before an act is done. A button with `data-sure` posts by itself; its question is asked first,
// and `data-effect`, or the text that the dialog has for its `data-act`, says what will happen.
// A button with `data-dialog` opens a dialog whose form posts to `data-url`.
const sure = document.getElementById("jt-sure");

function ask(button) {
  const yes = sure.querySelector("[data-yes]");
  sure.querySelector("h2").textContent = button.dataset.sure;
  sure.querySelector("p").textContent =
    button.dataset.effect ?? sure.getAttribute(`data-${button.dataset.act}`);
  for (const name of ["form", "formaction", "name", "value"]) {
    if (button.hasAttribute(name)) yes.setAttribute(name, button.getAttribute(name));
    else yes.removeAttribute(name);
  }
  yes.dataset.k = button.dataset.k ?? "main";
  yes.textContent = button.textContent.trim();
  sure.showModal();
}

function open(button) {
  const dialog = document.getElementById(button.dataset.dialog);
  const { url, name, value } = button.dataset;
  if (url) dialog.querySelector("form").action = url;
  for (const place of dialog.querySelectorAll("[data-named]")) place.textContent = name;
  for (const field of dialog.querySelectorAll("[data-given]")) field.value = value ?? "";
  dialog.showModal();
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-sure], button[data-dialog]");
  if (!button || !sure) return;
  event.preventDefault();
  if (button.dataset.dialog) open(button);
  else ask(button);
});
