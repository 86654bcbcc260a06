"""The guard of all that goes out: it connects only to addresses that are plainly public.

A name is resolved here, every address that the answer holds is judged, and the connection goes
to the judged address itself, so that a second answer cannot lead elsewhere. Each redirect is a
new request and is judged again. `OUTBOUND_ALLOW` opens single host:port pairs inside; the
addresses that hand out a machine's credentials stay shut even there.
"""

import socket
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from hashlib import sha256
from ipaddress import ip_address
from pathlib import Path
from types import TracebackType

import httpx
from django.conf import settings

from jobtracker import __version__
from jobtracker.addresses import is_metadata, is_public

TIMEOUT = httpx.Timeout(30.0, connect=10.0)  # seconds without a byte
DEADLINE_SECONDS = 3600.0  # for one whole download
MAX_REDIRECTS = 5
LATEST_SECONDS = 86_400.0  # to which a host may put us off
PIECE_BYTES = 1 << 16
DEFAULT_PORTS = {"http": 80, "https": 443}
PASSING = {408, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524, 529}


class OutboundError(Exception):
    """Nothing was fetched. The message names the host and the reason; `transient` says whether
    another try may succeed."""

    transient = False


class OutboundRefused(OutboundError):
    """The guard does not go there."""


class FetchFailed(OutboundError):
    """The other side could not be reached, or did not give what was asked for. `status` is what
    it answered, if it did, and `retry_after` the seconds to which it puts us off."""

    def __init__(
        self,
        message: str,
        *,
        transient: bool,
        status: int | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.transient = transient
        self.status = status
        self.retry_after = retry_after


@dataclass(frozen=True)
class Fetched:
    """What came back. `status` is 200, or 304 where it has not changed: then nothing was written.
    `url` is where the last redirect led, `bytes` and `sha256` are of what was written."""

    status: int
    url: str
    etag: str
    last_modified: str
    content_type: str
    bytes: int
    sha256: str


class Download:
    """A file on its way in: written, counted and hashed; `between` is called after each piece. What
    was written is removed where the download fails."""

    def __init__(self, host: str, to: Path, max_bytes: int, between: Callable[[], object]) -> None:
        self._host, self._to, self._max, self._between = host, to, max_bytes, between
        self._digest = sha256()
        self.bytes = 0

    def __enter__(self) -> "Download":
        self._file = self._to.open("wb")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._file.close()
        if error is not None:
            self._to.unlink(missing_ok=True)

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()

    def write(self, piece: bytes) -> None:
        """Raises `FetchFailed` where that is more than may come."""
        self.bytes += len(piece)
        if self.bytes > self._max:
            raise FetchFailed(f"{self._host} sends more than {self._max:,} bytes.", transient=False)
        self._digest.update(piece)
        self._file.write(piece)
        self._between()


@dataclass(frozen=True)
class WebLogin:
    """A header that one origin (scheme, host and port) gets and no other, wherever it redirects
    to."""

    origin: tuple[str, str, int]
    header: str
    value: str = field(repr=False)


def checked_addresses(host: str, port: int) -> list[str]:
    """Resolve `host` and return its addresses, in the resolver's order.

    Raises `OutboundRefused` if any of them is not public (and `OUTBOUND_ALLOW` does not list it
    or the name with this port), `FetchFailed` if there is none.
    """
    name = host.rstrip(".").lower()
    try:
        found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        passing = getattr(error, "errno", None) == socket.EAI_AGAIN
        reason = getattr(error, "strerror", None) or error
        raise FetchFailed(f"{host} cannot be found: {reason}.", transient=passing) from None
    addresses = list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))
    for text in addresses:
        address = ip_address(text)
        if is_metadata(address):
            raise OutboundRefused(f"{host} was refused: {text} is a machine's metadata address.")
        opened = not settings.OUTBOUND_ALLOW.isdisjoint({(name, port), (text, port)})
        if not (opened or is_public(address)):
            raise OutboundRefused(
                f"{host} was refused: {text} is not a public address. If that is meant, list"
                f" {name}:{port} in OUTBOUND_ALLOW."
            )
    return addresses


def check(url: str) -> None:
    """Judge an address before anything is created for it. Raises `OutboundError`."""
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, UnicodeError) as error:
        raise OutboundRefused(f"That is no web address: {error}.") from None
    _addresses(parsed)


def client(login: WebLogin | None = None) -> httpx.Client:
    """Return a client whose every request, redirects included, passes the guard.

    It takes no proxy and no log-in from the environment.
    """
    return httpx.Client(
        transport=_GuardedTransport(login),
        trust_env=False,
        timeout=TIMEOUT,
        follow_redirects=True,
        max_redirects=MAX_REDIRECTS,
        headers={"User-Agent": f"jobtracker/{__version__}"},
    )


def fetch(
    url: str,
    to: Path,
    max_bytes: int,
    *,
    etag: str | None = None,
    last_modified: str | None = None,
    seconds: float = DEADLINE_SECONDS,
    login: WebLogin | None = None,
    between: Callable[[], object] = lambda: None,
) -> Fetched:
    """Download `url` into the file `to`, at most `max_bytes` after unpacking, within `seconds`.

    `between` is called after each piece; what it raises ends the download. With the `etag` or
    `last_modified` of an earlier answer the server may say that nothing has changed (status 304).
    Raises `OutboundRefused` and `FetchFailed`; then no file is left.
    """
    check(url)
    conditions = {"If-None-Match": etag, "If-Modified-Since": last_modified}
    headers = {name: value for name, value in conditions.items() if value and value.isascii()}
    with told(httpx.URL(url).host), client(login) as session:
        with session.stream("GET", url, headers={"Accept-Encoding": "gzip", **headers}) as response:
            download = Download(response.url.host, to, max_bytes, between)
            return _receive(response, download, seconds)


@contextmanager
def told(host: str) -> Iterator[None]:
    """Raise what httpx raises inside as `FetchFailed`, with a sentence about `host`."""
    try:
        yield
    except httpx.TooManyRedirects:
        reason = f"{host} redirected more than {MAX_REDIRECTS} times."
        raise FetchFailed(reason, transient=False) from None
    except httpx.TimeoutException:
        raise FetchFailed(f"{host} did not answer in time.", transient=True) from None
    except httpx.ConnectError as error:
        if "CERTIFICATE_VERIFY_FAILED" in str(error):
            reason = f"{host} has a certificate that cannot be trusted."
            raise FetchFailed(reason, transient=False) from None
        raise FetchFailed(f"{host} cannot be reached: {error}.", transient=True) from None
    except httpx.TransportError as error:
        raise FetchFailed(f"{host} broke off: {error}.", transient=True) from None
    except (httpx.InvalidURL, httpx.HTTPError) as error:
        raise FetchFailed(f"{host} gave no usable answer: {error}.", transient=False) from None


def answer_of(response: httpx.Response) -> str:
    """Return a status as words: "404 Not Found"."""
    status = response.status_code
    return f"{status} {httpx.codes.get_reason_phrase(status)}".strip()


def retry_after(response: httpx.Response) -> float | None:
    """Return the seconds to which an answer puts us off, at most `LATEST_SECONDS`: its
    `Retry-After` is a number of them or a date (RFC 9110). None where it says nothing."""
    text = response.headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), LATEST_SECONDS)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    now = datetime.now(UTC)
    seconds = ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - now).total_seconds()
    return min(max(seconds, 0.0), LATEST_SECONDS)


class _GuardedTransport(httpx.BaseTransport):
    """Sends each request to a judged address; name and certificate stay those of the URL."""

    def __init__(self, login: WebLogin | None = None) -> None:
        self._login = login
        # Connections are not kept: they are pooled by address, and the next name there may
        # expect another certificate.
        self._transport = httpx.HTTPTransport(limits=httpx.Limits(max_keepalive_connections=0))

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        *others, last = _addresses(request.url)
        if self._login and _origin(request.url) == self._login.origin:
            # Not in the request itself: what is there, a redirect may take elsewhere.
            request = httpx.Request(
                request.method,
                request.url,
                headers={**request.headers, self._login.header: self._login.value},
                stream=request.stream,
                extensions=request.extensions,
            )
        for address in others:
            try:
                return self._transport.handle_request(_aimed(request, address))
            except (httpx.ConnectError, httpx.ConnectTimeout):
                continue
        return self._transport.handle_request(_aimed(request, last))

    def close(self) -> None:
        self._transport.close()


def _aimed(request: httpx.Request, address: str) -> httpx.Request:
    return httpx.Request(
        request.method,
        request.url.copy_with(host=address),
        headers=request.headers,
        stream=request.stream,
        extensions={**request.extensions, "sni_hostname": request.url.raw_host.decode("ascii")},
    )


def _origin(url: httpx.URL) -> tuple[str, str, int]:
    return url.scheme, url.host, url.port or DEFAULT_PORTS[url.scheme]


def _addresses(url: httpx.URL) -> list[str]:
    if url.scheme not in DEFAULT_PORTS or not url.host:
        raise OutboundRefused(f"{url.host or 'The address'} was refused: it is no http(s) address.")
    if url.userinfo:
        raise OutboundRefused(f"{url.host} was refused: the address holds a log-in.")
    return checked_addresses(url.raw_host.decode("ascii"), url.port or DEFAULT_PORTS[url.scheme])


def _receive(response: httpx.Response, download: Download, seconds: float) -> Fetched:
    host, status = response.url.host, response.status_code
    conditional = not {"if-none-match", "if-modified-since"}.isdisjoint(response.request.headers)
    if status != 200 and not (status == 304 and conditional):
        raise FetchFailed(
            f"{host} answered {answer_of(response)}.",
            transient=status in PASSING,
            status=status,
            retry_after=retry_after(response),
        )
    if status == 200:
        with download:
            for piece in _pieces(response, seconds):
                download.write(piece)
    return Fetched(
        status=status,
        url=str(response.url),
        etag=response.headers.get("ETag", ""),
        last_modified=response.headers.get("Last-Modified", ""),
        content_type=response.headers.get("Content-Type", ""),
        bytes=download.bytes,
        sha256=download.sha256 if status == 200 else "",
    )


def _pieces(response: httpx.Response, seconds: float) -> Iterator[bytes]:
    """Yield the body unpacked, no piece above PIECE_BYTES: a few packed bytes can hold much."""
    host = response.url.host
    until = time.monotonic() + seconds
    packing = response.headers.get("Content-Encoding", "identity").strip().lower()
    if packing not in ("identity", "", "gzip", "x-gzip"):
        raise FetchFailed(f"{host} packs its answer as {packing}.", transient=False)
    unpacker = zlib.decompressobj(wbits=31) if packing.endswith("gzip") else None
    for piece in response.iter_raw():  # as it comes: filled pieces would keep a slow one untimed
        if time.monotonic() > until:
            raise FetchFailed(f"{host} was still sending after {seconds:g} s.", transient=True)
        if unpacker is None:
            yield piece
            continue
        try:
            while piece:
                yield unpacker.decompress(piece, PIECE_BYTES)
                piece = unpacker.unconsumed_tail
        except zlib.error as error:
            raise FetchFailed(f"{host} sent broken gzip: {error}.", transient=True) from None
    if unpacker and not unpacker.eof:
        raise FetchFailed(f"{host} broke off within its gzip.", transient=True)
