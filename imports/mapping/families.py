"""Rows of one product: variants that leave out what their first row says, and picture rows.

Shop exports write a product's name and description once and then a row for each variant or
further picture. Only the latest product is kept in memory, for its rows stand together.
"""

from __future__ import annotations

from .mapping import SKIP, Raw

_SHARED = ("name", "brand", "category", "description", "currency", "unit", "url")
_OWN = ("key", "sku", "name", "price")

PICTURE_ROW = "a further picture of the product above, kept with it"
LONE_PICTURE_ROW = "a further picture, but no row with it is a product"
EMPTY_ROW = "it says nothing but which product it belongs to"


class Families:
    """Folds mapped records in the order of the file; feed it every record, also after a resume."""

    def __init__(self) -> None:
        self._group: Raw = ""
        self._shared: dict[str, Raw] = {}

    def fold(self, values: dict[str, Raw]) -> str | None:
        """Fill what the product's first row shares into `values`; a reason where it is no product.

        A record without `group` is left as it is. What the mapping says of a row to skip is taken
        out of `values`; such a row shares all the same: it may be the head of its variants.
        """
        skip = values.pop(SKIP, None)
        return self._folded(values) if not skip else self._head(values, str(skip))

    def _head(self, values: dict[str, Raw], reason: str) -> str:
        if values.get("group"):
            self._folded(values)
        return reason

    def _folded(self, values: dict[str, Raw]) -> str | None:
        group = values.get("group")
        if not group:
            return None
        if group != self._group:
            self._group = group
            self._shared = {target: values[target] for target in _SHARED if target in values}
            return None
        if not any(target in values for target in _OWN):
            return PICTURE_ROW if "images" in values else EMPTY_ROW
        for target, value in self._shared.items():
            values.setdefault(target, value)
        return None
