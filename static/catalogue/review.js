// The review list by keyboard: a key presses the element of the page that carries it. What follows
// is swapped in by htmx; the open material gets the focus, or the form its first field.
const status = document.getElementById("jt-status");

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (document.querySelector("dialog[open]")) return;
  const typing = event.target.closest("input, select, textarea, [contenteditable]");
  if (typing && event.key !== "Escape") return;
  const desk = document.querySelector("#jt-desk[data-keys]");
  const found = desk && [...desk.querySelectorAll("[data-key]")].find((each) => each.dataset.key === event.key);
  if (!found) return;
  event.preventDefault();
  found.click();
});

document.addEventListener("htmx:afterSwap", () => {
  const desk = document.getElementById("jt-desk");
  if (!desk) return;
  if (desk.dataset.said) status.textContent = desk.dataset.said;
  const wrong = desk.querySelector("[aria-invalid=true]");
  const field = desk.querySelector("form.jt-form input:not([type=hidden]), form.jt-form textarea");
  (wrong ?? field ?? desk.querySelector("#jt-item"))?.focus();
});
