// One menu for all rows: built when it is opened, so a changing row cannot shut or alter it.
const menu = document.getElementById("jt-menu");
const WORDS = {
  open: "Open job",
  cancel: "Cancel job",
  retry: "Retry",
  "run-again": "Run again from a stage…",
  "mark-completed": "Mark completed…",
  "mark-failed": "Mark failed…",
};
let opener = null;

function entry(act, url) {
  const dialog = document.getElementById(`jt-${act}`);
  const element = document.createElement(act === "open" ? "a" : "button");
  element.setAttribute("role", "menuitem");
  element.textContent = WORDS[act];
  if (act === "open") {
    element.href = url;
  } else if (dialog) {
    element.type = "button";
    element.addEventListener("click", () => {
      menu.hidePopover();
      dialog.showModal();
    });
  } else {
    element.className = "jt-op";
    element.setAttribute("form", "jt-act");
    element.setAttribute("formaction", `${url}/${act}`);
  }
  return element;
}

function open(button) {
  opener = button;
  const acts = button.dataset.acts.trim().split(" ");
  menu.replaceChildren(...acts.map((act) => entry(act, button.dataset.url)));
  menu.showPopover();
  const at = button.getBoundingClientRect();
  const below = at.bottom + 4;
  const fits = below + menu.offsetHeight < innerHeight;
  menu.style.top = `${fits ? below : at.top - menu.offsetHeight - 4}px`;
  menu.style.left = `${Math.max(8, at.right - menu.offsetWidth)}px`;
  menu.firstElementChild.focus();
}

if (menu) {
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-acts]");
    if (button) open(button);
  });
  menu.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const entries = [...menu.children].filter((element) => element.offsetParent);
    const next = entries.indexOf(document.activeElement) + step;
    entries[(next + entries.length) % entries.length].focus();
  });
  menu.addEventListener("toggle", (event) => {
    if (event.newState === "closed" && menu.contains(document.activeElement)) opener?.focus();
  });
  addEventListener("scroll", () => menu.matches(":popover-open") && menu.hidePopover(), true);
}
