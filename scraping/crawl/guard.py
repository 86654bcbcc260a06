"""What the crawl may connect to: every connection of Scrapy's passes the project's guard.

Twisted resolves whatever it connects to by the reactor's name resolver, addresses in figures
included, and connects to what that answers. So one resolver that answers with judged addresses
only holds for pages, redirects and whatever else Scrapy may ask for.
"""

from collections.abc import Sequence
from typing import Any, Literal

from scrapy.core.downloader.handlers.http11 import HTTP11DownloadHandler
from scrapy.downloadermiddlewares.httpproxy import HttpProxyMiddleware
from twisted.internet import address, threads
from twisted.internet.interfaces import IHostnameResolver, IHostResolution
from zope.interface import implementer  # type: ignore[import-untyped]

from jobtracker.outbound import FetchFailed, OutboundError, checked_addresses

REMEMBERED = 1000


class GuardMissing(Exception):
    """The crawl would go out unguarded; the message says why."""


@implementer(IHostResolution)
class _Resolution:
    def __init__(self, name: str) -> None:
        self.name = name

    def cancel(self) -> None:
        """A resolution cannot be stopped; nobody listens to its end then."""


@implementer(IHostnameResolver)
class GuardedResolver:
    """Answers with addresses that the guard has judged, with none where it refuses one.

    Twisted has no way to say why; so the reason is kept and asked for by `reason`.
    """

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self._reasons: dict[tuple[str, int], OutboundError] = {}

    @classmethod
    def from_crawler(cls, crawler: Any, reactor: Any) -> "GuardedResolver":
        return cls(reactor)

    def install_on_reactor(self) -> None:
        self._reactor.installNameResolver(self)

    def resolveHostName(
        self,
        resolutionReceiver: Any,
        hostName: str,
        portNumber: int = 0,
        addressTypes: Sequence[type] | None = None,
        transportSemantics: Literal["TCP", "UDP"] = "TCP",
    ) -> "_Resolution":
        receiver, host, port = resolutionReceiver, hostName, portNumber
        resolution = _Resolution(host)
        receiver.resolutionBegan(resolution)

        def judged(found: list[str]) -> None:
            for text in found:
                kind = address.IPv6Address if ":" in text else address.IPv4Address
                receiver.addressResolved(kind(transportSemantics, text, port))
            receiver.resolutionComplete()

        def refused(failure: Any) -> None:
            error = failure.value
            if not isinstance(error, OutboundError):
                error = FetchFailed(f"{host} cannot be found: {error}.", transient=True)
            if len(self._reasons) >= REMEMBERED:
                self._reasons.clear()
            self._reasons[host.lower(), port] = error
            receiver.resolutionComplete()

        asked = threads.deferToThreadPool(
            self._reactor, self._reactor.getThreadPool(), checked_addresses, host, port
        )
        asked.addCallbacks(judged, refused)
        return resolution

    def reason(self, host: str, port: int) -> OutboundError:
        """Return why a host could not be resolved."""
        unknown = FetchFailed(f"{host} cannot be found.", transient=True)
        return self._reasons.get((host.lower(), port), unknown)


def ensure(crawler: Any) -> GuardedResolver:
    """Return the resolver in force. Raises `GuardMissing` where something could go round it."""
    from twisted.internet import reactor

    resolver = reactor.nameResolver
    if not isinstance(resolver, GuardedResolver):
        raise GuardMissing("The crawl was not started: its guarded name resolver is not in place.")
    downloader = crawler.engine.downloader
    if crawler.settings.getbool("HTTPPROXY_ENABLED") or any(
        isinstance(each, HttpProxyMiddleware) for each in downloader.middleware.middlewares
    ):
        raise GuardMissing(
            "The crawl was not started: it would go through a proxy, which resolves names itself."
        )
    for scheme, path in crawler.settings.getwithbase("DOWNLOAD_HANDLERS").items():
        if scheme in ("http", "https"):
            handler = downloader.handlers._get_handler(scheme)
            if type(handler) is not HTTP11DownloadHandler:
                raise GuardMissing(f"The crawl was not started: {path} is not guarded.")
        elif path is not None:
            raise GuardMissing(f"The crawl was not started: it would open {scheme}: addresses.")
    return resolver
