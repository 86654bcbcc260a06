// A feed that was not read when the page opened: look again when its job says that it moved on.
const unread = document.getElementById("import-not-read");
if (unread) {
  document.body.addEventListener("htmx:oobAfterSwap", () => location.reload(), { once: true });
}
