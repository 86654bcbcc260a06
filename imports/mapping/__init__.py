"""Which field of a feed is what: suggested from evidence, settled by a person, obeyed by a run."""

from .families import PICTURE_ROW, Families
from .mapping import (
    Field,
    Mapping,
    MappingError,
    column_styles,
    is_target,
    transforms,
)
from .suggest import currency_question, suggest
from .suggestion import FieldSuggestion, Question, Suggestion, needs_person

__all__ = [
    "PICTURE_ROW",
    "Families",
    "Field",
    "FieldSuggestion",
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
