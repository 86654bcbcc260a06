// A choice above and the lists of the fields below say the same, whichever of them is changed.
const form = document.getElementById("import-mapping");
const targetOf = (choice) => choice.name.slice("choice-".length);

function set(list, value) {
  list.value = value;
  list.dispatchEvent(new Event("change")); // its line is fetched anew
}

function follow(choice) {
  const target = targetOf(choice);
  const lists = [...form.querySelectorAll("select[data-source]")];
  const chosen = lists.filter((list) => list.dataset.source === choice.value);
  for (const list of lists) {
    if (list.value === target && !chosen.includes(list)) set(list, "");
  }
  if (chosen.every((list) => list.value !== target)) set(chosen[0], target);
}

function lead(list) {
  for (const choice of form.querySelectorAll("[type=radio]")) {
    const feeds = list.value === targetOf(choice);
    if (choice.value === list.dataset.source) choice.checked = feeds;
    else if (feeds) choice.checked = false;
    if (feeds && choice.checked) follow(choice);
  }
}

// Before the list itself hears of it: what it then posts holds the choice.
form.addEventListener("change", ({ target }) => {
  if (target.type === "radio") follow(target);
  else if (target.dataset.source !== undefined) lead(target);
}, true);
