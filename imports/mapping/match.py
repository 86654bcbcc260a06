"""How far a field's name says what it is: exact phrases, phrases with filler words, typos."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from rapidfuzz import fuzz, process

from jobtracker.catalogue.normalise import COMMON

from . import names
from .further_names import FURTHER, FURTHER_DECOYS

_CAMEL = re.compile(r"(?<=[a-zа-яα-ω])(?=[A-ZА-ЯΑ-Ω])|(?<=[A-Z])(?=[A-Z][a-z])")
_WORD = re.compile(r"[^\W_]+")
_PREFIX = re.compile(r"^(?:[A-Za-z][\w-]*:(?!//))+")
_AGAIN = re.compile(r" \[\d+\]$")  # what readers add where a header names a column once more
_PLAIN = str.maketrans({"ł": "l", "ø": "o", "đ": "d", "ı": "i", "æ": "ae"})

# One plain word ("price") says it better than several ("price net").
SAME, SAME_PHRASE, FILLED, LOOSE, TYPO = 1.0, 0.97, 0.92, 0.55, 0.6
_VAGUE = 0.5
_MEASURES = frozenset(("mm", "cm", "m", "in", "kg", "g"))
_SHORTEST_TYPO = 6
_TYPO_RATIO = 90


def words_of(name: str) -> tuple[str, ...]:
    """The plain lower-case words of a name: "PriceNet" and "Präis_net" alike, without accents."""
    decomposed = unicodedata.normalize("NFKD", _CAMEL.sub(" ", name).casefold())
    plain = "".join(mark for mark in decomposed if not unicodedata.combining(mark))
    return tuple(_WORD.findall(plain.translate(_PLAIN).replace("ς", "σ")))


def _phrases(text: str) -> list[tuple[str, ...]]:
    return [words_of(phrase) for phrase in text.split("|")]


def _word_set(text: str) -> frozenset[str]:
    return frozenset(word for part in text.replace("|", " ").split() for word in words_of(part))


_TARGET_PHRASES = {
    target: frozenset(phrase for text in languages.values() for phrase in _phrases(text))
    for target, languages in names.NAMES.items()
}
for _language in FURTHER.values():
    for _target, _text in _language.items():
        _TARGET_PHRASES[_target] |= set(_phrases(_text))
_BY_GLUED: dict[str, list[str]] = {}
for _target, _all in _TARGET_PHRASES.items():
    for _phrase in _all:
        _BY_GLUED.setdefault("".join(_phrase), []).append(_target)
_DECOYS = [
    (phrase, reason)
    for decoys in (names.DECOYS, FURTHER_DECOYS)
    for reason, text in decoys.items()
    for phrase in _phrases(text)
]
_TAX = _word_set(names.TAX_WORDS)
_FILLERS = _word_set(names.FILLERS)
_TURNING = _word_set(names.TURNING)
_GENERIC = _word_set("|".join(names.GENERIC))
_WHOLE = _word_set("|".join(names.AMOUNTS | names.TITLES))


@dataclass(frozen=True, slots=True)
class NameMatch:
    """`strengths`: target to 0..1; `decoy`: why the name is not what it looks like, or None;
    `currency` and `unit`: those in the name ("price_eur", "Width (cm)"), or None."""

    strengths: dict[str, float]
    decoy: str | None
    currency: str | None
    unit: str | None


def path_parts(source: str) -> list[str]:
    """The steps of a source path without namespaces, indexes and the mark of an attribute."""
    # A column's name may hold " / "; the steps of a path never have spaces around them.
    parts = re.split(r"(?<! )/(?! )|(?<=\w)\.(?=\w)", source)
    parts = [_PREFIX.sub("", part.strip().lstrip("@")) for part in parts]
    return [part for part in parts if part and not part.isdigit() and part != "."] or [source]


def named_once(source: str) -> str:
    """The name of a column as the header has it, also where that has the name several times."""
    return _AGAIN.sub("", source)


@lru_cache(maxsize=4096)
def match_name(source: str) -> NameMatch:
    """What the name of `source` says, by its last step and, where that is vague, the one before."""
    source = named_once(source)
    if "." in source and "/" not in source:  # "Art.Nr" is one name, "offers.0.price" a path
        words = words_of(source)
        if max((strengths := _strengths(words)).values(), default=0) >= FILLED:
            return NameMatch(strengths, _decoy(words, strengths), _currency(words), _unit(words))
    parts = path_parts(source)
    words = words_of(parts[-1])
    before = words_of(parts[-2]) if len(parts) > 1 else ()
    strengths = _strengths(words)
    if before and len(words) == 1 and words[0] in _GENERIC:
        group = names.GROUPS.get(before[-1], before[-1])
        joined = _strengths((*before[:-1], group, *words))
        if words[0] in _WHOLE and max(joined.values(), default=0) < FILLED:
            whole = _strengths(
                before
            )  # the value of a price is the price, the name of a brand the brand
            joined |= {target: FILLED for target in whole if whole[target] >= SAME_PHRASE}
        if max(joined.values(), default=0) >= FILLED:
            strengths = joined
        elif not set(before) <= _FILLERS:
            # "variant/name" is still a name; the name of something unknown hardly is
            strengths = {target: value * _VAGUE for target, value in strengths.items()} | joined
    decoy = _decoy(words, strengths) or _decoy(before, strengths)
    return NameMatch(strengths, decoy, _currency(words), _unit(words))


def _currency(words: tuple[str, ...]) -> str | None:
    return next((word.upper() for word in words if word.upper() in COMMON), None)


def _unit(words: tuple[str, ...]) -> str | None:
    return words[-1] if words[-1:] and words[-1] in _MEASURES else None


def _decoy(words: tuple[str, ...], strengths: dict[str, float]) -> str | None:
    """Why words that say something, or say nothing else, are not what they look like."""
    if "".join(words) in _BY_GLUED:
        return None  # a whole phrase such as "price tax included" is no decoy
    reasons: list[str] = []
    left = set(words)
    for phrase, reason in _DECOYS:
        if reason == names.TAX and "price" in strengths:
            continue
        size = len(phrase)
        if any(words[start : start + size] == phrase for start in range(len(words) - size + 1)):
            reasons.append(reason)
            left -= set(phrase)
    return reasons[0] if reasons and (strengths or left <= _FILLERS) else None


def _strengths(words: tuple[str, ...]) -> dict[str, float]:
    glued = "".join(words)
    same = SAME if len(words) == 1 else SAME_PHRASE
    found = dict.fromkeys(_BY_GLUED.get(glued, ()), same)
    trimmed = tuple(word for word in words if word.upper() not in COMMON)
    while trimmed and (trimmed[-1].isdigit() or trimmed[-1] in _MEASURES):
        trimmed = trimmed[:-1]
    if not found and trimmed != words:
        found = dict.fromkeys(_BY_GLUED.get("".join(trimmed), ()), FILLED)
    if found:
        return found
    for target, phrases in _TARGET_PHRASES.items():
        best = max((_contained(words, phrase, target) for phrase in phrases), default=0.0)
        if best:
            found[target] = best
    if not found and len(glued) >= _SHORTEST_TYPO:
        close = process.extractOne(
            glued, _BY_GLUED.keys(), scorer=fuzz.ratio, score_cutoff=_TYPO_RATIO
        )
        if close and len(close[0]) >= _SHORTEST_TYPO:
            found = dict.fromkeys(_BY_GLUED[close[0]], TYPO)
    return found


def _contained(words: tuple[str, ...], phrase: tuple[str, ...], target: str) -> float:
    size = len(phrase)
    if size >= len(words):
        return 0.0
    for start in range(len(words) - size + 1):
        if words[start : start + size] != phrase:
            continue
        rest = set(words[:start] + words[start + size :])
        if target == "price":
            rest -= _TAX
        if rest <= _FILLERS - _TURNING or (rest <= _FILLERS and target in ("brand", "images")):
            return FILLED
        return 0.0 if rest & _TURNING else LOOSE
    return 0.0
