"""The identity of an address, so that one page is fetched once however it was linked."""

from collections.abc import Iterable
from functools import lru_cache
from urllib.parse import urlsplit, urlunsplit

from w3lib.url import canonicalize_url

from jobtracker.catalogue.normalise import word_set
from jobtracker.outbound import DEFAULT_PORTS

# What advertisers and mailers add to an address. A name joins this list only where no shop uses
# it to tell pages apart: `id`, `ref` and `page` never do.
_TRACKING = word_set(
    """_ga|_gl|gclid|gclsrc|dclid|gbraid|wbraid|fbclid|msclkid|yclid|ttclid|twclid|li_fat_id
    |igshid|_hsenc|_hsmi|mkt_tok|vero_id|srsltid|epik|rb_clickid|s_cid|wickedid|oly_anon_id
    |oly_enc_id|irclickid"""
)
_TRACKING_STARTS = ("utm_", "mc_", "pk_", "mtm_", "hsa_")


@lru_cache(maxsize=8192)
def canonical(url: str) -> str:
    """`url` in the one form that stands for its page: escapes, case, order of the query and dot
    segments settled; without default port, fragment, the host's last dot and tracking parameters.

    An address that cannot be read comes back as it is: the fetch will say what is wrong with it.
    """
    try:
        scheme, netloc, path, query, _ = urlsplit(canonicalize_url(url.strip()))
        if query:
            query = "&".join(part for part in query.split("&") if not _is_tracking(part))
        host, port = _host_and_port(url.strip())
    except ValueError:
        return url.strip()
    login, _, place = netloc.rpartition("@")
    if scheme in DEFAULT_PORTS and host:
        name = place if place.startswith("[") and port is None else host
        name = name.split("]")[0] + "]" if name.startswith("[") else name
        place = name if port in (None, DEFAULT_PORTS[scheme]) else f"{name}:{port}"
    return urlunsplit((scheme, f"{login}@{place}" if login else place, path or "/", query, ""))


def in_scope(url: str, start_urls: Iterable[str]) -> bool:
    """Tell whether `url` is on the site of a start address: the same host (with or without
    `www.`) and port, over http or https."""
    try:
        return _site(url) in {_site(start) for start in start_urls}
    except ValueError:
        return False


@lru_cache(maxsize=8192)
def _site(url: str) -> tuple[str, int | None]:
    scheme = urlsplit(url).scheme.lower()
    if scheme not in DEFAULT_PORTS:
        raise ValueError("no web address")
    host, port = _host_and_port(url)
    return host.removeprefix("www."), None if port in (None, DEFAULT_PORTS[scheme]) else port


def _host_and_port(url: str) -> tuple[str, int | None]:
    """The host as it is resolved (`idna`, lower case, no last dot) and the port that is written.
    Raises ValueError."""
    parts = urlsplit(url)
    host = (parts.hostname or "").rstrip(".")
    if not host.isascii():
        host = host.encode("idna").decode("ascii")
    return (f"[{host}]" if ":" in host else host), parts.port


def _is_tracking(parameter: str) -> bool:
    name = parameter.split("=", 1)[0].lower()
    return not parameter or name in _TRACKING or name.startswith(_TRACKING_STARTS)
