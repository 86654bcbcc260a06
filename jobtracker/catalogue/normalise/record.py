"""One mapped record becomes the values of one catalogue source.

This is the hot path of every import: one pass over the fields, one reader for each target, and
caches only where values repeat.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from hashlib import blake2b
from types import MappingProxyType
from typing import Any

from .appearance import normal_colour, normal_finish
from .codes import fold_sku, parse_ean
from .currency import settle
from .numbers import BadValue
from .prices import Price, parse_price
from .sizes import parse_length, parse_size
from .stock import parse_stock
from .text import is_empty, is_storable, one_line, plain_text, repeated_line, storable
from .units import unit_of

Raw = str | list[str]
Styles = Mapping[str, Any]
ATTRIBUTE = "attribute."
LISTS = frozenset(("category", "images", "variant"))
"""Targets that keep all of several values; of any other the first one counts."""

_NOTHING: Mapping[str, Any] = MappingProxyType({})
_LONGEST_CODE = 400
_LONGEST_REMARK = 500
_STEPS = re.compile(r"\s*(?:>|»|\||→|::)\s*|\s+/\s+")
_NEXT_URL = re.compile(r"[,;|\s]+(?=https?://|//)")
# What Shopify writes as the option of a product without options.
_NO_VARIANT = "Default Title"


class Normalised:
    """What `normalise_record` found.

    `vals`: JSON-ready, without nulls and floats: `price {amount, currency, unit}`,
    `sku {raw, fold}`, `ean {raw, valid}`, `size {text, w, h, t}` (mm), `name`, `brand`,
    `category` (list), `finish`, `colour`, `stock`, `description`, `images` (list), `attributes`
    (object; also `url`, `weight`, `variant`, `availability`). All numbers are plain decimal
    strings as precise as they were written.
    `key`: the source key. `provenance`: `{target: {raw, method?}}`, a list of these for images.
    `warnings` and `errors`: `{column, field, raw, reason, hint}`; a row with errors fails.
    """

    __slots__ = ("_columns", "_currency", "_group", "_price", "_unit", "_variant",
                 "errors", "key", "provenance", "vals", "warnings")  # fmt: skip

    def __init__(self, columns: Mapping[str, str]) -> None:
        self.vals: dict[str, Any] = {}
        self.key = ""
        self.provenance: dict[str, Any] = {}
        self.warnings: list[dict[str, str]] = []
        self.errors: list[dict[str, str]] = []
        self._columns = columns
        self._price: Price | None = None
        self._currency = ""
        self._unit = ""
        self._group = ""
        self._variant = ""

    def warn(self, target: str, raw: str, reason: str, hint: str = "") -> None:
        """Note what a person should know about a value that was kept or left out."""
        self.warnings.append(self._remark(target, raw, reason, hint))

    def fail(self, target: str, raw: str, reason: str, hint: str) -> None:
        """Note why this record cannot be written."""
        self.errors.append(self._remark(target, raw, reason, hint))

    def _remark(self, target: str, raw: str, reason: str, hint: str) -> dict[str, str]:
        column = self._columns.get(target, target)
        shown = raw[:_LONGEST_REMARK]
        return {"column": column, "field": target, "raw": shown, "reason": reason, "hint": hint}


def normalise_record(
    values: Mapping[str, Raw],
    column_styles: Mapping[str, str] = _NOTHING,
    defaults: Mapping[str, str] = _NOTHING,
    columns: Mapping[str, str] = _NOTHING,
) -> Normalised:
    """Read one record, already keyed by target.

    `column_styles` gives the decimal separator of numeric targets where their column proves one
    and the unit of lengths without one (mm unless it says so),
    `defaults` fill gaps (and settle "$" or "kr"), `columns` names each target's source in
    remarks. Never raises for what a supplier may write: see `errors`.
    """
    row = Normalised(columns)
    for target, raw in values.items():
        reader = _READERS.get(target, _attribute)
        if raw.__class__ is str and raw.isprintable() and target not in LISTS:  # nearly always
            reader(row, target, raw, column_styles)
        elif raw:
            _read(row, target, raw, column_styles)
    for target, value in defaults.items():
        if target not in row.provenance and target != "currency":
            _read(row, target, value, column_styles)
            if target in row.provenance:
                row.provenance[target] = {"raw": value, "method": "default"}
    _price_group(row, defaults.get("currency"))
    _find_key(row)
    return row


def _read(row: Normalised, target: str, raw: Raw, styles: Styles) -> None:
    if target in LISTS:
        items = raw if isinstance(raw, list) else [raw]
        raw = [_kept(row, target, item) for item in items]
    elif isinstance(raw, list):
        several = [item for item in raw if not is_empty(item)]
        if target.startswith(ATTRIBUTE):
            raw = _kept(row, target, ", ".join(several))
        else:
            raw = _kept(row, target, several[0] if several else "")
            if target == "price" and len(set(several)) > 1:
                row.warn(target, raw, f"the first of {len(several)} prices")
    else:
        raw = _kept(row, target, raw)
    if raw:
        _READERS.get(target, _attribute)(row, target, raw, styles)


def _kept(row: Normalised, target: str, raw: str) -> str:
    if raw.isprintable() or is_storable(raw):
        return raw
    raw = storable(raw)
    row.warn(target, raw, "unreadable characters were removed")
    return raw


# Readers: (row, target, raw, column styles); an empty word leaves no trace of its target.


def _line(row: Normalised, target: str, raw: Any, styles: Styles) -> None:
    if text := one_line(raw):
        row.vals[target] = text
        row.provenance[target] = {"raw": raw}


def _repeated(row: Normalised, target: str, raw: Any, styles: Styles) -> None:
    if text := repeated_line(raw):
        row.vals[target] = text
        row.provenance[target] = {"raw": raw}


def _appearance(row: Normalised, target: str, raw: Any, styles: Styles) -> None:
    """Keep a colour or finish as written; its normal form stands beside it."""
    if text := repeated_line(raw):
        row.vals[target] = text
        row.provenance[target] = {"raw": raw}
        if normal := (normal_colour if target == "colour" else normal_finish)(text):
            row.provenance[target]["normal"] = normal


def _description(row: Normalised, target: str, raw: Any, styles: Styles) -> None:
    if text := plain_text(raw):
        row.vals[target] = text
        row.provenance[target] = {"raw": raw}


def _key(row: Normalised, target: str, raw: Any, styles: Styles) -> None:
    if not is_empty(raw):
        row.key = bounded(raw)
        row.provenance[target] = {"raw": raw}


def _group(row: Normalised, target: str, raw: Any, styles: Styles) -> None:
    row._group = one_line(raw)


def _variant(row: Normalised, target: str, raw: Any, styles: Styles) -> None:
    parts = [text for item in raw if (text := repeated_line(item)) and text != _NO_VARIANT]
    if parts:
        row._variant = " / ".join(parts)
        row.vals.setdefault("attributes", {})[target] = row._variant
        row.provenance[target] = {"raw": row._variant}


def _sku(row: Normalised, target: str, raw: Any, styles: Styles) -> None:
    if not is_empty(raw):
        row.vals["sku"] = {"raw": raw, "fold": bounded(fold_sku(raw))}
        row.provenance[target] = {"raw": raw}


def _ean(row: Normalised, target: str, raw: Any, styles: Styles) -> None:
    text = raw.strip()
    if is_empty(text):
        return
    ean = parse_ean(text)
    if ean.valid:
        row.vals["ean"] = {"raw": text, "valid": ean.valid}
    else:
        row.vals["ean"] = {"raw": text}
        row.warn(target, raw, str(ean.problem))
    row.provenance[target] = {"raw": raw}


def _price(row: Normalised, target: str, raw: Any, styles: Styles) -> None:
    if is_empty(raw):
        return
    row.provenance[target] = {"raw": raw}
    try:
        row._price = parse_price(raw, styles.get("price"))
    except BadValue as error:
        row.fail(target, raw, error.reason, error.hint)
        return
    for warning in row._price.warnings:
        row.warn(target, raw, warning)


def _currency(row: Normalised, target: str, raw: Any, styles: Styles) -> None:
    if text := repeated_line(raw):
        row._currency = text
        row.provenance[target] = {"raw": raw}


def _unit(row: Normalised, target: str, raw: Any, styles: Styles) -> None:
    if text := repeated_line(raw):
        row._unit = unit_of(text)
        row.provenance[target] = {"raw": raw}


def _category(row: Normalised, target: str, raw: Any, styles: Styles) -> None:
    path = [step for item in raw for step in category_path(item)]
    if path:
        row.vals[target] = path
        row.provenance[target] = {"raw": " > ".join(raw)}


def _images(row: Normalised, target: str, raw: Any, styles: Styles) -> None:
    urls: list[str] = []
    for item in raw:
        parts = _NEXT_URL.split(item) if item.find("//", 8) > 0 else (item,)
        for part in parts:
            url = part.strip()
            if url not in urls and not is_empty(url):
                urls.append(url)
    if urls:
        row.vals[target] = urls
        row.provenance[target] = [{"raw": url} for url in urls]


def _size(row: Normalised, target: str, raw: Any, styles: Styles) -> None:
    text = repeated_line(raw)
    if not text:
        return
    size = row.vals.setdefault("size", {})
    size["text"] = text
    note = {"raw": raw}
    if found := parse_size(text):
        for name, value in (("w", found.width), ("h", found.height), ("t", found.thickness)):
            if value is not None:
                size.setdefault(name, value)  # a column of its own says it better
        if found.guessed:
            note["method"] = f"unit guessed: {found.guessed}"
    row.provenance[target] = note


_SIDE = {"width": "w", "height": "h", "thickness": "t"}


def _side(row: Normalised, target: str, raw: Any, styles: Styles) -> None:
    if is_empty(raw):
        return
    try:
        length = parse_length(raw.strip(), styles.get(target, "mm"))
    except BadValue as error:
        row.warn(target, raw, error.reason, error.hint)
        return
    row.vals.setdefault("size", {})[_SIDE[target]] = length
    row.provenance[target] = {"raw": raw}


def _stock(row: Normalised, target: str, raw: Any, styles: Styles) -> None:
    try:
        stock = parse_stock(raw, styles.get("stock"))
    except BadValue as error:
        if not is_empty(raw):
            row.warn(target, raw, error.reason, error.hint)
        return
    if stock.quantity is None:
        row.vals.setdefault("attributes", {})["availability"] = repeated_line(raw)
    else:
        row.vals[target] = stock.quantity
    row.provenance[target] = {"raw": raw}


def _attribute(row: Normalised, target: str, raw: Any, styles: Styles) -> None:
    if text := repeated_line(raw):
        row.vals.setdefault("attributes", {})[target.removeprefix(ATTRIBUTE)] = text
        row.provenance[target] = {"raw": raw}


def _url(row: Normalised, target: str, raw: Any, styles: Styles) -> None:
    if text := one_line(raw):
        row.vals.setdefault("attributes", {})[target] = text
        row.provenance[target] = {"raw": raw}


_READERS: dict[str, Callable[[Normalised, str, Any, Styles], None]] = {
    "key": _key,
    "group": _group,
    "variant": _variant,
    "name": _line,
    "sku": _sku,
    "ean": _ean,
    "brand": _repeated,
    "category": _category,
    "price": _price,
    "currency": _currency,
    "unit": _unit,
    "size": _size,
    "width": _side,
    "height": _side,
    "thickness": _side,
    "finish": _appearance,
    "colour": _appearance,
    "stock": _stock,
    "description": _description,
    "images": _images,
    "url": _url,
    "weight": _attribute,
}
TARGETS = tuple(_READERS)
"""What a source field can feed, beside `attribute.<name>`."""


def _price_group(row: Normalised, default: str | None) -> None:
    """Join amount, currency and unit, so that no source's price meets another's currency.

    The mark beside the amount wins over the column, the column over the default.
    """
    price, column = row._price, row._currency
    unit = row._unit or (price.unit if price else None)
    if price is None:
        if unit:
            row.vals.setdefault("attributes", {})["unit"] = unit
        return
    group = {"amount": price.amount}
    currency = price.marks[0] if len(price.marks) == 1 else None
    said = settle(column, default) if column else None
    if currency is None:
        fits = said is not None and (not price.marks or said in price.marks)
        currency = said if fits else None
    elif said and said != currency:
        row.warn("currency", column, f"the price itself is in {currency}")
    if currency is None and not column and (not price.marks or default in price.marks):
        currency = default
        if default:
            row.provenance["currency"] = {"raw": default, "method": "default"}
    if currency:
        group["currency"] = currency
    else:
        row.warn("currency", column, "unknown currency", "Give the feed a default currency")
    if unit:
        group["unit"] = unit
    row.vals["price"] = group


def _find_key(row: Normalised) -> None:
    """The mapped key, else the sku, else the group with its variant; the name with its variant
    only where no field is mapped to any of these. In a feed with article codes a row without one
    fails: under its name it would become a second product as soon as the code is filled in."""
    if row.key:
        return
    codes = [target for target in ("key", "sku") if target in row._columns]
    if sku := row.vals.get("sku"):
        row.key = bounded(sku["raw"])
    elif product := row._group or ("" if codes else row.vals.get("name")):
        row.key = bounded(f"{product} / {row._variant}" if row._variant else product)
    elif codes:
        row.fail(codes[0], "", "no key", "A row of this feed needs its article code")
    else:
        row.fail("key", "", "no key", "A row needs a key, an article code or a name")


def key_of(values: Mapping[str, Raw]) -> str:
    """The key that `normalise_record` will find, where it is plain to see; "" where it is not."""
    for target in ("key", "sku"):
        if raw := values.get(target):
            if not isinstance(raw, str) or not raw.isprintable():
                return ""
            if not is_empty(raw):
                return bounded(raw)
    return ""


def bounded(code: str) -> str:
    """`code`, or where it is too long for an index its start and a hash of the whole."""
    if len(code) <= _LONGEST_CODE:
        return code
    digest = blake2b(code.encode(), digest_size=8).hexdigest()
    return f"{code[:_LONGEST_CODE]}~{digest}"


@lru_cache(maxsize=2048)
def category_path(text: str) -> tuple[str, ...]:
    """The steps of "Floors > Tiles", from the widest; one step where no separator is written."""
    line = one_line(text)
    return tuple(step for step in _STEPS.split(line) if step) if line else ()


canonical_json = json.JSONEncoder(
    ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False
).encode
"""`vals` as JSON text, the same for equal values whatever the order of their fields."""


def content_hash(vals: Mapping[str, Any]) -> bytes:
    """16 bytes that are equal for equal `vals`: what tells a changed row from an unchanged one."""
    return hash_json(canonical_json(vals))


def hash_json(text: str) -> bytes:
    """The content hash of `vals` already written by `canonical_json`."""
    return blake2b(text.encode(), digest_size=16).digest()
