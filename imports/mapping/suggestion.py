"""What is suggested for a feed, and whether a person must look at it before a run."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Literal

from .hints import Hints
from .mapping import Field, Mapping, Transform, transform_json

Reason = Literal["mapping", "currency"]

REQUIRED = ("key", "group", "sku", "name", "price")
"""Targets that a run only uses when they are sure; other fields are used from `USEFUL` on."""
USEFUL = 0.7


@dataclass(frozen=True)
class Question:
    """What a person must decide: a field for `target` (options are sources) or the currency
    (options are ISO codes, none where nothing hints at any)."""

    reason: Reason
    target: str
    text: str
    options: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The question as plain values."""
        return {
            "reason": self.reason,
            "target": self.target,
            "text": self.text,
            "options": list(self.options),
        }


@dataclass
class FieldSuggestion:
    """One source field. `target` None leaves it out; `decoy` says that it only looks like one."""

    source: str
    target: str | None
    confidence: float
    reason: str
    transform: Transform
    decoy: bool
    samples: tuple[str, ...]
    coverage: float

    def as_json(self) -> dict[str, Any]:
        """The field as `suggest_mapping` prints it."""
        return {
            "source": self.source,
            "target": self.target,
            "confidence": round(self.confidence, 2),
            "reason": self.reason,
            "samples": list(self.samples),
            "coverage": round(self.coverage, 4),
            "transform": transform_json(self.transform),
            "decoy": self.decoy,
        }


_UNSURE = {
    "identity": "No field surely tells the products apart. Choose the key or the article code.",
    "name": "No field is surely the name. Choose one.",
    "price": "No field is surely the price. Choose one.",
}


@dataclass
class Suggestion:
    """All fields in the order of the feed, defaults with the reason for each, and questions.

    `sureness` is that of what every run needs: `identity` (the source key), `name`, and `price`
    where any field may be one. `likely` are fields that may be what nothing is surely;
    `hints` are those of the feed's format.
    """

    fields: list[FieldSuggestion]
    defaults: dict[str, str] = field(default_factory=dict)
    default_reasons: dict[str, str] = field(default_factory=dict)
    questions: list[Question] = field(default_factory=list)
    sureness: dict[str, float] = field(default_factory=dict)
    likely: dict[str, tuple[str, ...]] = field(default_factory=dict)
    hints: Hints = field(default_factory=lambda: Hints("", {}))

    @property
    def confidence(self) -> float:
        """The sureness of the least sure."""
        return min(self.sureness.values(), default=0.0)

    def of_prices(self) -> Suggestion:
        """The same for a run that changes prices and stock only, which needs no name."""
        needed = {what: sure for what, sure in self.sureness.items() if what != "name"}
        return replace(self, sureness=needed)

    def find(self, target: str) -> FieldSuggestion | None:
        """The surest field for `target`."""
        fields = [item for item in self.fields if item.target == target]
        return max(fields, key=lambda item: item.confidence, default=None)

    def mapping(self, bar: float) -> Mapping:
        """What a run may use without asking: required targets from `bar`, others from `USEFUL`."""
        return Mapping(
            tuple(
                Field(item.source, item.target, item.transform)
                for item in self.fields
                if item.target and item.confidence >= (bar if item.target in REQUIRED else USEFUL)
            ),
            dict(self.defaults),
        ).completed(self.hints)

    def open_questions(self, bar: float) -> list[Question]:
        """All that a person is asked: what is stored, and what is less sure than `bar`."""
        asked = {question.target for question in self.questions}
        if "sku" in asked:
            asked.add("key")  # either tells the products apart
        unsure = []
        for what, text in _UNSURE.items():
            target = "key" if what == "identity" else what
            if self.sureness.get(what, 1.0) < bar and target not in asked:
                options = tuple(item.source for item in self.fields if item.target == target)
                options += self.likely.get(target, ())
                unsure.append(Question("mapping", target, text, options))
        return unsure + self.questions

    def as_json(self) -> dict[str, Any]:
        """`fields` and `defaults` as `Mapping.from_json` reads them, with what else is known."""
        return {
            "profile": self.hints.format or None,
            "fields": [item.as_json() for item in self.fields],
            "further": [
                {"source": source, "target": hint.target, "reason": hint.note}
                for source, each in self.hints.fields.items()
                for hint in each[1:]
            ],
            "defaults": dict(self.defaults),
            "default_reasons": dict(self.default_reasons),
            "questions": [question.as_json() for question in self.questions],
            "confidence": round(self.confidence, 2),
        }


def needs_person(suggestion: Suggestion, bar: float) -> Reason | None:
    """Why a run must wait for a person, or None: "mapping" where identity, name or price are less
    sure than `bar`, "currency" where prices would be of unknown currency."""
    if suggestion.confidence < bar:
        return "mapping"
    if not suggestion.mapping(bar).has("price"):
        return None
    if any(question.reason == "currency" for question in suggestion.questions):
        return "currency"
    return None
