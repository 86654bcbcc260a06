"""A crawl's process shares the worker's error output, and leaves it to what matters."""

import pytest

from tests.fixtures.site import Site

from .crawls import Crawled

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("queues")]


def test_a_crawl_that_goes_well_prints_nothing(monkeypatch, settings, capfd):
    with Site() as site:
        monkeypatch.setenv("OUTBOUND_ALLOW", site.host)
        host, _, port = site.host.rpartition(":")
        settings.OUTBOUND_ALLOW = frozenset({(host, int(port))})
        site.page("/")
        crawled = Crawled(site.url("/")).run()
    assert crawled.ends == {"/": "completed"}
    assert capfd.readouterr() == ("", "")
