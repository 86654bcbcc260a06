// A value and its box on the sheet light up together, by pointer and by focus; a click on a box
// brings its value into view.
const marked = (name) => document.querySelectorAll(`[data-mark="${CSS.escape(name)}"]`);
let lit = "";

function light(name) {
  if (name === lit) return;
  if (lit) marked(lit).forEach((part) => part.removeAttribute("data-lit"));
  if (name) marked(name).forEach((part) => part.setAttribute("data-lit", ""));
  lit = name;
}

const nameOf = (target) => target.closest?.("[data-mark]")?.dataset.mark ?? "";

document.addEventListener("pointerover", ({ target }) => light(nameOf(target)));
document.addEventListener("focusin", ({ target }) => light(nameOf(target)));
document.querySelector(".pdf-sheet svg")?.addEventListener("click", ({ target }) => {
  const value = document.querySelector(`.pdf-found [data-mark="${CSS.escape(nameOf(target))}"]`);
  value?.scrollIntoView({ block: "nearest" });
  value?.querySelector("a")?.focus({ preventScroll: true });
});
