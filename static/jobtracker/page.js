// What every page of ours does in the browser. Each module finds its own elements.
import "./dialogs.js";
import "./live.js";
import "./menu.js";
import "./poll.js";
import "./time.js";

document.addEventListener("click", (event) => {
  const show = event.target.closest("[data-show]");
  if (show) {
    const part = document.getElementById(show.dataset.show);
    part.hidden = !part.hidden;
    show.setAttribute("aria-expanded", String(!part.hidden));
  }
  const copy = event.target.closest("[data-copy]");
  if (copy) {
    navigator.clipboard.writeText(copy.dataset.copy).then(() => say("Copied."), () => say("Not copied."));
  }
  event.target.closest("[data-close]")?.closest("dialog").close();
});

// A double click asks once: until the answer comes, a form that was sent is not sent again.
document.addEventListener("submit", (event) => {
  if (event.defaultPrevented || !event.target.matches('form[method="post"]')) return;
  if (event.target.dataset.sent) event.preventDefault();
  event.target.dataset.sent = "1";
});
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
});

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, select, textarea, [contenteditable]");
  if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
  const search = document.getElementById("jt-q");
  if (search) {
    event.preventDefault();
    search.focus();
  }
});

function say(words) {
  document.getElementById("jt-status").textContent = words;
}
