"""Known formats of product feeds, recognised before anything is guessed.

A profile is data; a new one is a module with a `Profile` and a line in `PROFILES`.

    found, profile = inspect(path)
    hints = profile.hints(Feed(path, found.source, survey))
"""

from pathlib import Path
from typing import Any

from imports import readers
from imports.readers import Inspection, Plain

from . import (
    bmecat,
    ceneo,
    cxml,
    datanorm,
    google_merchant,
    heureka,
    idealo,
    magento,
    prestashop,
    shopify,
    skroutz,
    ubl,
    woocommerce,
    yml,
)
from .profile import Feed, Profile, Rule
from .structure import with_structure

__all__ = ["PROFILES", "Feed", "Profile", "Rule", "inspect", "named", "with_structure"]

PROFILES: tuple[Profile, ...] = (
    google_merchant.PROFILE,
    google_merchant.TABLE,
    *bmecat.PROFILES,
    shopify.PROFILE,
    woocommerce.PROFILE,
    prestashop.PROFILE,
    magento.PROFILE,
    heureka.PROFILE,
    ceneo.PROFILE,
    yml.PROFILE,
    idealo.PROFILE,
    ubl.PROFILE,
    cxml.PROFILE,
    datanorm.PROFILE,
    skroutz.PROFILE,
)
_BY_NAME = {profile.name: profile for profile in PROFILES}


def inspect(
    path: str | Path | Plain, *, record: str | None = None, **reading: Any
) -> tuple[Inspection, Profile | None]:
    """Find out how to read a file as `readers.inspect` does, and the format that it has.

    A known format names the record itself, unless the caller does. Raises UnreadableFeed.
    """
    found = readers.inspect(path, record=record, **reading)
    for profile in PROFILES:
        where = profile.record_in(found)
        if where is None:
            continue
        own = found
        if where and where != found.source.record_path:
            if record:
                continue
            own = readers.inspect(path, record=where, **reading)
        if profile.fits(own.columns):
            return own, profile
    return found, None


def named(name: str) -> Profile | None:
    """The profile of that name, or None for a name of none (any more)."""
    return _BY_NAME.get(name)
