"""How soon a change is seen: python benchmarks/browser.py [--updates N]

A plain client updates the progress of one of 50 running jobs, now and then. From the moment before
its commit to the change of the row in a headless Chromium on the queue monitor, and to the arrival
of the same change at a WebSocket client that shows the same rows. Both are one frame for each
change, since the changes are further apart than two frames.
"""

import argparse
import os
import random
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID, uuid4

import harness
import psycopg
from django.core.management import call_command
from django.db import connections
from django.test import Client
from harness import Figure, percentile, record, show
from playwright.sync_api import Page, sync_playwright

from jobtracker import lifecycle
from jobtracker.database import database_url
from jobtracker.models import User
from jobtracker.states import JobType
from tests.live.socket_client import Closed, WebSocket

ROWS = 50
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
OBSERVE = """() => {
  window.seen = [];
  new MutationObserver((changes) => {
    const at = (performance.timeOrigin + performance.now()) / 1000;
    for (const { target } of changes) {
      const job = target.closest("tr").id.slice(4);
      seen.push([job, Number(target.getAttribute("aria-valuenow")), at]);
    }
  }).observe(document.getElementById("jt-rows"),
             { subtree: true, attributes: true, attributeFilter: ["aria-valuenow"] });
}"""
ROW = re.compile(r'<tr id="job-([0-9a-f-]{36})".*?aria-valuenow="(\d+)"', re.DOTALL)

# A job and its progress: each pair is written once.
Change = tuple[str, int]


@contextmanager
def site() -> Iterator[int]:
    """Serve the pages as `manage.py up` does; gives the port."""
    call_command("collectstatic", interactive=False, verbosity=0)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        server = [sys.executable, "-m", "jobtracker.live.server", "-v", "0"]
        process = subprocess.Popen(
            [*server, "--fd", str(listening.fileno()), "jobtracker.asgi:application"],
            cwd=harness.ROOT,
            pass_fds=[listening.fileno()],
            env=harness.environment(PORT=str(port)),
        )
    try:
        yield port
    finally:
        process.terminate()
        process.wait()


def running_jobs() -> list[UUID]:
    """Make the jobs that the page shows, each claimed by nobody who would do anything."""
    for number in range(ROWS):
        lifecycle.create(JobType.IMPORT, filename=f"Job {number}", detail={"import_type": "xml"})
    claims = [lifecycle.claim(uuid4(), "bench", os.getpid()) for _ in range(ROWS)]
    return [claimed.job_id for claimed in claims if claimed]


def listen(client: WebSocket, jobs: list[UUID], seen: dict[Change, float]) -> None:
    """Note when each change arrives, until the socket is closed."""
    client.say({"ids": [str(job) for job in jobs]})
    try:
        while True:
            frame = client.frame()
            at = time.time()
            for job, progress in ROW.findall(frame):
                seen.setdefault((job, int(progress)), at)
            client.say({"seen": True})
    except (Closed, OSError, ValueError):  # the last: closed here
        return


def write_changes(jobs: list[UUID], updates: int) -> dict[Change, float]:
    """Update one job after the other; return the moment before each commit."""
    written: dict[Change, float] = {}
    with psycopg.connect(database_url()) as plain:
        for number in range(updates):
            time.sleep(random.uniform(0.45, 0.75))
            job, progress = jobs[number % ROWS], 1 + number // ROWS
            plain.execute("UPDATE background_jobs SET progress = %s WHERE id = %s", [progress, job])
            written[str(job), progress] = time.time()
            plain.commit()
    time.sleep(1.0)
    return written


def open_monitor(page: Page) -> None:
    page.goto("/admin/async-queue-monitor")
    page.locator("#jt-live[data-live=on]").wait_for()
    page.wait_for_function(f"document.querySelectorAll('#jt-rows > tr').length === {ROWS}")
    time.sleep(3.0)  # what the page fetches after it has joined
    page.evaluate(OBSERVE)


def measure(port: int, updates: int) -> tuple[list[float], list[float]]:
    """Return the milliseconds from the commits to the WebSocket client and to the page."""
    jobs = running_jobs()
    client = Client()
    client.force_login(User.objects.create_superuser("bench", password="bench"))
    session, origin = client.cookies["sessionid"].value, f"http://127.0.0.1:{port}"
    connections.close_all()
    headers = {"Origin": origin, "Cookie": f"sessionid={session}"}
    path = shutil.which("chromium") or shutil.which("google-chrome")
    arrived: dict[Change, float] = {}
    with sync_playwright() as playwright, WebSocket(port, "/ws/live/monitor", headers) as peer:
        threading.Thread(target=listen, args=(peer, jobs, arrived), daemon=True).start()
        chromium = playwright.chromium.launch(executable_path=path, args=QUIET)
        context = chromium.new_context(base_url=origin, viewport={"width": 1440, "height": 900})
        context.add_cookies([{"name": "sessionid", "value": session, "url": origin}])
        page = context.new_page()
        open_monitor(page)
        written = write_changes(jobs, updates)
        shown: dict[Change, float] = {}
        for job, progress, at in page.evaluate("() => window.seen"):
            shown.setdefault((job, progress), at)
        chromium.close()
    missing = [change for change in written if change not in shown or change not in arrived]
    assert not missing, f"never seen: {missing}"
    return tuple(
        [1000 * (seen[change] - at) for change, at in written.items()] for seen in (arrived, shown)
    )


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--updates", type=int, default=60)
    given = options.parse_args()
    with harness.database(), site() as port:
        arrived, shown = measure(port, given.updates)
    rows = []
    for name, share in (("p50", 0.5), ("p95", 0.95)):
        frame, dom = percentile(arrived, share), percentile(shown, share)
        label = f"commit to browser, {name}, ms"
        rows.append([label, f"{frame:.1f}", f"{dom:.1f}", f"{dom / frame:.2f}"])
        record(Figure(label, f"{dom:.1f}", f"{frame:.1f}", dom / frame))
    show(
        f"From the commit of {given.updates} changes to the page with {ROWS} rows",
        ["", "WebSocket client", "page", "ratio"],
        rows,
    )


if __name__ == "__main__":
    main()
