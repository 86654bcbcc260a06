// A file field covers its drop zone and is invisible: say what was chosen, and where a drop lands.
const form = document.getElementById("import-names").closest("form");
for (const zone of form.querySelectorAll(".jt-drop")) {
  const names = zone.querySelector("span");
  const field = zone.querySelector("[type=file]");
  const nothing = names.textContent;

  field.addEventListener("change", () => {
    names.textContent = [...field.files].map((file) => file.name).join(", ") || nothing;
  });
  for (const [event, over] of [["dragover", true], ["dragleave", false], ["drop", false]]) {
    zone.addEventListener(event, () => zone.toggleAttribute("data-over", over));
  }
}

// The choice of what becomes of missing products says what the default of the named supplier is.
const supplier = form.elements.supplier;
const missing = form.elements.missing;
const [usual] = missing.options;
const words = usual.textContent;
const deactivating = new Set(
  [...document.getElementById("import-deactivating").options].map((option) => option.value),
);

function sayDefault() {
  const name = supplier.value.trim();
  const value = deactivating.has(name) ? "deactivate" : "keep";
  const said = missing.querySelector(`[value=${value}]`).textContent;
  usual.textContent = name ? `default: ${said}` : words;
}
supplier.addEventListener("input", sayDefault);
sayDefault();
