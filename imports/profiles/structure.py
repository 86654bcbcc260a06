"""What the structure of a feed of unknown format says: names beside values, ids of categories.

Found by evidence only. Two fields that differ by "name" and "value" are features; a field whose
values are ids of other records of the document, which have names, is the product's category.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

from imports.mapping.hints import Hint, Hints
from imports.mapping.mapping import ATTRIBUTES
from imports.mapping.match import FILLED, match_name, path_parts, words_of
from imports.mapping.steps import Fields, Pairs, Tree, texts
from imports.readers import FieldSurvey

from .profile import Feed

_SURE, _USEFUL = 0.8, 0.75
_GROUPS = frozenset(
    words_of(
        "attributes attrs attribute features feature specs spec specifications properties params"
        " parameters characteristics eigenschaften merkmale atributos caracteristicas attributs"
        " caracteristiques attributi caratteristiche cechy parametry vlastnosti характеристики"
        " свойства egenskaber egenskaper kenmerken ominaisuudet"
    )
)
_NAMES = frozenset(
    words_of(
        "name key label title nombre nome nom nazwa nazev jmeno имя наименование titel bezeichnung"
        " naam navn"
    )
)
_VALUES = frozenset(
    words_of(
        "value values val wert valor valeur valore wartosc hodnota значение text waarde vaerdi arvo"
        " deger"
    )
)
_UNITS = frozenset(words_of("unit units einheit unidad unite unita jednostka jednotka"))
_PLURAL = frozenset(("s", "es"))
_TREE_RECORDS = 20_000


def with_structure(hints: Hints, feed: Feed) -> Hints:
    """`hints` of a format, if any, and what the structure says of fields that it leaves open."""
    found = _grouped(feed.survey.fields) | _features(feed.survey.fields)
    if not hints.format:
        found |= _category(feed)
    return Hints(hints.format, found | hints.fields, hints.defaults, hints.price_only)


def _grouped(fields: Iterable[FieldSurvey]) -> dict[str, tuple[Hint, ...]]:
    """Fields of a group called features or the like, each under its own name."""
    found: dict[str, tuple[Hint, ...]] = {}
    for field in fields:
        *above, own = path_parts(field.source)
        group = words_of(above[-1]) if above else ()
        known = match_name(own)
        plain = known.decoy is None and max(known.strengths.values(), default=0) < FILLED
        if group and group[-1] in _GROUPS and plain:
            found[field.source] = (
                Hint(f"attribute.{own}", (), "One of the product's features", _USEFUL),
            )
    return found


def _features(fields: Iterable[FieldSurvey]) -> dict[str, tuple[Hint, ...]]:
    """Fields that hold the values, names and units of the same features."""
    kinds: dict[tuple[str, ...], dict[str, FieldSurvey]] = {}
    for field in fields:
        rest, kind = _kind(field.source)
        kinds.setdefault(rest, {}).setdefault(kind, field)
    found: dict[str, tuple[Hint, ...]] = {}
    for rest, fields_of in kinds.items():
        names, values = fields_of.get("name"), fields_of.get("value") or fields_of.get("")
        if not (names and values and rest):
            continue
        numbered = any(word.isdigit() for word in rest)
        if not numbered and not (names.repeated and values.repeated and names.distinct > 1):
            continue
        units = fields_of.get("unit")
        pairs = Pairs(names=names.source, units=units.source if units else "")
        found[values.source] = (
            Hint(ATTRIBUTES, (pairs,), "Values of features, with names beside them", _SURE),
        )
        for other in filter(None, (names, units)):
            found[other.source] = (Hint(None, note="part of the features"),)
    return found


def _kind(source: str) -> tuple[tuple[str, ...], str]:
    """The words of a path without the one for its kind, and the kind: name, value, unit or ""."""
    words = [word for word in words_of(source.replace(".", " ")) if word not in _PLURAL]
    kinds = (("name", _NAMES), ("value", _VALUES), ("unit", _UNITS))
    last = words[-1] if words else ""
    kind = next((kind for kind, known in kinds if last in known), "")
    if kind:
        words = words[:-1]
    rest = tuple(word for at, word in enumerate(words) if not at or word != words[at - 1])
    return rest, kind


def _category(feed: Feed) -> dict[str, tuple[Hint, ...]]:
    """The field that names a category by an id of other records in the document."""
    fields = [each for each in feed.survey.fields if _is_category_id(each)]
    own = feed.source.record_path or ""
    for record in feed.elsewhere if fields else ():
        if record.startswith(own) or own.startswith(record):
            continue  # the products, a part of them, or what they stand in
        records = list(islice(feed.read(record), _TREE_RECORDS))
        for field in fields:
            samples = {sample.strip() for sample in field.samples}
            if tree := _tree(record, records, samples):
                note = f"Ids of {record.rpartition('/')[2]}, which have names"
                return {field.source: (Hint("category", (tree.bound(feed.read),), note, _SURE),)}
    return {}


def _is_category_id(field: FieldSurvey) -> bool:
    words = words_of(path_parts(field.source)[-1])
    called = match_name(" ".join(word for word in words if word not in ("id", "ref", "ids")))
    known = "category" in called.strengths or "group" in words or "categoryid" in words
    return known and bool(field.samples) and all(" " not in each for each in field.samples)


def _tree(record: str, records: list[Fields], samples: set[str]) -> Tree | None:
    """The step for records whose ids are `samples` and others, or None."""
    columns: dict[str, list[str]] = {}
    for each in records:
        for source in each:
            columns.setdefault(source, []).extend(text.strip() for text in texts(each, source)[:1])
    for own, ids in columns.items():
        if len(set(ids)) != len(records) or not samples <= set(ids):
            continue
        names = [
            source for source, values in columns.items()
            if source != own and len(values) == len(records) and any(map(str.isalpha, values[0]))
        ]  # fmt: skip
        parents = [
            source for source, values in columns.items()
            if source != own and (filled := set(filter(None, values))) and filled < set(ids) | {"0"}
        ]  # fmt: skip
        called = [source for source in names if "name" in match_name(source).strengths]
        if names := [*called, *names]:
            return Tree(record=record, id=own, name=names[0], parent="".join(parents[:1]))
    return None
