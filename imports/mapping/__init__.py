"""Which field of a feed is what: suggested from evidence, settled by a person, obeyed by a run."""

from .families import LONE_PICTURE_ROW, PICTURE_ROW, Families
from .hints import Hint, Hints
from .mapping import (
    Field,
    Mapping,
    MappingError,
    column_styles,
    is_target,
    transforms,
)
from .steps import BadTransform
from .suggest import currency_question, suggest
from .suggestion import FieldSuggestion, Question, Suggestion, needs_person

__all__ = [
    "LONE_PICTURE_ROW",
    "PICTURE_ROW",
    "BadTransform",
    "Families",
    "Field",
    "FieldSuggestion",
    "Hint",
    "Hints",
    "Mapping",
    "MappingError",
    "Question",
    "Suggestion",
    "column_styles",
    "currency_question",
    "is_target",
    "needs_person",
    "suggest",
    "transforms",
]
