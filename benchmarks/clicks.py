"""How soon a click is obeyed and seen: python benchmarks/clicks.py [--clicks N]

A whole `manage.py up` with its own database and a headless Chromium. From the click on Start
import, and on the answer to Retry, to the word "Processing" on the page that follows, and, in the
database, from the moment of the click to the attempt's claim. The job takes a few seconds, so its
running is seen before its end; then it is cancelled, which is what is retried.
"""

import argparse
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import harness
import psycopg
from browser import QUIET
from django.db import connections
from django.test import Client
from harness import Figure, percentile, record, show
from playwright.sync_api import Page, sync_playwright

from jobtracker.database import database_url
from jobtracker.models import User

GOAL = 1000  # ms, p95
RECORDS = 40_000  # in the feed: a few seconds of work
READY_SECONDS = 60
SEEN = """word => {
  const state = document.querySelector("#jt-top .jt-state");
  return state && state.textContent.includes(word) && performance.timeOrigin + performance.now();
}"""


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextmanager
def up(port: int) -> Iterator[None]:
    """Run `manage.py up` on the block's database until the block ends."""
    process = subprocess.Popen(
        [sys.executable, "manage.py", "up"],
        cwd=harness.ROOT,
        env=harness.environment(PORT=str(port), ADMIN_PASSWORD="bench"),
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout
        for line in process.stdout:
            if "is ready" in line:
                break
        yield
    finally:
        process.terminate()
        process.wait(READY_SECONDS)


def write_feed(path: Path) -> None:
    rows = (f"SKU-{n},Tile {n},{n % 90 + 1}.50 EUR\n" for n in range(RECORDS))
    path.write_text("sku,name,price\n" + "".join(rows), encoding="utf-8")


def timed(page: Page, name: str) -> tuple[float, float]:
    """Click the button and wait for the word; return the moments of both, in seconds."""
    button = page.get_by_role("button", name=name, exact=True).last
    button.evaluate(
        "b => b.addEventListener('click', () => sessionStorage.setItem('clicked',"
        " performance.timeOrigin + performance.now()), {once: true, capture: true})"
    )
    button.click()
    seen = page.wait_for_function(SEEN, arg="Processing", polling="raf").json_value()
    return float(page.evaluate("sessionStorage.getItem('clicked')")) / 1000, float(seen) / 1000


def ask(question: str, *params: Any) -> Any:
    """Return the first value of an answer. Not by Django, whose sessions belong to a loop here."""
    with psycopg.connect(database_url(), autocommit=True) as plain:
        row = plain.execute(question, params).fetchone()
    assert row
    return row[0]


def newest() -> UUID:
    found: UUID = ask("SELECT id FROM background_jobs ORDER BY id DESC LIMIT 1")
    return found


def claimed_after(job: UUID, clicked: float) -> float:
    """Return the milliseconds from the click to the claim of the job's last attempt."""
    claimed = ask("SELECT max(claimed_at) FROM job_attempts WHERE job_id = %s", job)
    return 1000 * (claimed.timestamp() - clicked)


def stop(job: UUID) -> None:
    """Cancel the job, as `lifecycle.cancel` does, and wait for its end: the next click is to find
    a free slot."""
    ask("UPDATE background_jobs SET cancel_requested_at = now() WHERE id = %s RETURNING id", job)
    while ask("SELECT status FROM background_jobs WHERE id = %s", job) == "processing":
        time.sleep(0.02)
    time.sleep(0.5)


Times = dict[str, list[tuple[float, float]]]


def work(page: Page, feed: Path, clicks: int) -> Times:
    """Return for each button the milliseconds to the word and to the claim. The file is sent with
    the form."""
    times: Times = {"Start import": [], "Retry": []}
    for number in range(clicks):
        page.goto("/admin/data-import")
        form = page.locator("form[enctype]")
        form = form.filter(has=page.get_by_role("button", name="Start import"))
        form.locator("input[type=file]").set_input_files(feed)
        form.locator("[name=supplier]").fill(f"Supplier {number}")
        form.locator("[name=confirm]").select_option("")
        for name, found in times.items():
            if name == "Retry":
                page.goto(f"/admin/async-queue-monitor/jobs/{newest()}")
                page.get_by_role("button", name="Retry", exact=True).click()
            clicked, seen = timed(page, name)
            found.append((1000 * (seen - clicked), claimed_after(newest(), clicked)))
            stop(newest())
    return times


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--clicks", type=int, default=20)
    clicks = options.parse_args().clicks
    port = free_port()
    with harness.database(), up(port), tempfile.TemporaryDirectory() as folder:
        feed = Path(folder) / "tiles.csv"
        write_feed(feed)
        client = Client()
        client.force_login(User.objects.create_superuser("bench", password="bench"))
        session, origin = client.cookies["sessionid"].value, f"http://127.0.0.1:{port}"
        connections.close_all()
        path = shutil.which("chromium") or shutil.which("google-chrome")
        with sync_playwright() as playwright:
            chromium = playwright.chromium.launch(executable_path=path, args=QUIET)
            context = chromium.new_context(base_url=origin, viewport={"width": 1440, "height": 900})
            context.add_cookies([{"name": "sessionid", "value": session, "url": origin}])
            page = context.new_page()
            work(page, feed, 2)  # warm: caches of the browser, first pages of the server
            times = work(page, feed, clicks)
            chromium.close()
    rows = []
    for button, pairs in times.items():
        shown, claimed = zip(*pairs, strict=True)
        for name, share in (("p50", 0.5), ("p95", 0.95)):
            seen, taken = percentile(shown, share), percentile(claimed, share)
            label = f"click on {button} to processing on the page, {name}, ms"
            goal = f"{GOAL} ms" if name == "p95" else ""
            rows.append([label, f"{seen:.0f}", f"{taken:.0f}", goal])
            record(Figure(label, f"{seen:.0f}", goal=goal))
    show(f"{clicks} clicks", ["", "on the page", "claimed", "goal"], rows)


if __name__ == "__main__":
    main()
