"""Answers that are none, and redirects of each given page, told in words."""

import socketserver
import threading

import pytest

from jobtracker.models import BackgroundJob
from tests.fixtures.site import Site

from .crawls import Crawled

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("queues")]


@pytest.fixture
def site(monkeypatch, settings):
    with Site() as site:
        host, _, port = site.host.rpartition(":")
        monkeypatch.setenv("OUTBOUND_ALLOW", site.host)
        settings.OUTBOUND_ALLOW = frozenset({(host, int(port))})
        site.page("/")
        yield site


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"", "127.0.0.1 closed the connection without an answer."),
        (b"good day\r\n\r\n", "127.0.0.1 answered, but not in HTTP."),
    ],
    ids=["nothing", "no HTTP"],
)
def test_an_answer_that_is_none_is_told_in_words(monkeypatch, settings, answer, reason):
    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            asked = self.rfile.readline()
            while self.rfile.readline().strip():
                pass
            robots = b"HTTP/1.1 404 Gone\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            self.wfile.write(robots if b"/robots.txt" in asked else answer)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        port = server.server_address[1]
        monkeypatch.setenv("OUTBOUND_ALLOW", f"127.0.0.1:{port}")
        settings.OUTBOUND_ALLOW = frozenset({("127.0.0.1", port)})
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        crawled = Crawled(f"http://127.0.0.1:{port}/", mode="page").run()
        server.shutdown()
    assert crawled.ends == {"/": reason}


def test_a_redirect_to_no_address_says_so(site):
    site.answer("/bad", status=302, headers={"Location": "http://[bad"})
    crawled = Crawled(site.url("/bad"), mode="page").run()
    assert crawled.ends["/bad"] == "The page redirects to what is no web address: http://[bad."


def test_each_given_page_is_followed_through_all_its_redirects(site):
    site.answer("/old", status=301, headers={"Location": "/older"})
    site.answer("/older", status=301, headers={"Location": "/now"})
    site.page("/now")
    crawled = Crawled(site.url("/"), mode="page")
    given = {"urls": [site.url("/"), site.url("/old")]}
    BackgroundJob.objects.filter(pk=crawled.session.background_job_id).update(metadata=given)
    crawled.add(site.url("/old"))
    crawled.run()
    assert crawled.ends["/now"] == "completed"


def test_what_is_queued_is_told_before_the_first_page_is_read(site, monkeypatch):
    told = []
    crawled = Crawled(site.url("/"))
    advance = crawled.context.advance

    def record(done, total, **more):
        told.append((done, total))
        advance(done, total, **more)

    monkeypatch.setattr(crawled.context, "advance", record)
    crawled.run()
    assert (told[0], told[-1]) == ((0, 1), (1, 1))
