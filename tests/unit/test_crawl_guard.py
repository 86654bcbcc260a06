"""A crawl that something could lead round its guard is refused."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from scrapy.core.downloader.handlers.http11 import HTTP11DownloadHandler
from scrapy.settings import Settings
from twisted.internet import reactor

from scraping.crawl.guard import GuardedResolver, GuardMissing, ensure
from scraping.crawl.order import STANDARD
from scraping.crawl.settings import crawl_settings
from scraping.options import Options


def crawler(**settings: Any) -> Any:
    """As much of a crawler as the guard looks at, with the crawl's own settings."""
    handlers = SimpleNamespace(
        _get_handler=lambda scheme: HTTP11DownloadHandler.__new__(HTTP11DownloadHandler)
    )
    middleware = SimpleNamespace(middlewares=())
    return SimpleNamespace(
        settings=Settings(crawl_settings(Options(), STANDARD, None) | settings),
        engine=SimpleNamespace(
            downloader=SimpleNamespace(middleware=middleware, handlers=handlers)
        ),
    )


@pytest.fixture
def resolver() -> Iterator[GuardedResolver]:
    guarded = GuardedResolver(reactor)
    before = reactor.installNameResolver(guarded)
    yield guarded
    reactor.installNameResolver(before)


def test_the_crawls_own_settings_are_guarded(resolver: GuardedResolver) -> None:
    assert ensure(crawler()) is resolver


def test_without_the_resolver_nothing_starts() -> None:
    with pytest.raises(GuardMissing, match="resolver is not in place"):
        ensure(crawler())


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"HTTPPROXY_ENABLED": True}, "proxy"),
        ({"DOWNLOAD_HANDLERS": {"ftp": "some.Handler"}}, "would open"),
    ],
)
def test_what_goes_round_the_resolver_is_refused(
    resolver: GuardedResolver, settings: dict[str, Any], reason: str
) -> None:
    with pytest.raises(GuardMissing, match=reason):
        ensure(crawler(**settings))
