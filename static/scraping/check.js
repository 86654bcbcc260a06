// A check can take a few seconds: say that it runs, and what came of it is read out.
document.body.addEventListener("htmx:beforeRequest", ({ target }) => {
  if (target.id === "jt-check") say("Checking the site.");
});
document.body.addEventListener("htmx:afterSwap", ({ detail }) => {
  if (detail.requestConfig?.elt.id === "jt-check") say("Checked.");
});
document.body.addEventListener("htmx:sendError", ({ target }) => {
  if (target.id === "jt-check") say("The check did not come back; try again.");
});

function say(words) {
  document.getElementById("jt-status").textContent = words;
}
