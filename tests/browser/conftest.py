"""A real server and a real browser."""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from psycopg.conninfo import make_conninfo

from jobtracker.models import JobQueue, User
from jobtracker.states import JobType
from tests.fixtures.worker_host import BOUND

expect.set_options(timeout=20_000)

ROOT = Path(__file__).parents[2]
CHROMIUM = ["chromium", "chromium-browser", "google-chrome"]
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


@dataclass
class Site:
    """The served pages. `stop` and `start` are what a deployment does to them."""

    port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        params = connection.get_connection_params()
        names = [key for key in ("dbname", "user", "password", "host", "port") if key in params]
        environment = {
            "DATABASE_URL": make_conninfo(**{name: params[name] for name in names}),
            "DJANGO_SETTINGS_MODULE": "tests.settings",
            "PUBLIC_URL": self.origin,
        }
        with socket.create_server(("127.0.0.1", self.port), reuse_port=False) as listening:
            self.port = listening.getsockname()[1]
            environment["PUBLIC_URL"] = self.origin
            server = [*BOUND, sys.executable, "-m", "jobtracker.live.server", "--verbosity", "0"]
            self.process = subprocess.Popen(
                [*server, "--fd", str(listening.fileno()), "tests.browser.served:application"],
                cwd=ROOT,
                pass_fds=[listening.fileno()],
                env={**os.environ, **environment},
            )

    def stop(self) -> None:
        if self.process:
            self.process.kill()
            self.process.wait()


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Chromium, shut after these tests: Playwright's event loop bars asynchronous ones."""
    path = next((found for name in CHROMIUM if (found := shutil.which(name))), None)
    if path is None:
        pytest.skip("Chromium is not installed")
    with sync_playwright() as playwright:
        # Playwright keeps an event loop in this thread; Django would take our own queries for
        # ones that block it.
        os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
        chromium = playwright.chromium.launch(executable_path=path, args=QUIET)
        yield chromium
        chromium.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture(scope="package")
def site(django_db_setup: None) -> Iterator[Site]:
    site = Site(port=0)
    site.start()
    yield site
    site.stop()


@pytest.fixture(scope="package")
def profile(site: Site, browser: Browser) -> Iterator[BrowserContext]:
    """A person's browser, which loads what all pages share once. Without a graphics card, what
    moves on a page would keep a processor busy."""
    profile = browser.new_context(
        base_url=site.origin, viewport={"width": 1440, "height": 900}, reduced_motion="reduce"
    )
    yield profile
    profile.close()


@pytest.fixture
def page(transactional_db: None, site: Site, profile: BrowserContext) -> Iterator[Page]:
    """A window of a signed-in operator. A script error or a refused script fails the test."""
    for job_type in JobType:
        JobQueue.objects.get_or_create(job_type=job_type)
    operator = User.objects.create(username="operator", is_staff=True)
    operator.groups.set([Group.objects.get(name="Operators")])
    client = Client()
    client.force_login(operator)
    profile.clear_cookies()
    cookie = {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": site.origin}
    profile.add_cookies([cookie])
    window = profile.new_page()
    kept = {"origin": site.origin, "storageTypes": "local_storage"}
    profile.new_cdp_session(window).send("Storage.clearDataForOrigin", kept)
    window.set_default_timeout(20_000)
    errors: list[str] = []
    window.on("pageerror", lambda error: errors.append(str(error)))
    window.on(
        "console",
        lambda message: errors.append(message.text) if "Security Policy" in message.text else None,
    )
    yield window
    for opened in profile.pages:
        opened.close()
    assert not errors
