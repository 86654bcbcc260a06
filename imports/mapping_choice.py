"""Which mapping a run obeys, and what a person must be asked before it."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

from django.conf import settings

from imports.feed_source import FIELDS_KEPT
from imports.mapping import (
    Hints,
    Mapping,
    MappingError,
    Question,
    Suggestion,
    currency_question,
    needs_person,
    suggest,
)
from imports.models import MappingTemplate
from imports.prices import price_fields
from imports.profiles import Feed, Profile, with_structure
from imports.readers import Record, Survey
from jobtracker.catalogue.models import DecimalStyle, Supplier
from jobtracker.states import Waiting

SAMPLE = 500  # records from the start of the feed that the suggestion looks at
STYLES = {DecimalStyle.POINT: ".", DecimalStyle.COMMA: ","}


class Confirm(StrEnum):
    """When a person is shown the mapping though nothing of it is doubtful."""

    NEVER = ""
    NEW = "new"  # where nobody has confirmed or given one for such a feed
    ALWAYS = "always"

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        return cls("new") if value is True else None  # as older jobs have it


@dataclass(frozen=True)
class Choice:
    """The mapping to obey, said to come `by` whom; or what a person must answer first."""

    mapping: Mapping
    by: str
    template: MappingTemplate | None = None
    waits_for: Waiting | None = None
    question: dict[str, Any] | None = None


def choose(
    supplier: Supplier | None,
    feed: Feed,
    records: Sequence[Record],
    *,
    profile: Profile | None = None,
    given: Mapping | None = None,
    template: MappingTemplate | None = None,
    currency: str = "",
    confirm: Confirm = Confirm.NEVER,
    price_only: bool = False,
) -> Choice:
    """Take the mapping that a person gave, else the template for this shape of feed, else what
    its format (`profile`) and the evidence support if that is sure enough. `records` are from the
    start of the feed; `currency` fills gaps; `confirm` says when a person is asked though
    nothing is doubtful, with what would be taken filled in; `price_only` leaves out all that sets
    neither price nor stock. Raises `MappingError` for a given mapping that does not fit the feed,
    or for one without price and stock.
    """
    survey, hints = feed.survey, hints_of(profile, feed)
    defaults = _defaults(supplier, currency)
    template = template or template_for(supplier, shape_of(survey, price_only=price_only))
    if given is None and template is None:
        suggestion = suggest(survey, records, defaults, hints)
        if price_only:
            suggestion = suggestion.of_prices()
        return _suggested(suggestion, confirm=confirm, price_only=price_only)
    if given is not None:
        mapping, by, template = obeyable(given, survey), "given by a person", None
    else:
        assert template is not None
        mapping, by = Mapping.from_json(template.mapping), f"template {template}"
    mapping = mapping.completed(hints)
    if price_only:
        mapping = price_fields(mapping)
    known = {target: value for target, value in defaults.items() if target != "decimal_style"}
    mapping = replace(mapping, defaults=mapping.defaults | known)
    sound = (record.fields for record in records if not record.error)
    question = currency_question(mapping.bound(feed.read), sound)
    if question:
        asked = _asked([question], mapping)
        return Choice(mapping, by, template, Waiting.CURRENCY, asked)
    if confirm is Confirm.ALWAYS:
        asked = _asked([], mapping, f" Filled in is the {by}." if template else "")
        return Choice(mapping, by, template, Waiting.MAPPING, asked)
    return Choice(mapping, by, template)


def hints_of(profile: Profile | None, feed: Feed) -> Hints:
    """Return what the format of a feed says of its fields, if it is known, and what its structure
    says."""
    return with_structure(profile.hints(feed) if profile else Hints("", {}), feed)


def _suggested(suggestion: Suggestion, *, confirm: Confirm, price_only: bool) -> Choice:
    bar = settings.MAPPING_CONFIDENCE
    mapping = suggestion.mapping(bar)
    reason = needs_person(suggestion, bar)
    if reason is None and not confirm:
        if price_only:
            mapping = price_fields(mapping)
        return Choice(mapping, "suggested, and sure")
    return Choice(
        mapping,
        "suggested",
        waits_for=Waiting.CURRENCY if reason == "currency" else Waiting.MAPPING,
        question=_asked(suggestion.open_questions(bar), mapping)
        | {"suggestion": suggestion.as_json()},
    )


def _asked(questions: Sequence[Question], mapping: Mapping, more: str = "") -> dict[str, Any]:
    """What a person is asked, with the mapping that is filled in; `more` is said of it where there
    is no question but whether it is right."""
    confirm = f"Confirm how the fields are mapped.{more}"
    return {
        "message": questions[0].text if questions else confirm,
        "questions": [question.as_json() for question in questions],
        "mapping": mapping.to_json(),
    }


def obeyable(mapping: Mapping, survey: Survey) -> Mapping:
    """Return the mapping if the feed has all its fields. Raises `MappingError` otherwise."""
    if len(survey.fields) == FIELDS_KEPT:
        return mapping  # a kept survey ends there, the feed perhaps does not
    return Mapping.from_json(mapping.to_json(), [each.source for each in survey.fields])


def mapping_in_file(path: str) -> Mapping:
    """Read a file of the shape that `suggest_mapping` prints. Raises `MappingError`."""
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise MappingError(f"{path} cannot be read: {error.strerror}.") from error
    return mapping_in(content, path)[0]


def mapping_in(content: bytes, name: str) -> tuple[Mapping, Any]:
    """Return the mapping that a file's content says, and all of it. Raises `MappingError`, whose
    sentence begins with the file's `name`."""
    try:
        data = json.loads(content.decode("utf-8-sig"))
        return Mapping.from_json(data), data
    except json.JSONDecodeError as error:
        raise MappingError(
            f"{name} is not JSON: {error.msg} at line {error.lineno}, column {error.colno}."
        ) from error
    except MappingError as error:
        raise MappingError(f"{name}: {error}") from error
    except UnicodeDecodeError as error:
        raise MappingError(f"{name} is no UTF-8 text: see byte {error.start + 1:,}.") from error
    except RecursionError as error:
        raise MappingError(f"{name} is nested too deeply for a mapping.") from error
    except ValueError as error:
        raise MappingError(f"{name} holds a number that is too long.") from error


def template_for(supplier: Supplier | None, shape: str) -> MappingTemplate | None:
    """Return the supplier's newest template for feeds of this shape that is not set aside."""
    if supplier is None:
        return None
    templates = MappingTemplate.objects.filter(
        supplier=supplier, shape=shape, retired_at__isnull=True
    )
    return templates.order_by("-pk").first()


def shape_of(survey: Survey, *, price_only: bool) -> str:
    """Return what two feeds with the same fields have in common, whatever their order. A
    price-only run has a shape of its own: its mapping would blank what a whole feed sets."""
    return shape_of_fields((each.source for each in survey.fields), price_only=price_only)


def shape_of_fields(names: Iterable[str], *, price_only: bool) -> str:
    """Return the shape of feeds whose fields have these names; see `shape_of`."""
    sources = sorted(names)
    if price_only:
        sources.append("prices only")
    return hashlib.sha256("\n".join(sources).encode()).hexdigest()


def keep_template(
    supplier: Supplier, name: str, record_path: str, shape: str, mapping: Mapping
) -> MappingTemplate:
    """Keep a confirmed mapping for the supplier's next feed of the same shape. What is the same
    as the newest version of the name is not kept twice, unless that is set aside. Runs in the
    caller's transaction."""
    lock_templates(supplier.pk)
    templates = MappingTemplate.objects.filter(supplier=supplier, name=name)
    newest = templates.order_by("-version").first()
    kept: dict[str, Any] = {
        "shape": shape,
        "mapping": mapping.to_json(),
        "record_path": record_path,
        "retired_at": None,
    }
    if newest and all(getattr(newest, column) == value for column, value in kept.items()):
        return newest
    version = newest.version + 1 if newest else 1
    return MappingTemplate.objects.create(supplier=supplier, name=name, version=version, **kept)


def lock_templates(supplier_id: int) -> None:
    """Let those who change one supplier's templates follow each other, so that each sees the newest
    version. Jobs of the supplier can be made meanwhile."""
    Supplier.objects.select_for_update(no_key=True).get(pk=supplier_id)


def _defaults(supplier: Supplier | None, currency: str) -> MappingOf[str, str]:
    """What fills gaps: what the person said, then what is known of the supplier."""
    currency = currency or (supplier.default_currency if supplier else "")
    found = {"currency": currency} if currency else {}
    if supplier and (style := STYLES.get(DecimalStyle(supplier.decimal_style))):
        found["decimal_style"] = style
    return found
