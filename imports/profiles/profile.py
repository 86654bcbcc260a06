"""What a known format of product feeds looks like: data, read by the same code for each."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from imports import readers
from imports.mapping.hints import Hint, Hints
from imports.mapping.mapping import ATTRIBUTES, SKIP
from imports.mapping.steps import Fields, Step, StepError
from imports.readers import Inspection, Source, Survey
from jobtracker.catalogue.normalise import LISTS

_PREFIX = re.compile(r"(^|/|@)[\w.-]+:")
_ANY = "{n}"
# A product has one category, however many fields could say it.
_SEVERAL = (*(LISTS - {"category"}), ATTRIBUTES, SKIP)


def plain(source: str, *, xml: bool) -> str:
    """The name of a field as profiles write it: small letters, no namespace, no marks for a
    required column."""
    if xml:
        source = _PREFIX.sub(r"\1", source)
    return source.strip(" *\ufeff").lower()


@dataclass(frozen=True)
class Rule:
    """What the field `source` (see `plain`; `{n}` is any number) feeds in a format.

    Without a target it is a decoy, and `note` says what it is. Of several rules for a target that
    takes one field, the first whose field holds anything counts. Steps name other fields as
    `source` does; the number for `{n}` is the same in them.
    """

    source: str
    target: str | None = None
    steps: tuple[Step, ...] = ()
    note: str = ""

    def found_in(self, names: dict[str, str]) -> Iterator[tuple[str, str]]:
        """The feed's fields (by plain name) that this rule is about, each with its number."""
        if _ANY not in self.source:
            if self.source in names:
                yield names[self.source], ""
            return
        pattern = re.compile(re.escape(self.source).replace(re.escape(_ANY), r"(\d+)"))
        for name, source in names.items():
            if match := pattern.fullmatch(name):
                yield source, match[1]


@dataclass(frozen=True)
class Feed:
    """A file of a known format, for what stands outside its products."""

    path: Path
    source: Source
    survey: Survey
    elsewhere: tuple[str, ...] = ()
    """Paths of other records in the document, the likeliest first."""

    def read(self, record: str) -> Iterator[Fields]:
        """The records at another path of the document."""
        if self.source.record_path is None:
            return iter(())
        return (each.fields for each in readers.elsewhere(self.path, self.source, record))

    def samples(self, name: str) -> tuple[str, ...]:
        """Some values of a product's field, given by its plain name."""
        is_xml = self.source.type == "xml"
        for each in self.survey.fields:
            if plain(each.source, xml=is_xml) == name:
                return each.samples
        return ()


Defaults = Callable[[Feed], dict[str, tuple[str, str]]]


def no_defaults(feed: Feed) -> dict[str, tuple[str, str]]:
    """Nothing is known that the products themselves do not say."""
    return {}


@dataclass(frozen=True)
class Profile:
    """A format. It is recognised by `records`, the ends of the record's path in XML (none: any),
    and by `signs`: all fields of one of these sets occur. `xml` False means a table. A feed is
    `price_only` by its format, or where the field `named_by` holds nothing."""

    name: str
    rules: tuple[Rule, ...]
    signs: tuple[frozenset[str], ...]
    records: tuple[str, ...] = ()
    xml: bool = True
    defaults: Defaults = no_defaults
    price_only: bool = False
    named_by: str = ""

    def sets_only_prices(self, survey: Survey) -> bool:
        """Whether a feed holds nothing but prices for products that are known already."""
        names = {plain(each.source, xml=self.xml) for each in survey.fields if each.coverage > 0}
        return self.price_only or bool(self.named_by and self.named_by not in names)

    def record_in(self, found: Inspection) -> str | None:
        """The record path that the format prescribes ("" in a table); None where the file cannot
        be of this format."""
        is_xml = found.source.type == "xml"
        if is_xml != self.xml:
            return None
        if not is_xml:
            return ""
        own = found.source.record_path or ""
        if not self.records:
            return own
        paths = (own, *(candidate.path for candidate in found.candidates))
        for path in paths:
            name = f"/{plain(path, xml=True)}"
            if any(name.endswith(f"/{record}") for record in self.records):
                return path
        return None

    def fits(self, columns: tuple[str, ...]) -> bool:
        """Whether the fields are those of the format."""
        names = {plain(column, xml=self.xml) for column in columns}
        return any(sign <= names for sign in self.signs)

    def hints(self, feed: Feed) -> Hints:
        """What the format says of the fields of this feed."""
        filled = {each.source for each in feed.survey.fields if each.coverage > 0}
        names = {
            plain(each.source, xml=self.xml): each.source for each in reversed(feed.survey.fields)
        }
        taken: dict[str, str] = {}
        found: dict[str, tuple[Hint, ...]] = {}
        for rule in self.rules:
            for source, number in rule.found_in(names):
                hint = _hint(rule, number, names, feed)
                if any(step.is_void for step in hint.steps):
                    continue
                if hint.target and hint.target not in _SEVERAL:
                    if source not in filled:
                        continue
                    first = taken.setdefault(hint.target, source)
                    if first != source:
                        hint = Hint(None, note=f"{first} says it already")
                if hint.target or source not in found:
                    kept = tuple(each for each in found.get(source, ()) if each.target)
                    found[source] = (*kept, hint)
        return Hints(self.name, found, self.defaults(feed), self.sets_only_prices(feed.survey))


def _hint(rule: Rule, number: str, names: dict[str, str], feed: Feed) -> Hint:
    def name_of(reference: str) -> str | None:
        return names.get(reference.replace(_ANY, number))

    try:
        steps = tuple(step.renamed(name_of).bound(feed.read) for step in rule.steps)
    except StepError:
        return Hint(None, note=f"{rule.note}, but what names them is missing")
    return Hint(rule.target, steps, rule.note)
