"""What the mapping page holds: a line for each field and what it feeds, and the mapping they make.

The form is all that there is of what a person has filled in: it is posted to the page for a further
step or an example, to the preview and back, and at last to be confirmed.
"""

from dataclasses import dataclass, replace
from typing import Any

from imports.feed_source import FIELDS_KEPT
from imports.mapping import Mapping, MappingError, transforms
from imports.mapping import step_forms as forms
from imports.mapping.mapping import DECIMAL_COMMA, DECIMAL_POINT, LENGTH_UNITS
from imports.mapping.step_forms import FilledStep
from imports.mapping_examples import Example
from jobtracker.catalogue.normalise import TARGETS, is_code

ATTRIBUTE = "attribute."
LABELS = {
    target: {"sku": "SKU", "ean": "EAN", "url": "Address", "group": "Product of variants"}.get(
        target, target.capitalize()
    )
    for target in TARGETS
}
SPECIAL = {"attributes": "Features", "skip": "Leaves rows out"}
NUMBERS = ("price", "stock")
MARKS = {DECIMAL_COMMA: ",", DECIMAL_POINT: "."}
DEFAULTS = {
    "currency": "Currency of prices that name none",
    "unit": "Unit of prices that name none",
    "brand": "Brand of products that name none",
    "category": "Category of products that name none",
}
DECIMAL = "decimal"  # the form's name for the mark that holds for all numbers of the feed
INDEX_DIGITS = 9


@dataclass(frozen=True)
class FieldLine:
    """One field of the feed and one thing that it feeds; `index` names its form fields. `extra`
    lines feed something else beside what the field's first line does. `offered` is the target that
    confidence and reason are about."""

    index: int
    source: str
    samples: list[str]
    percent: int
    target: str
    transform: str
    confidence: int
    reason: str
    decoy: bool
    steps: tuple[FilledStep, ...] = ()
    extra: bool = False
    open: bool = False
    group: str = "out"
    had_steps: bool = False
    offered: str = ""
    wrong: str = ""
    examples: tuple[Example, ...] = ()

    @property
    def is_as_offered(self) -> bool:
        return self.target == self.offered and not self.extra

    @property
    def is_open(self) -> bool:
        """Whether its steps show."""
        return self.open or any(step.wrong for step in self.steps)

    @property
    def hidden(self) -> dict[str, str]:
        """What the form holds of steps that do not show."""
        held: dict[str, str] = {}
        for step in () if self.is_open else self.steps:
            held |= step.form
        return held

    @property
    def transforms(self) -> tuple[str, ...]:
        """The ways to read the target, where no steps do."""
        return transforms(self.target) if self.target and not self.steps else ()

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

    @property
    def form(self) -> dict[str, str]:
        """What the form holds of it."""
        held = {f"target-{self.index}": self.target, f"transform-{self.index}": self.transform}
        if self.extra:
            held[f"source-{self.index}"] = self.source
        if self.open:
            held[f"open-{self.index}"] = "1"
        for step in self.steps:
            held |= step.form
        return held

    def as_field(self, mark: str = "") -> dict[str, Any]:
        """The field as the mapping's JSON; `mark` is the feed's decimal mark, for numbers that
        say none. Raises `MappingError` where a step is wrong."""
        target = self.target
        if target == ATTRIBUTE:
            target = f"{ATTRIBUTE}{self.source.rpartition('/')[2]}"
        steps = []
        for number, step in enumerate(self.steps, 1):
            if wrong := forms.checked(step).wrong:
                raise MappingError(
                    f'The field "{self.source}", step {number} ({step.label}): {wrong}'
                )
            steps.append(step.step())
        return {
            "source": self.source,
            "target": target,
            "transform": self._transform(target, steps, mark if target in NUMBERS else ""),
        }

    def _transform(self, target: str, steps: list[dict[str, Any]], mark: str) -> Any:
        if steps:
            says_mark = any(step["do"] == "decimal" for step in steps)
            return [*steps, {"do": "decimal", "mark": mark}] if mark and not says_mark else steps
        usual, *others = transforms(target)
        way = self.transform if self.transform in others else ""
        if mark and not way:
            way = next(each for each, held in MARKS.items() if held == mark)
        if self.extra:
            return step_of_way(way)
        if way:
            return way
        # The format's own steps, which were taken away, must not come back.
        return [] if self.had_steps else usual if self.transform == usual else None


@dataclass(frozen=True)
class MappingPage:
    """All that the page shows: the lines in the order of the feed, the questions that are open,
    and what holds for the whole feed."""

    lines: list[FieldLine]
    questions: list[dict[str, Any]]
    defaults: dict[str, str]
    decimal: str = ""

    @property
    def form(self) -> dict[str, str]:
        """What the form holds before a person changes it, or as it was posted."""
        held = {name_of_default(target): value for target, value in self.defaults.items()}
        held |= {DECIMAL: self.decimal}
        for line in self.lines:
            held |= line.form
        return held

    def line(self, index: str) -> FieldLine | None:
        """Return the line of that index."""
        return next((line for line in self.lines if str(line.index) == index), None)

    @property
    def targets(self) -> list[tuple[str, str]]:
        """What a field can feed, with its label."""
        return list(LABELS.items())

    @property
    def kinds(self) -> list[tuple[str, str]]:
        """The kinds of steps that can be added, with their labels."""
        return [(do, form.label) for do, form in forms.FORMS.items()]

    @property
    def sources(self) -> list[str]:
        """The feed's fields, for steps that look at another one."""
        return [line.source for line in self.lines if not line.extra]

    @property
    def filled_defaults(self) -> list[tuple[str, str, str]]:
        """What fills gaps in the whole feed: (name in the form, label, value)."""
        return [
            (
                name_of_default(target),
                DEFAULTS.get(target) or f"{_label(target)} where empty",
                value,
            )
            for target, value in self.defaults.items()
            if target != "currency"
        ]

    @property
    def has_defaults(self) -> bool:
        return any(self.defaults.values())

    @property
    def currency(self) -> str:
        return self.defaults.get("currency", "")

    @property
    def first_wrong(self) -> FieldLine | None:
        """The first line with something wrong in it."""
        lines = (line for line in self.lines if line.wrong or any(s.wrong for s in line.steps))
        return next(lines, None)

    @property
    def to_check(self) -> list[FieldLine]:
        return [line for line in self.lines if line.group == "check"]

    @property
    def sure(self) -> list[FieldLine]:
        return [line for line in self.lines if line.group == "sure"]

    @property
    def left_out(self) -> list[FieldLine]:
        return [line for line in self.lines if line.group == "out"]

    @property
    def choices(self) -> list[tuple[dict[str, Any], list[FieldLine], str]]:
        """The questions that are answered by choosing a field, with the fields to choose from and
        the one that is chosen."""
        by_source = {line.source: line for line in reversed(self.lines)}
        return [
            (
                question,
                [by_source[each] for each in question["options"] if each in by_source],
                self._chosen(question),
            )
            for question in self.questions
            if question["reason"] == "mapping"
        ]

    def _chosen(self, question: dict[str, Any]) -> str:
        fed = (line.source for line in self.lines if line.target == question["target"])
        return next(fed, "")

    @property
    def asks_currency(self) -> dict[str, Any] | None:
        return next((each for each in self.questions if each["reason"] == "currency"), None)


def index_in(text: str) -> int | None:
    """Return the number of a line or step that a form names, None where it names none."""
    return int(text) if text.isdecimal() and len(text) < INDEX_DIGITS else None


def step_of_way(way: str) -> list[dict[str, Any]]:
    """Return the step that does what a way to read numbers or lengths says, none for others."""
    if way in MARKS:
        return [{"do": "decimal", "mark": MARKS[way]}]
    if way in LENGTH_UNITS:
        return [{"do": "unit", "unit": LENGTH_UNITS[way]}]
    return []


def name_of_default(target: str) -> str:
    """Return the name of the input for what fills gaps of a target."""
    return target if target == "currency" else f"default-{target}"


def beside(line: FieldLine, index: int, mapped: dict[str, Any]) -> FieldLine:
    """A further line of the same field."""
    return replace(
        line,
        index=index,
        extra=True,
        target=mapped.get("target", ""),
        transform=way_of(mapped.get("transform")),
        steps=steps_of(index, mapped.get("transform")),
        had_steps=isinstance(mapped.get("transform"), list),
        reason="feeds this too",
        confidence=100,
        open=not mapped,
    )


def steps_of(index: int, transform: Any) -> tuple[FilledStep, ...]:
    steps = transform if isinstance(transform, list) else ()
    return tuple(forms.filled(each, f"step-{index}-{n}") for n, each in enumerate(steps))


def way_of(transform: Any) -> str:
    return transform if isinstance(transform, str) else ""


def _label(target: str) -> str:
    return LABELS.get(target) or target.removeprefix(ATTRIBUTE).capitalize()


def mapping_of(page: MappingPage) -> Mapping:
    """Return the mapping that the page holds. Raises `MappingError` with a sentence for a
    person."""
    fields = [line.as_field(page.decimal) for line in page.lines if line.target]
    if not fields:
        raise MappingError("No field is mapped yet.")
    whole = len(page.sources) < FIELDS_KEPT  # else the feed may have more fields than are known
    mapping = Mapping.from_json({"fields": fields}, page.sources if whole else None)
    if not any(mapping.has(target) for target in ("key", "sku", "name", "group")):
        raise MappingError("Choose a key, an article code or a name: rows need one.")
    currency = page.currency.upper()
    if currency and not is_code(currency):
        raise MappingError(f"{currency} is no ISO 4217 currency code.")
    defaults = {target: value for target, value in page.defaults.items() if value}
    if currency:
        defaults["currency"] = currency
    return replace(mapping, defaults=defaults)


def answered(lines: list[FieldLine], target: str, source: str) -> list[FieldLine]:
    """Return the lines with `source`, which is one of theirs, feeding `target`, and no other."""
    cleared = [
        replace(line, target="") if line.target == target and line.source != source else line
        for line in lines
    ]
    if any(line.target == target for line in cleared):
        return cleared
    first = next(line.index for line in cleared if line.source == source)
    return [replace(line, target=target) if line.index == first else line for line in cleared]
