"""Which pages may open a socket: those that this site served, and no other."""

from collections.abc import Iterable
from urllib.parse import urlsplit

Origin = tuple[str, str, int]

_PORTS = {"http": 80, "https": 443}


def parse(url: str) -> Origin | None:
    """Return (scheme, host, port) of a web address, or None if it is none."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in _PORTS or not parts.hostname:
        return None
    return parts.scheme, parts.hostname, _PORTS[parts.scheme] if port is None else port


def allowed(headers: Iterable[tuple[bytes, bytes]], public_url: str) -> bool:
    """Tell whether exactly one Origin header is there and equals the origin of `public_url`.

    Browsers let any site open a socket to any other, with the user's cookies, and leave the
    refusal to the server. Scheme and port count: another port is another program.
    """
    origins = [value.decode("latin-1") for name, value in headers if name == b"origin"]
    return len(origins) == 1 and parse(origins[0]) == parse(public_url) is not None
