// The review list by keyboard: a key presses the element of the page that carries it. What follows
// is swapped in by htmx; the open material gets the focus, or the form its first field. While it is on
// its way keys do nothing: nobody should judge a material that does not show yet.
const status = document.getElementById("jt-status");
const desk = () => document.getElementById("jt-desk");

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (document.querySelector("dialog[open]")) return;
  const typing = event.target.closest("input, select, textarea, [contenteditable]");
  if (typing && event.key !== "Escape") return;
  if (!desk()?.matches("[data-keys][data-ready]")) return;
  const marked = [...desk().querySelectorAll("[data-key]")];
  const found = marked.find((each) => each.dataset.key === event.key);
  if (!found) return;
  event.preventDefault();
  found.click();
});

function ready() {
  if (desk()) desk().dataset.ready = "";
}

addEventListener("load", ready);
document.addEventListener("htmx:beforeRequest", () => delete desk()?.dataset.ready);
// After a swap htmx needs a moment until what is new answers to it.
document.addEventListener("htmx:afterSettle", ready);
document.addEventListener("htmx:responseError", ready);
document.addEventListener("htmx:sendError", ready);

// Not before that: a form that has the focus and does not answer to htmx yet would be sent by Enter
// as a page of its own.
document.addEventListener("htmx:afterSettle", () => {
  if (!desk()) return;
  if (desk().dataset.said) status.textContent = desk().dataset.said;
  const wrong = desk().querySelector("[aria-invalid=true]");
  const field = desk().querySelector("form.jt-form input:not([type=hidden]), form.jt-form textarea");
  (wrong ?? field ?? desk().querySelector("#jt-item"))?.focus();
});
