"""Takes secrets out of what is shown, stored or reported. Pure."""

import re
from typing import Any

FILTERED = "[Filtered]"

_SECRET_WORD = (
    r"(?:passw(?:or)?d|pwd|secret|token|credential|cookie|signature|dsn"
    r"|(?:api|access|private)[-_]?key)"
)
_SECRET_KEY = re.compile(rf"{_SECRET_WORD}|authorization|session", re.IGNORECASE)
_SECRET_TEXTS = tuple(
    (re.compile(pattern, re.IGNORECASE), rf"\1{FILTERED}")
    for pattern in (
        r"(\b[a-z][a-z0-9+.-]*://)[^\s/@]+(?=@)",
        r"(\bauthorization[\"']?\s*[=:]\s*[\"']?)[^\"'\r\n]+",
        r"(\b(?:basic|bearer)\s+)[\w.~+/=-]{8,}",
        rf"(\b[\w-]*{_SECRET_WORD}[\w-]*[\"']?\s*[=:]\s*[\"']?)[^\s\"'&;,]+",
    )
)


def scrub(value: Any) -> Any:
    """Return `value` (as JSON knows it) with secrets replaced: what stands under a key that
    names one, and log-ins, tokens and passwords inside texts."""
    match value:
        case dict():
            return {
                key: FILTERED if item and _SECRET_KEY.search(str(key)) else scrub(item)
                for key, item in value.items()
            }
        case list() | tuple():
            return [scrub(item) for item in value]
        case str():
            for pattern, replacement in _SECRET_TEXTS:
                value = pattern.sub(replacement, value)
    return value
