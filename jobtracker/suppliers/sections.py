"""What pipelines add to a supplier's page. Each app registers its own sections in `ready()`; the
page knows none by name."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest

from jobtracker.catalogue.models import Supplier


@dataclass(frozen=True)
class Section:
    """A part of the page: its template, and the context that it needs about a supplier."""

    template: str
    context: Callable[[Supplier, HttpRequest], dict[str, Any]]


_registered: list[Section] = []


def register(section: Section) -> None:
    """Make a section known; called once by its app's `ready()`."""
    _registered.append(section)


def registered() -> list[Section]:
    """Return the sections in the order in which the apps are installed."""
    return list(_registered)
