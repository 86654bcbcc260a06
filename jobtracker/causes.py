"""When two failures have one cause. Pure, so that lifecycle, pages and Sentry agree on it."""

import re
from collections.abc import Iterable
from hashlib import blake2b

MESSAGES = 200  # different ones that are looked at to name the causes
TOLD = 3  # causes in one sentence

_FILE_SUFFIX = r"(?:xml|csv|tsv|json|ndjson|txt|pdf|xlsx?|ods|zip|gz|py|sql|jpe?g|png|html?)"

# In this order: what a later mask would cut to pieces is taken by an earlier one.
_MASKS = tuple(
    (re.compile(pattern, re.IGNORECASE), mask)
    for pattern, mask in (
        (r"\b[a-z][a-z0-9+.-]*://[^\s'\"<>]*[^\s'\"<>.,;:)\]]", "<url>"),
        # Between quotes a path may hold blanks.
        (r"(?<=')(?:[a-z]:[\\/]|[.~]{0,2}/)[^'<>]+(?=')", "<path>"),
        (r"(?<=\")(?:[a-z]:[\\/]|[.~]{0,2}/)[^\"<>]+(?=\")", "<path>"),
        (r"(?<![\w<>./~])(?:[a-z]:[\\/]|[.~]{0,2}/)[^\s'\"<>]*[^\s'\"<>.,;:)\]/]/?", "<path>"),
        (rf"(?<![\w<>./-])[\w.-]+(?:/[\w.-]+)*\.{_FILE_SUFFIX}\b", "<path>"),
        (r"\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b", "<id>"),
        (r"\b0x[0-9a-f]+\b", "<id>"),
        (r"\b(?=[0-9a-z]*[0-9])(?=[0-9a-z]*[a-z])[0-9a-z]{8,}\b", "<id>"),
        (r"(?:(?<!\w)[-+])?\d+(?:[.,:]\d+)*", "<n>"),
        (r"\s+", " "),
    )
)


def mask(text: str) -> str:
    """Return `text` with addresses, paths, ids and numbers replaced by their kind."""
    for pattern, kind in _MASKS:
        text = pattern.sub(kind, text)
    return text.strip()


def told(found: Iterable[tuple[str | None, int]]) -> str:
    """Name the causes of several failures, given as (message, number) with the commonest first:
    one as it stands, of more each with its number. Messages that differ in a number or an address
    alone are one cause."""
    said: dict[str, str] = {}
    numbers: dict[str, int] = {}
    for message, number in found:
        text = message or "no reason given"
        key = mask(text)
        said.setdefault(key, text)
        numbers[key] = numbers.get(key, 0) + number
    if len(said) < 2:
        return next(iter(said.values()), "no reason given")
    ranked = sorted(said, key=lambda key: -numbers[key])
    parts = [f"{said[key].rstrip('. ')} ({numbers[key]:,})" for key in ranked[:TOLD]]
    if (left := len(ranked) - TOLD) > 0:
        parts.append(f"{left:,} other cause{'s' * (left > 1)}")
    return f"{'; '.join(parts)}."


def fingerprint(job_type: str, stage: str, message: str) -> str:
    """Return the 32 hexadecimal digits that failures of one cause share.

    Only the first line of the message counts: what follows (a database's DETAIL, a listing)
    tells one row from another, not one cause from another.
    """
    first_line = message.strip().partition("\n")[0][:1000]
    cause = "\x1f".join((job_type, stage, mask(first_line)))
    return blake2b(cause.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
