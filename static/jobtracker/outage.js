// Asks for the page again until it is there, and shows it then. Asking ends with the reload: where
// the page takes longer than the pause, a second reload would break off the first, for ever.
const line = document.getElementById("again");
line.hidden = false;

async function ask() {
  const { status } = await fetch(location.href, { cache: "no-store" }).catch(() => ({ status: 503 }));
  if (status === 503) later();
  else location.reload();
}

const later = () => setTimeout(ask, 1000 * Number(line.dataset.seconds));
later();
