"""Text that a database takes."""

import re

REMOVED = "Characters that are no text (NUL or half a character) were removed."

_SURROGATES = re.compile("[\ud800-\udfff]")


def is_clean(text: str) -> bool:
    """Whether a text holds neither NUL nor half a character."""
    return "\0" not in text and (text.isascii() or not _SURROGATES.search(text))


def clean(text: str) -> str:
    """Text without NULs and lone surrogates, which no database takes; pairs are joined."""
    text = text.replace("\0", "")
    if _SURROGATES.search(text):
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "ignore")
    return text
