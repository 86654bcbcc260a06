// The file field covers its drop zone and is invisible: say what was chosen, and where a drop lands.
const names = document.getElementById("import-names");
const zone = names.closest(".jt-drop");
const field = zone.querySelector("[type=file]");
const nothing = names.textContent;

field.addEventListener("change", () => {
  names.textContent = [...field.files].map((file) => file.name).join(", ") || nothing;
});
for (const [event, over] of [["dragover", true], ["dragleave", false], ["drop", false]]) {
  zone.addEventListener(event, () => zone.toggleAttribute("data-over", over));
}
