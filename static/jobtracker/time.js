// Relative times and running durations go on between two frames; the same words as words.py.
const MINUTE = 60, HOUR = 3600, DAY = 86400;
const two = (number) => String(number).padStart(2, "0");

function ago(seconds) {
  if (seconds < 1) return "just now";
  if (seconds < MINUTE) return `${Math.floor(seconds)} s ago`;
  if (seconds < HOUR) return `${Math.floor(seconds / MINUTE)} min ago`;
  if (seconds < DAY) return `${Math.floor(seconds / HOUR)} h ago`;
  return null; // a date: it does not change while someone looks
}

function duration(seconds) {
  const whole = Math.round(seconds);
  if (seconds < 0.1) return "< 0.1 s";
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (whole < MINUTE) return `${whole} s`;
  if (whole < HOUR) return `${Math.floor(whole / MINUTE)} m ${two(whole % MINUTE)} s`;
  if (whole < DAY) return `${Math.floor(whole / HOUR)} h ${two(Math.floor((whole % HOUR) / MINUTE))} m`;
  return `${Math.floor(whole / DAY)} d ${Math.floor((whole % DAY) / HOUR)} h`;
}

function atMost(seconds) {
  const whole = Math.ceil(seconds);
  if (whole <= 0) return "a moment";
  return whole < MINUTE ? `at most ${whole} s` : `at most ${duration(whole)}`;
}

function write(element, words) {
  if (words !== null && element.textContent !== words) element.textContent = words;
}

// The browser's clock may be wrong; the page says what time it was on the server as it was sent.
const [sent] = performance.getEntriesByType("navigation");
const arrived = performance.timeOrigin + (sent?.responseStart || performance.now());
const skew = arrived - Date.parse(document.getElementById("jt-live")?.dataset.now ?? new Date(arrived));
const since = (iso) => (Date.now() - skew - Date.parse(iso)) / 1000;

setInterval(() => {
  for (const time of document.querySelectorAll("time[data-ago]")) write(time, ago(since(time.dateTime)));
  for (const span of document.querySelectorAll("[data-since]")) write(span, duration(since(span.dataset.since)));
  for (const span of document.querySelectorAll("[data-until]")) write(span, atMost(-since(span.dataset.until)));
}, 1000);
