"""Which addresses a crawl leaves alone, and by what rule."""

import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from jobtracker.catalogue.normalise import word_set
from scraping.canonical import canonical, in_scope
from scraping.options import Options

LONGEST_URL = 2000
MOST_SEGMENTS = 12
MOST_REPEATS = 3  # of one path segment
MOST_PARAMETERS = 8

_NOT_PAGES = word_set(
    """.jpg|.jpeg|.png|.gif|.webp|.avif|.svg|.ico|.bmp|.tif|.tiff|.heic|.psd|.ai|.eps|.pdf|.doc
    |.docx|.xls|.xlsx|.ppt|.pptx|.odt|.ods|.odp|.rtf|.epub|.csv|.zip|.rar|.7z|.gz|.tgz|.tar
    |.bz2|.xz|.exe|.msi|.dmg|.iso|.apk|.bin|.deb|.rpm|.jar|.mp3|.mp4|.m4a|.m4v|.avi|.mov|.mkv
    |.webm|.wav|.ogg|.flac|.wmv|.flv|.css|.js|.mjs|.map|.json|.xml|.rss|.atom|.txt|.ics|.vcf
    |.woff|.woff2|.ttf|.otf|.eot|.dwg|.dxf|.stl|.obj|.skp|.rfa|.3ds|.max|.step|.stp|.ifc|.glb
    |.gltf|.usdz"""
)
# Pages that are one visitor's own: never a product's, and following them may change something.
_PRIVATE = word_set(
    """login|log-in|signin|sign-in|signup|sign-up|logout|log-out|signout|register|registration
    |account|my-account|myaccount|customer|cart|basket|warenkorb|carrito|panier|carrello
    |checkout|kasse|wishlist|wish-list|merkzettel|favoritos|compare|product_compare|sendfriend
    |password|lostpassword|lost-password|forgot-password|resetpassword|wp-login.php|wp-admin
    |wp-json|cdn-cgi|xmlrpc.php|add-to-cart|addtocart"""
)
_SEARCHES = word_set("search|suche|buscar|recherche|ricerca|catalogsearch|busca|szukaj|hledat")
_ACTIONS = word_set(
    """add-to-cart|add_to_cart|remove_item|add_to_wishlist|add-to-wishlist|add_to_compare
    |replytocom|sessionid|session_id|phpsessid|jsessionid|sid|printable"""
)
_TERMS = word_set("s|q|query|search|keyword|search_query")
_DATES = re.compile(
    r"(?:^|[/?&=])(?:calendar|kalender|calendario|calendrier)(?:[/?&=.]|$)"
    r"|[?&](?:month|year|week|date|tribe-bar-date|ical)=[\d-]+"
    r"|/(?:19|20)\d\d/(?:0?[1-9]|1[0-2])/(?:0?[1-9]|[12]\d|3[01])(?:/|$)",
    re.IGNORECASE,
)


def skip_rule(url: str, depth: int, options: Options, start: Sequence[str]) -> str:
    """Return "" where `url` is to be fetched, else the rule that skips it, in words.

    The start addresses themselves (`depth` 0) are what a person asked for: only what is no web
    address at all is refused there.
    """
    if not url.startswith(("http://", "https://")):
        return "not a web address"
    if canonical(url) in _starts(tuple(start)):
        return ""
    if options.mode == "page":
        return "only the given page"
    if not in_scope(url, start):
        return "outside the site"
    if len(url) > LONGEST_URL:
        return f"address longer than {LONGEST_URL:,} characters"
    return _trap(url) or _option_rule(url, depth, options)


@lru_cache(maxsize=64)
def _starts(start: tuple[str, ...]) -> frozenset[str]:
    return frozenset(canonical(url) for url in start)


def _trap(url: str) -> str:
    parts = urlsplit(url)
    segments = [unquote(segment).lower() for segment in parts.path.split("/") if segment]
    if segments and PurePosixPath(segments[-1]).suffix in _NOT_PAGES:
        return "not a page"
    if len(segments) > MOST_SEGMENTS:
        return f"path of more than {MOST_SEGMENTS} steps"
    if segments and max(Counter(segments).values()) >= MOST_REPEATS:
        return "path that repeats itself"
    if not _PRIVATE.isdisjoint(segments):
        return "log-in, account or cart"
    names = [part.split("=", 1)[0].lower() for part in parts.query.split("&") if part]
    if not _ACTIONS.isdisjoint(names):
        return "log-in, account or cart"
    if not _SEARCHES.isdisjoint(segments) or not _TERMS.isdisjoint(names):
        return "search results"
    if _DATES.search(f"{parts.path}?{parts.query}"):
        return "calendar"
    if len(names) > MOST_PARAMETERS:
        return f"more than {MOST_PARAMETERS} parameters"
    return ""


def _option_rule(url: str, depth: int, options: Options) -> str:
    parts = urlsplit(url)
    place = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
    for pattern in options.exclude:
        if _matches(pattern, place, url):
            return f"excluded by {pattern}"
    if options.include and not any(_matches(each, place, url) for each in options.include):
        return "not included"
    if depth > options.max_depth:
        return f"deeper than {options.max_depth}"
    return ""


def _matches(pattern: str, place: str, url: str) -> bool:
    """`*` is anything, all else is itself. A pattern with a scheme is for the whole address; one
    that starts with `/` for the path from its start; any other for a part of path and query."""
    return _compiled(pattern)(url if "://" in pattern else place) is not None


@lru_cache(maxsize=256)
def _compiled(pattern: str):  # type: ignore[no-untyped-def]
    pieces = re.sub(r"\*+", "*", pattern.strip()).split("*")
    anchored = "://" in pattern or pattern.strip().startswith("/")
    expression = re.compile(".*?".join(map(re.escape, pieces)), re.DOTALL)
    return expression.match if anchored else expression.search
