"""From what a page says of its products to rows of the catalogue."""

from collections.abc import Mapping, Sequence
from typing import Any

from jobtracker.catalogue.normalise import Normalised, decimal_style, normalise_record, storable
from jobtracker.catalogue.write import Rejected, Row
from scraping.extraction.model import Extraction, Product

VARIANTS = "variants"
NO_NAME = "The product has neither a name nor an article code."
NO_NAME_HINT = "See the page's structured data: its product needs a name or a sku."


def rows_of(
    extraction: Extraction,
    page_url: str,
    start_number: int,
    defaults: Mapping[str, str],
    categories: Sequence[str] = (),
) -> tuple[list[Row], list[Rejected]]:
    """Return a page's products as rows, and those that make no material with the reason.

    Numbers run from `start_number`, one a product whatever became of it. `defaults` fills gaps, as
    `{"currency": "EUR"}`; `categories` are words of which a product must show one.
    """
    rows: list[Row] = []
    rejected: list[Rejected] = []
    prices = [p for each in extraction.products if isinstance(p := each.values.get("price"), str)]
    decimals = decimal_style(prices)
    styles = {"price": decimals} if decimals else {}
    own_page = len(extraction.products) == 1
    for number, product in enumerate(extraction.products, start_number):
        values = {target: raw for target, raw in product.values.items() if raw}
        if own_page:
            values.setdefault("url", page_url)
        found = normalise_record(values, styles, defaults)
        if trouble := _trouble(found, product, page_url, categories):
            rejected.append(Rejected(number, None, found.key, *trouble))
            continue
        _keep_variants(found, product)
        detail = {"warnings": found.warnings} if found.warnings else None
        provenance = _provenance(found, product, page_url)
        rows.append(Row(number, None, found.key, found.vals, provenance, detail))
    return rows, rejected


def _trouble(
    found: Normalised, product: Product, page_url: str, categories: Sequence[str]
) -> tuple[str, dict[str, Any]] | None:
    """Return outcome and detail of a product that makes no material."""
    place: dict[str, Any] = {"url": page_url}
    if not found.vals.get("name") and not found.vals.get("sku"):
        return "f", place | {"reason": NO_NAME, "hint": NO_NAME_HINT}
    if found.errors:
        first = found.errors[0]
        reason = f"{first['field']}: {first['reason']}"
        return "f", place | first | {"reason": reason, "errors": found.errors}
    if categories and not _in_categories(found, page_url, categories):
        wanted = ", ".join(categories)
        return "s", place | {
            "reason": f"The product is in none of the wanted categories: {wanted}.",
            "hint": "Start a crawl without categories to have all products.",
        }
    return None


def _in_categories(found: Normalised, page_url: str, categories: Sequence[str]) -> bool:
    shown = " ".join([*found.vals.get("category", []), page_url]).casefold()
    return any(word.casefold() in shown for word in categories)


def _keep_variants(found: Normalised, product: Product) -> None:
    if product.variants:
        found.vals.setdefault("attributes", {})[VARIANTS] = [
            {storable(name): storable(value) for name, value in variant.items()}
            for variant in product.variants
        ]


def _provenance(found: Normalised, product: Product, page_url: str) -> dict[str, Any]:
    """Join each value's raw text with how the page said it."""
    said: dict[str, Any] = {"row": {"url": page_url}}
    for target, entry in found.provenance.items():
        evidence = product.evidence.get(target)
        if evidence is None:
            said[target] = entry
            continue
        how: dict[str, Any] = {"method": evidence.method}
        if evidence.confidence < 1:
            how["confidence"] = evidence.confidence
        if isinstance(entry, list):
            said[target] = [item | how for item in entry]
        else:
            # Normalising may have remarked something of its own, as a guessed unit.
            remarks = [how["method"], entry["method"]] if "method" in entry else [how["method"]]
            raw = storable(evidence.raw) or entry["raw"]
            said[target] = entry | how | {"raw": raw, "method": "; ".join(remarks)}
    return said
