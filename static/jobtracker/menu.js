// One menu for all rows: built when it is opened, so a changing row cannot shut or alter it.
const menu = document.getElementById("jt-menu");
const WORDS = {
  open: "Open job",
  priority: "Change priority…",
  cancel: "Cancel job",
  stop: "Cancel job",
  retry: "Retry",
  "retry-failed": "Retry failed items",
  "run-again": "Run again from a stage…",
  "mark-completed": "Mark completed…",
  "mark-failed": "Mark failed…",
};
const ADDRESSES = { stop: "cancel" }; // where that is not the act's own word
let opener = null;

function entry(act, { url, name, value = "" }) {
  const element = document.createElement(act === "open" ? "a" : "button");
  element.setAttribute("role", "menuitem");
  element.textContent = WORDS[act];
  if (act === "open") {
    element.href = url;
    return element;
  }
  element.className = "jt-op";
  const dialog = `jt-${act}`;
  const address = `${url}/${ADDRESSES[act] ?? act}`;
  if (document.getElementById(dialog)) {
    Object.assign(element.dataset, { dialog, url: address, name, value });
  } else {
    element.setAttribute("form", "jt-act");
    element.setAttribute("formaction", address);
    Object.assign(element.dataset, { act, sure: `${WORDS[act]}: ${name}?` });
  }
  element.addEventListener("click", () => menu.hidePopover());
  return element;
}

function open(button) {
  opener = button;
  const acts = button.dataset.acts.trim().split(" ");
  menu.replaceChildren(...acts.map((act) => entry(act, button.dataset)));
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
