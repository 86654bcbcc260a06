"""The mapping page of an import: as it is offered, as a person left it, with examples."""

from collections.abc import Mapping as MappingOf
from collections.abc import Sequence
from dataclasses import replace
from itertools import count
from typing import Any

from django.conf import settings

from imports.feed_source import survey_from_json
from imports.mapping import MappingError
from imports.mapping import step_forms as forms
from imports.mapping.expression import TooSlow, in_time
from imports.mapping_examples import examples_of
from imports.mapping_lines import (
    DECIMAL,
    DEFAULTS,
    MARKS,
    FieldLine,
    MappingPage,
    answered,
    beside,
    index_in,
    name_of_default,
    steps_of,
    way_of,
)
from imports.models import DataImportJob
from imports.readers import FieldSurvey, Source
from imports.stored_source import Fields, first_records
from jobtracker.models import BackgroundJob, JobCheckpoint

SAMPLES = 3
SECONDS = 3.0  # for the examples of all fields
TOO_SLOW = "There is no example: patterns take too long. Write them without nested repeats."


def page_for(
    detail: DataImportJob, job: BackgroundJob, filled: MappingOf[str, str] | None = None
) -> MappingPage | None:
    """Return the page for a feed that was read, else None. Open questions come from the job;
    without any the page shows the mapping in use. `filled` is the form as a person left it."""
    parsed = JobCheckpoint.objects.filter(job=job, stage="feed_parsed").first()
    if parsed is None or "survey" not in parsed.data:
        return None
    question = job.question or {}
    page = _offered(survey_from_json(parsed.data["survey"]).fields, question, detail)
    return page if filled is None else _as_posted(page, filled)


def records_of(detail: DataImportJob, job: BackgroundJob) -> Sequence[Fields]:
    """Return the first records of a feed that was read, none where a page does not open it."""
    parsed = JobCheckpoint.objects.get(job=job, stage="feed_parsed")
    return first_records(detail, Source.from_json(parsed.data["source"]))


def with_examples(page: MappingPage, records: Sequence[Fields]) -> MappingPage:
    """Return the page with what the first records become, on the lines that are open, and what is
    wrong with those."""
    with in_time(SECONDS):
        return replace(page, lines=[_with_examples(line, page, records) for line in page.lines])


def _with_examples(line: FieldLine, page: MappingPage, records: Sequence[Fields]) -> FieldLine:
    if not (line.is_open and line.target):
        return line
    try:
        own = records or [{line.source: text} for text in line.samples]
        found = examples_of(line.as_field(page.decimal), own)
    except TooSlow:
        return replace(line, wrong=TOO_SLOW)
    except MappingError as error:
        # What is wrong with a step is said there, and of a new one not yet.
        is_said = any(forms.checked(step).wrong for step in line.steps)
        return replace(line, wrong="" if is_said else str(error))
    return replace(line, examples=tuple(found))


def _offered(
    fields: tuple[FieldSurvey, ...], question: dict[str, Any], detail: DataImportJob
) -> MappingPage:
    """The page before anyone changed it: what is suggested, else the mapping in use."""
    bar = round(settings.MAPPING_CONFIDENCE * 100)
    used = question.get("mapping") or detail.field_mappings or {}
    suggested = question.get("suggestion", {})
    known = {each["source"]: each for each in suggested.get("fields", [])}
    in_use: dict[str, list[dict[str, Any]]] = {}
    for each in used.get("fields", []):
        in_use.setdefault(each["source"], []).append(each)
    indexes = count(len(fields))
    lines = []
    for index, each in enumerate(fields):
        said, mapped = known.get(each.source, {}), in_use.get(each.source, [])
        first = said or (mapped[0] if mapped else {})
        target = first.get("target") or ""
        confidence = round(said.get("confidence", 1) * 100)
        group = ("sure" if confidence >= bar else "check") if target else "out"
        line = FieldLine(
            index=index,
            source=each.source,
            samples=list(each.samples[:SAMPLES]),
            percent=round(each.coverage * 100),
            target=target,
            offered=target,
            transform=way_of(first.get("transform")),
            confidence=confidence,
            reason=said.get("reason", ""),
            decoy=said.get("decoy", False),
            steps=steps_of(index, first.get("transform")),
            had_steps=isinstance(first.get("transform"), list),
            group=group,
        )
        lines.append(line)
        further = [more for more in mapped if more["target"] != target] if said else mapped[1:]
        lines += [beside(line, next(indexes), more) for more in further]
    defaults = suggested.get("defaults") or used.get("defaults") or {}
    return MappingPage(lines, question.get("questions", []), dict.fromkeys(DEFAULTS, "") | defaults)


def _as_posted(page: MappingPage, filled: MappingOf[str, str]) -> MappingPage:
    # No database takes a NUL, and no browser sends one.
    form = {name: value.replace("\0", "") for name, value in filled.items()}
    offered = {line.index: line for line in page.lines}
    extras = _extras(form, len(page.sources))
    lines = []
    for first in (line for line in page.lines if not line.extra):
        lines.append(_posted(first, form))
        for index in extras.get(first.source, ()):
            line = offered.get(index)
            if line is None or line.source != first.source:
                line = beside(first, index, {})
            lines.append(_posted(line, form))
    for question, options, _ in page.choices:
        chosen = form.get(f"choice-{question['target']}", "")
        if chosen in {line.source for line in options}:
            lines = answered(lines, question["target"], chosen)
    defaults = {target: form.get(name_of_default(target), "").strip() for target in page.defaults}
    return replace(
        page,
        lines=lines,
        defaults=defaults,
        decimal=mark if (mark := form.get(DECIMAL, "")) in MARKS.values() else "",
    )


def _extras(form: MappingOf[str, str], after: int) -> dict[str, list[int]]:
    """The indexes of the lines that the form has beside those of the feed's fields, by field."""
    found: dict[str, list[int]] = {}
    for name, source in form.items():
        if not name.startswith("source-"):
            continue
        number = index_in(name.removeprefix("source-"))
        if number is not None and number >= after:
            found.setdefault(source, []).append(number)
    return {source: sorted(each) for source, each in found.items()}


def _posted(line: FieldLine, form: MappingOf[str, str]) -> FieldLine:
    steps = []
    for number in count():
        step = forms.posted(form, f"step-{line.index}-{number}")
        if step is None:
            break
        steps.append(forms.checked(step))
    return replace(
        line,
        target=form.get(f"target-{line.index}", "").strip(),
        transform=form.get(f"transform-{line.index}", ""),
        steps=tuple(steps),
        open=f"open-{line.index}" in form,
    )
