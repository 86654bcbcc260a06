"""Expressions that let PostgreSQL make the values, so that every writer gets the same ones."""

from typing import Any

from django.db import models
from django.db.models.functions import Now


class UUID7(models.Func):
    """PostgreSQL 18's `uuidv7()`: ids that sort by the time they were made."""

    function = "uuidv7"
    output_field = models.UUIDField()


def uuid7_key() -> models.UUIDField:
    """Return a primary key filled by the database."""
    return models.UUIDField(primary_key=True, db_default=UUID7(), editable=False)


def created_now() -> models.DateTimeField:
    """Return a timestamp filled with the database's own clock."""
    return models.DateTimeField(db_default=Now(), editable=False)


def one_of(
    column: str, choices: type[models.TextChoices] | type[models.IntegerChoices], name: str
) -> Any:
    """Return the check constraint that holds `column` to the values of `choices`."""
    return models.CheckConstraint(
        name=name, condition=models.Q(**{f"{column}__in": choices.values})
    )
