"""What the list of materials shows: what its address says, and the rows that it means."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from decimal import Decimal, InvalidOperation
from functools import cached_property
from urllib.parse import urlencode

from django.contrib.postgres.search import SearchQuery
from django.db.models import Exists, OuterRef, Q, QuerySet

from jobtracker.catalogue.models import (
    SEARCH,
    CatalogueSource,
    Material,
    MaterialSource,
    Supplier,
)
from jobtracker.catalogue.normalise import fold_sku, parse_ean

TEXT = 200  # characters of a search, and of any other filter
WORDS = 10
EXACT = 20
NOTHING = Q(pk__lt=0)

STATES = {
    "active": ("Active", Q(active=True)),
    "inactive": ("Inactive", Q(active=False, withdrawn=False)),
    "review": ("To review", Q(review__isnull=False, withdrawn=False)),
    "out": ("Taken out", Q(withdrawn=True)),
}
"""The states that the list can be narrowed to; one material may be in two of them."""


@dataclass(frozen=True)
class Filter:
    """What is wanted; "" for anything. `category` is a path as "Floors > Tiles", `size` is in
    millimetres as "600x300", `kind` a kind of source. Without a state, all materials that nobody
    took out are wanted."""

    q: str = ""
    supplier: str = ""
    category: str = ""
    colour: str = ""
    finish: str = ""
    size: str = ""
    kind: str = ""
    state: str = ""

    @classmethod
    def from_query(cls, query: Mapping[str, str]) -> Filter:
        """Read an address; never raises."""
        given = {each.name: query.get(each.name, "") for each in fields(cls)}
        return cls(
            **{name: text.replace("\x00", "").strip()[:TEXT] for name, text in given.items()}
        )

    @property
    def chosen(self) -> dict[str, str]:
        """What narrows the list, by name."""
        return {each.name: text for each in fields(self) if (text := getattr(self, each.name))}

    def query(self, **changes: str) -> str:
        """Return the query string with `changes` ("" leaves one out), with "?"."""
        wanted = {name: text for name, text in (self.chosen | changes).items() if text}
        return f"?{urlencode(wanted)}" if wanted else ""

    @property
    def path(self) -> list[str]:
        """The steps of the category."""
        return [step for step in self.category.split(" > ") if step]

    @cached_property
    def exact(self) -> list[int]:
        """The ids of up to `EXACT` of the materials whose SKU or EAN is the search's text."""
        if not self.q:
            return []
        code = Q(sku_folded=fold_sku(self.q))
        if ean := parse_ean(self.q).valid:
            code |= Q(ean_valid=ean)
        # By supplier, as the indexes are.
        mine = self.without_text().filter(code, supplier__in=Supplier.objects.order_by())
        return list(mine.order_by("-pk").values_list("pk", flat=True)[:EXACT])

    @cached_property
    def supplier_id(self) -> int:
        """The supplier's id, so that the planner knows how much that one has; 0 for an unknown."""
        known = Supplier.objects.order_by().filter(name=self.supplier)
        return known.values_list("pk", flat=True).first() or 0

    def rows(self) -> QuerySet[Material]:
        """Return the materials, in no order. What means nothing matches nothing."""
        found = self.without_text()
        if self.q:
            words = Q(text=words_of(self.q))
            found = found.alias(text=SEARCH)
            found = found.filter(words | Q(pk__in=self.exact) if self.exact else words)
        return found

    def without_text(self) -> QuerySet[Material]:
        """Return what all but the search's text leaves."""
        found = Material.objects.order_by()
        found = found.filter(STATES[self.state][1] if self.state in STATES else Q(withdrawn=False))
        if self.state and self.state not in STATES:
            return found.filter(NOTHING)
        if self.supplier:
            found = found.filter(supplier=self.supplier_id)
        for number, step in enumerate(self.path):
            found = found.filter(**{f"category__{number}": step})
        for name in ("colour", "finish"):
            if text := getattr(self, name):
                found = found.filter(**{name: text})
        if self.size:
            found = found.filter(_sides(self.size))
        if self.kind:
            # By their ids, so that an index of material and source is enough.
            of_kind = CatalogueSource.objects.filter(kind=self.kind)
            ids = list(of_kind.order_by().values_list("pk", flat=True))
            said = MaterialSource.objects.filter(material=OuterRef("pk"), source__in=ids)
            found = found.filter(Exists(said.order_by()) if ids else NOTHING)
        return found


def words_of(text: str) -> SearchQuery:
    """Return the search for materials that have a word beginning with each word of `text`."""
    words = re.sub(r"[\\']", " ", text).split()
    quoted = [f"'{word}':*" for word in words if re.search(r"\w", word)]
    return SearchQuery(" & ".join(quoted[:WORDS]), config="simple", search_type="raw")


def _sides(size: str) -> Q:
    try:
        width, height = map(Decimal, size.split("x"))
    except (InvalidOperation, ValueError):
        return NOTHING
    return Q(width_mm=width, height_mm=height)
