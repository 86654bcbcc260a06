// Asks for the page again until it is there, and shows it then.
const line = document.getElementById("again");
line.hidden = false;

async function ask() {
  const { status } = await fetch(location.href, { cache: "no-store" }).catch(() => ({ status: 503 }));
  if (status !== 503) location.reload();
}

setInterval(ask, 1000 * Number(line.dataset.seconds));
