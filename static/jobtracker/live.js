// Takes the server's fragments into the page, and says how old the page is.
import { mark, poll } from "./poll.js";

const SILENT = 5000; // ms without a word from the server: the page may be out of date
const REFETCH = 2000; // ms between two fetches of what depends on this page's address
const REFUSED = { 4401: "Signed out", 4403: "Not allowed" }; // tried again, but not often
const REFUSED_DELAY = 10_000;

const marker = document.getElementById("jt-live");
const socket = document.getElementById("jt-socket");
let heard = performance.now();
let from = marker?.dataset.from;
let paused = false;
let refused = "";

const clock = () => new Date().toTimeString().slice(0, 8);

// A frame may hold more than this page shows, or be older than what it fetched itself.
function wanted(fragment) {
  const shown = fragment.id && document.getElementById(fragment.id);
  return shown && !(Number(fragment.dataset.version) < Number(shown.dataset.version));
}

htmx.defineExtension("jt-frames", {
  transformResponse(text) {
    const frame = document.createElement("template");
    frame.innerHTML = text;
    for (const fragment of [...frame.content.children]) {
      if (!wanted(fragment)) fragment.remove();
    }
    return frame.innerHTML;
  },
});

// Whether a person has changed a field since the server sent it.
function touched(field) {
  if (field instanceof HTMLSelectElement) {
    const preset = [...field.options].findIndex((option) => option.defaultSelected);
    return field.selectedIndex !== Math.max(preset, 0);
  }
  if (field instanceof HTMLTextAreaElement) return field.value !== field.defaultValue;
  if (!(field instanceof HTMLInputElement)) return false;
  return field.value !== field.defaultValue || field.checked !== field.defaultChecked;
}

// What a person has opened stays open, and what is half typed stays typed.
Idiomorph.defaults.ignoreActiveValue = true;
Idiomorph.defaults.callbacks.beforeNodeMorphed = (node) => !touched(node);
Idiomorph.defaults.callbacks.beforeAttributeUpdated = (name, node) => {
  if (name === "open" && node.matches("details, dialog")) return false;
  return !(node.hasAttribute("data-kept") && (name === "hidden" || name === "aria-expanded"));
};

const before = new WeakMap();
const calm = matchMedia("(prefers-reduced-motion: reduce)");
document.addEventListener("htmx:oobBeforeSwap", ({ target }) => before.set(target, target.dataset.s));
document.addEventListener("htmx:oobAfterSwap", ({ target }) => {
  const now = document.getElementById(target.id);
  if (now?.dataset.s === before.get(target)) return;
  if (now.matches("tr") && !calm.matches) {
    const tint = getComputedStyle(now).getPropertyValue("--jt-accent");
    now.animate([{ background: `color-mix(in srgb, ${tint} 18%, transparent)` }, {}], 1000);
  }
  if (now.matches("tr")) changes += 1;
});

// Others' changes are summed up each 10 s: a list that talks all the time cannot be listened to.
let changes = 0;
setInterval(() => {
  const status = document.getElementById("jt-status");
  if (changes && status) {
    status.textContent = changes === 1 ? "1 job changed." : `${changes} jobs changed.`;
    changes = 0;
  }
}, 10_000);

// Counts, newcomers and tab panels depend on the address, so the page fetches them itself.
let due = 0;
let fetched = -REFETCH;
function refetch() {
  const part = document.querySelector("[data-changes]");
  if (!part || due) return;
  due = setTimeout(async () => {
    due = 0;
    fetched = performance.now();
    const url = new URL(part.dataset.changes, location);
    if (part.id === "jt-list") {
      const rows = [...document.querySelectorAll("#jt-rows > tr")];
      url.searchParams.set("shown", rows.map((row) => row.id.slice(4)).join());
      if ("first" in part.dataset) url.searchParams.set("first", "1");
    }
    // A server that is gone tells the page to ask again as it comes back.
    await htmx.ajax("GET", url.pathname + url.search, { source: part, swap: "none" }).catch(() => {});
  }, Math.max(0, fetched + REFETCH - performance.now()));
}

// The page joins with what it shows, and says when it has seen a frame; only then is it sent the
// next. A paused page says nothing, and is sent the newest of everything when it goes on.
let waiting = null;
function join(wrapper) {
  const ids = [...document.querySelectorAll("#jt-rows > tr")].map((row) => row.id.slice(4));
  tell(wrapper, { ids });
}
function tell(wrapper, message) {
  waiting = paused ? wrapper : null;
  if (!paused) wrapper.send(JSON.stringify(message), socket);
}

socket?.addEventListener("htmx:wsOpen", ({ detail }) => join(detail.socketWrapper));
socket?.addEventListener("htmx:wsBeforeMessage", (event) => {
  if (!paused) return;
  waiting = event.detail.socketWrapper;
  event.preventDefault();
});
socket?.addEventListener("htmx:wsAfterMessage", ({ detail }) => {
  heard = performance.now();
  refused = "";
  from = clock();
  if (detail.message.startsWith("<!--changed-->")) {
    refetch();
    poll();
  }
  if (detail.message.includes("jt-top")) refetch();
  hint();
  entitle();
  tick();
  tell(detail.socketWrapper, { seen: true });
});
// The extension itself comes back after four of the codes only, and more and more slowly.
const delay = (tries) => 300 + Math.random() * Math.min(4000, 500 * 2 ** tries);
htmx.config.wsReconnectDelay = delay;
socket?.addEventListener("htmx:wsClose", ({ detail }) => {
  const { code } = detail.event;
  refused = REFUSED[code] ?? "";
  if (![1006, 1011, 1012, 1013].includes(code)) {
    setTimeout(() => detail.socketWrapper.reconnect(), refused ? REFUSED_DELAY : delay(1));
  }
  if (refused) heard = -SILENT;
  tick();
});

// The tab says what the page says: in its title, and in its icon for the worst state.
function entitle() {
  const said = document.querySelector("#jt-facts, #jt-top");
  if (!said) return;
  document.title = `${said.dataset.title} · jobtracker`;
  mark();
  const icon = document.querySelector("link[rel=icon]");
  const { icon: plain, iconBusy, iconFailed } = marker.dataset;
  const href = { busy: iconBusy, failed: iconFailed }[said.dataset.worst] ?? plain;
  if (icon && icon.getAttribute("href") !== href) icon.setAttribute("href", href);
}

// Why the ready jobs of a type wait is said once, by the type; its rows say it after it.
function hint() {
  for (const { dataset } of document.querySelectorAll("#jt-queues [data-hint]")) {
    for (const part of document.querySelectorAll(`#jt-rows [data-waits="${dataset.type}"]`)) {
      part.textContent = dataset.hint;
    }
  }
}

let alerted = false;
function tick() {
  if (!marker) return;
  const silent = performance.now() - heard;
  const lost = silent > SILENT;
  const state = paused ? "paused" : lost ? "lost" : "on";
  const [word, rest] = {
    paused: ["Paused", `, data from ${from}`],
    lost: [refused || "Reconnecting", `, data from ${from}`],
    on: ["Live", `, ${(silent / 1000).toFixed(1)} s ago`],
  }[state];
  marker.dataset.live = state;
  marker.querySelector("b").textContent = word;
  marker.querySelector("span").textContent = rest;
  if (lost !== alerted) {
    alerted = lost;
    const alert = document.getElementById("jt-alert");
    alert.textContent = lost ? `Connection lost; the page shows data from ${from}.` : "";
  }
}

document.getElementById("jt-pause")?.addEventListener("click", ({ currentTarget }) => {
  paused = !paused;
  heard = performance.now(); // nothing was to be heard in between
  currentTarget.setAttribute("aria-pressed", String(paused));
  currentTarget.querySelector("span").textContent = paused ? "Go on" : "Pause";
  if (waiting) join(waiting);
  tick();
});

if (socket) {
  entitle();
  setInterval(tick, 200);
}
