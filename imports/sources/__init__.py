"""Feeds at addresses: http(s), FTP over TLS, and SFTP where its library is installed.

Every connection goes to an address that the outbound guard has judged. A supplier's log-in goes to
the one host that it is kept for, and only over a connection that nobody else can read.
"""

from collections.abc import Callable
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from jobtracker.outbound import Download, Fetched, OutboundRefused

from .login import Login

__all__ = ["Login", "check", "fetch", "host_of"]

PORTS = {"http": 80, "https": 443, "ftps": 21, "sftp": 22}


def host_of(url: str) -> tuple[str, int]:
    """The host and port that an address leads to. Raises `OutboundRefused` for one of none."""
    parts = urlsplit(url)
    try:
        port = parts.port or PORTS.get(parts.scheme, 0)
    except ValueError:
        raise OutboundRefused(f"{parts.netloc} was refused: its port is no number.") from None
    return (parts.hostname or "").rstrip("."), port


def check(url: str) -> None:
    """Judge an address before anything is created for it. Raises `OutboundError`."""
    from jobtracker import outbound

    parts = urlsplit(url)
    if parts.scheme not in ("ftps", "sftp"):
        outbound.check(url)
        return
    host, port = host_of(url)
    if not host or not parts.path.strip("/"):
        raise OutboundRefused(f"{url[:80]} was refused: it names no host or no file.")
    if parts.username is not None:
        raise OutboundRefused(f"{host} was refused: the address holds a log-in.")
    outbound.checked_addresses(host, port)


def fetch(
    url: str,
    to: Path,
    max_bytes: int,
    *,
    etag: str | None = None,
    last_modified: str | None = None,
    login: Login | None = None,
    between: Callable[[], object] = lambda: None,
) -> Fetched:
    """Download an address into the file `to`, or find it unchanged since the earlier answer whose
    `etag` and `last_modified` are given (status 304). `between` is called after each piece; what
    it raises ends the download. Raises `OutboundError`."""
    parts = urlsplit(url)
    if parts.scheme in ("ftps", "sftp"):
        check(url)
        download = Download(parts.hostname or "", to, max_bytes, between)
        return _protocol(parts)(parts, download, etag, login)
    from jobtracker import outbound

    return outbound.fetch(
        url,
        to,
        max_bytes=max_bytes,
        etag=etag,
        last_modified=last_modified,
        login=login.of_web(parts.scheme, *host_of(url)) if login else None,
        between=between,
    )


def _protocol(
    parts: SplitResult,
) -> Callable[[SplitResult, Download, str | None, Login | None], Fetched]:
    if parts.scheme == "ftps":
        from . import ftps

        return ftps.fetch
    try:
        from . import sftp
    except ImportError:
        raise OutboundRefused(
            "SFTP needs paramiko, which is not installed: pip install -r requirements-sftp.txt."
        ) from None
    return sftp.fetch
