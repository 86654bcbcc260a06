// Says what was chosen, sends it with its progress in view, and goes where the server leads.
// Without this module the form is sent as any other.
const form = document.getElementById("pdf-form");
const field = form.querySelector("[type=file]");
const zone = field.closest(".jt-drop");
const names = document.getElementById("pdf-names");
const refused = document.getElementById("pdf-refused");
const sending = document.getElementById("pdf-sending");
const meter = sending.querySelector(".jt-meter");
const sent = document.getElementById("pdf-sent");
const stop = document.getElementById("pdf-stop");
const go = document.getElementById("pdf-go");
const nothing = names.textContent;
const limit = Number(form.dataset.maxBytes);

const megabytes = (bytes) => `${(bytes / 1024 / 1024).toFixed(1)} MB`;

function refuse(sentences) {
  refused.replaceChildren(...sentences.map((sentence) => {
    const line = document.createElement("p");
    line.className = "jt-wrong";
    line.textContent = sentence;
    return line;
  }));
}

function show(loaded, total) {
  const percent = Math.floor((100 * loaded) / total);
  meter.setAttribute("aria-valuenow", percent);
  meter.firstElementChild.style.width = `${percent}%`;
  sent.textContent = loaded < total
    ? `${megabytes(loaded)} of ${megabytes(total)} sent, ${percent} %`
    : "All is sent; the server looks at it.";
}

function busy(yes) {
  sending.hidden = stop.hidden = !yes;
  go.disabled = yes;
}

function send() {
  const request = new XMLHttpRequest();
  request.responseType = "json";
  request.upload.addEventListener("progress", ({ loaded, total }) => show(loaded, total));
  request.addEventListener("load", () => {
    const answer = request.response;
    if (answer?.location) {
      location.assign(answer.location);
      return;
    }
    busy(false);
    refuse(answer?.errors ?? [`The server refused it (${request.status}).`]);
  });
  request.addEventListener("error", () => {
    busy(false);
    refuse(["The connection broke off; nothing was started."]);
  });
  stop.addEventListener("click", () => request.abort(), { once: true });
  request.addEventListener("abort", () => {
    busy(false);
    refuse(["The upload was stopped; nothing was started."]);
  });
  request.open("POST", form.action);
  request.setRequestHeader("Accept", "application/json");
  refuse([]);
  show(0, 1);
  busy(true);
  request.send(new FormData(form));
}

field.addEventListener("change", () => {
  const files = [...field.files];
  const large = files.filter((file) => file.size > limit);
  refuse(large.map((file) => `${file.name} is larger than ${megabytes(limit)}.`));
  names.textContent =
    files.map((file) => `${file.name} (${megabytes(file.size)})`).join(", ") || nothing;
});
for (const [event, over] of [["dragover", true], ["dragleave", false], ["drop", false]]) {
  zone.addEventListener(event, () => zone.toggleAttribute("data-over", over));
}
form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (!field.files.length) refuse(["Choose a PDF."]);
  else if (![...field.files].some((file) => file.size > limit)) send();
});
