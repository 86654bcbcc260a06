"""What several formats have in common: small functions and tables."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from .profile import Defaults, Feed, Rule

MAKERS_CODE = "attribute.manufacturer code"
FAMILY = "the head of a family: its variants are rows of their own"
DELETED = "the feed says that this product is deleted"


def signs(*sets: str) -> tuple[frozenset[str], ...]:
    """Sets of plain field names, each written with bars between."""
    return tuple(frozenset(names.split("|")) for names in sets)


def decoys(note: str, *sources: str) -> tuple[Rule, ...]:
    """Rules for fields that only look like more."""
    return tuple(Rule(source, note=note) for source in sources)


def always_in(currency: str, reason: str) -> Defaults:
    """The currency of a format that knows only one."""
    return lambda feed: {"currency": (currency, reason)}


def by_domain(field: str, currencies: Mapping[str, str]) -> Defaults:
    """The currency by the country of the shop, where all addresses in `field` tell the same."""

    def defaults(feed: Feed) -> dict[str, tuple[str, str]]:
        hosts = {urlsplit(each if "//" in each else f"//{each}").hostname or ""
                 for each in feed.samples(field)}  # fmt: skip
        found = {currencies.get(host.rpartition(".")[2]) for host in hosts}
        if len(found) == 1 and (currency := found.pop()):
            return {"currency": (currency, f"The shop's addresses end in .{_ending(hosts)}")}
        return {}

    return defaults


def _ending(hosts: set[str]) -> str:
    return next(iter(hosts)).rpartition(".")[2]
