// Parts that change without a word from the server: each `data-poll` is fetched again, and the
// number of the reader's jobs that wait for an answer stands in the tab's title.
const EVERY = 5000; // ms

async function refresh(part) {
  const answer = await fetch(part.dataset.poll).catch(() => null);
  if (!answer?.ok || answer.redirected) return; // signed out, or the server is away: tried again
  const text = await answer.text();
  if (part.isConnected) Idiomorph.morph(part, text.trim());
  mark();
}

export function mark() {
  const number = document.getElementById("jt-asking")?.dataset.number;
  const plain = document.title.replace(/^\([\d,+]+\) /, "");
  document.title = number ? `(${number}) ${plain}` : plain;
}

export function poll() {
  return Promise.all([...document.querySelectorAll("[data-poll]")].map(refresh));
}

mark();
setInterval(poll, EVERY);
