"""The mapping page: a feed's fields with samples, what each feeds, and the reader of its form."""

from collections.abc import Mapping as MappingOf
from dataclasses import dataclass, replace
from typing import Any

from django.conf import settings

from imports.feed_source import survey_from_json
from imports.mapping import Mapping, MappingError, is_target, transforms
from imports.models import DataImportJob
from jobtracker.catalogue.normalise import TARGETS, is_code
from jobtracker.models import BackgroundJob, JobCheckpoint

SAMPLES = 3
ATTRIBUTE = "attribute."
LABELS = {
    target: {"sku": "SKU", "ean": "EAN", "url": "Address", "group": "Product of variants"}.get(
        target, target.capitalize()
    )
    for target in TARGETS
}
SPECIAL = {"attributes": "Features", "skip": "Leaves rows out"}


@dataclass(frozen=True)
class FieldLine:
    """One field of the feed on the page; `index` names its form fields."""

    index: int
    source: str
    samples: list[str]
    percent: int
    target: str
    transform: str
    confidence: int
    reason: str
    decoy: bool
    steps: tuple[dict[str, Any], ...] = ()

    @property
    def transforms(self) -> tuple[str, ...]:
        if self.steps:
            return (self.transform,)
        return transforms(self.target) if self.target else ()

    @property
    def is_attribute(self) -> bool:
        """Whether it feeds what no other field could be chosen for."""
        return self.target.startswith(ATTRIBUTE) or self.target in SPECIAL

    @property
    def attribute_label(self) -> str:
        return SPECIAL.get(self.target, "Attribute")

    @property
    def label(self) -> str:
        """What the field feeds, in words."""
        return (LABELS | SPECIAL).get(self.target, self.target.removeprefix(ATTRIBUTE))


@dataclass(frozen=True)
class MappingPage:
    """All that the page shows: groups of fields and the questions that are open. `further` are
    fields that feed something else beside what their line says."""

    lines: list[FieldLine]
    questions: list[dict[str, Any]]
    currency: str
    further: list[dict[str, Any]]

    @property
    def targets(self) -> list[tuple[str, str]]:
        """What a field can feed, with its label."""
        return list(LABELS.items())

    @property
    def bar(self) -> int:
        return round(settings.MAPPING_CONFIDENCE * 100)

    @property
    def to_check(self) -> list[FieldLine]:
        return [line for line in self.lines if line.target and line.confidence < self.bar]

    @property
    def sure(self) -> list[FieldLine]:
        return [line for line in self.lines if line.target and line.confidence >= self.bar]

    @property
    def left_out(self) -> list[FieldLine]:
        return [line for line in self.lines if not line.target]

    @property
    def choices(self) -> list[tuple[dict[str, Any], list[FieldLine]]]:
        """The questions that are answered by choosing a field, with the fields to choose from."""
        by_source = {line.source: line for line in self.lines}
        return [
            (question, [by_source[each] for each in question["options"] if each in by_source])
            for question in self.questions
            if question["reason"] == "mapping"
        ]

    @property
    def asks_currency(self) -> dict[str, Any] | None:
        return next((each for each in self.questions if each["reason"] == "currency"), None)


def page_for(detail: DataImportJob, job: BackgroundJob) -> MappingPage | None:
    """Return the page for a feed that was read, else None. Open questions come from the job;
    without any the page shows the mapping in use."""
    parsed = JobCheckpoint.objects.filter(job=job, stage="feed_parsed").first()
    if parsed is None or "survey" not in parsed.data:
        return None
    question = job.question or {}
    suggested, _ = _by_source(question.get("suggestion", {}).get("fields", []))
    used = question.get("mapping") or detail.field_mappings or {}
    in_use, further = _by_source(used.get("fields", []))
    lines = []
    for index, field in enumerate(survey_from_json(parsed.data["survey"]).fields):
        known = suggested.get(field.source, {})
        chosen = known or in_use.get(field.source, {})
        lines.append(
            FieldLine(
                index=index,
                source=field.source,
                samples=list(field.samples[:SAMPLES]),
                percent=round(field.coverage * 100),
                target=chosen.get("target") or "",
                transform=_transform_words(chosen.get("transform")),
                confidence=round(known.get("confidence", 1) * 100),
                reason=known.get("reason", ""),
                decoy=known.get("decoy", False),
                steps=_steps(chosen.get("transform")),
            )
        )
    defaults = question.get("suggestion", {}).get("defaults") or used.get("defaults") or {}
    currency = defaults.get("currency", "")
    return MappingPage(lines, question.get("questions", []), currency, further)


def _by_source(
    fields: list[dict[str, Any]],
) -> tuple[dict[str, dict[str, Any]], list[dict[str, Any]]]:
    """Return the first field of each source, and those that are further ones of a source."""
    first: dict[str, dict[str, Any]] = {}
    further = [each for each in fields if first.setdefault(each["source"], each) is not each]
    return first, further


def _steps(transform: Any) -> tuple[dict[str, Any], ...]:
    return tuple(transform) if isinstance(transform, list) else ()


def _transform_words(transform: Any) -> str:
    if isinstance(transform, list):
        return ", ".join(step["do"] for step in transform)
    return transform or ""


def mapping_from_form(page: MappingPage, form: MappingOf[str, str]) -> Mapping:
    """Read the posted form. Raises `MappingError` with a sentence for a person."""
    targets = {line.source: form.get(f"target-{line.index}", "").strip() for line in page.lines}
    for question, options in page.choices:
        source = form.get(f"choice-{question['target']}")
        if source in {line.source for line in options}:
            for other, target in targets.items():
                if target == question["target"]:
                    targets[other] = ""
            targets[source] = question["target"]
    fields: list[dict[str, Any]] = []
    for line in page.lines:
        target = targets[line.source]
        if not target:
            continue
        if target == ATTRIBUTE:
            target = f"{ATTRIBUTE}{line.source.rpartition('/')[2]}"
        transform = form.get(f"transform-{line.index}", "")
        known = is_target(target) and transform in transforms(target)
        kept: Any = transform if known else None
        if line.steps and target == line.target:
            kept = list(line.steps)
        fields.append({"source": line.source, "target": target, "transform": kept})
    if not fields:
        raise MappingError("No field is mapped yet.")
    taken = {field["target"] for field in fields} - set(SPECIAL)
    fields += [field for field in page.further if field["target"] not in taken]
    mapping = Mapping.from_json({"fields": fields})
    if not any(mapping.has(target) for target in ("key", "sku", "name", "group")):
        raise MappingError("Choose a key, an article code or a name: rows need one.")
    currency = form.get("currency", "").strip().upper()
    if currency and not is_code(currency):
        raise MappingError(f"{currency} is no ISO 4217 currency code.")
    return replace(mapping, defaults={"currency": currency} if currency else {})
