"""Which code page a text is in that has no mark and is no UTF-8.

chardet ranks code pages by which letters follow each other. Many feeds hold hardly more than "m²",
"€" or a few accents, and of so little it makes Hebrew of DOS. So the pages that it finds likely are
tried: one that puts into the text what nobody writes comes last, and those of DOS and the
Macintosh come behind those of Windows and ISO.
"""

import codecs
import re
import unicodedata
from functools import lru_cache

import chardet
from chardet import EncodingEra

_LIKELY = 0.5  # of chardet's sureness of its first page
_TRIED_BYTES = 20_000
_STILL_CLEAN = 0.05  # of the words beyond ASCII
_IN_USE = EncodingEra.MODERN_WEB | EncodingEra.LEGACY_ISO
_WESTERN = "cp1252"

_BEYOND = re.compile(r"\S*[^\x00-\x7f]\S*")
_LETTER = r"[^\W\d_²³¹¼½¾]"
_WORD = re.compile(f"{_LETTER}+")
_AFTER_SMALL = re.compile(f"(?<=[a-z]){_LETTER}")
_SIGN_INSIDE = re.compile(rf"{_LETTER}[^\w\s\x00-\x7f’‘·–—]+{_LETTER}|[²³¹¾£¥¶¬¯±]{_LETTER}")
_DRAWN = re.compile(r"[\x80-\x9f\u2500-\u25ff\ufffd]")
_LATIN = frozenset(("LATIN", "MICRO", "FEMININE", "MASCULINE"))


def likely_code_page(sample: bytes) -> str | None:
    """Return the codec in which `sample`, lines that hold bytes beyond ASCII, most likely is; None
    where none fits."""
    found = chardet.detect_all(sample, ignore_threshold=True)
    usual = chardet.detect_all(sample, ignore_threshold=True, encoding_era=_IN_USE)
    in_use = {each["encoding"] for each in usual}
    ranked = []
    for each in found:
        name = each["encoding"]
        if name is None or each["confidence"] < _LIKELY * found[0]["confidence"]:
            continue
        codec = codecs.lookup(name).name
        clean = (text := _read(sample, codec)) is not None and _is_clean(text)
        ranked.append((not clean, name not in in_use, -each["confidence"], codec))
    western = _read(sample, _WESTERN)
    if western is not None and _has_signs_only(western) and _is_clean(western):
        return _WESTERN
    return min(ranked)[-1] if ranked else None


def _read(sample: bytes, codec: str) -> str | None:
    try:
        return codecs.getincrementaldecoder(codec)().decode(sample[:_TRIED_BYTES])
    except UnicodeError:
        return None


def _has_signs_only(text: str) -> bool:
    """Whether nothing beyond ASCII is a letter within a word: "25 °C", "Ø 12", "m²"."""
    words = (word for word in _WORD.findall(text) if not word.isascii())
    return all(word in ("Ø", "ø") or word.startswith("µ") for word in words)


def _is_clean(text: str) -> bool:
    words = _BEYOND.findall(text)
    return sum(map(_is_odd, words)) <= _STILL_CLEAN * len(words)


def _is_odd(word: str) -> bool:
    """Whether it is written as no word is: of two scripts, with a capital or a sign inside, or a
    single letter of another script than Latin beside none."""
    if _DRAWN.search(word) or _SIGN_INSIDE.search(word):
        return True
    return any(
        len(scripts := {_script(letter) for letter in letters}) > 1
        or (len(letters) == 1 and scripts != {"LATIN"})
        or any(letter > "\x7f" and letter.isupper() for letter in _AFTER_SMALL.findall(letters))
        for letters in _WORD.findall(word)
    )


@lru_cache(maxsize=1024)
def _script(letter: str) -> str:
    name = unicodedata.name(letter, "").partition(" ")[0]
    return "LATIN" if name in _LATIN else name
