"""Offers of schema.org: which of the prices that stand there is the product's."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from jobtracker.catalogue.normalise import BadValue, is_empty, known_unit, parse_price
from scraping.extraction.nodes import Graph, Node, text, types

_STRUCK = ("listprice", "strikethroughprice", "msrp", "srp", "suggestedretailprice", "regularprice")
_DEEPEST = 4
MOST_OFFERS = 1000


@dataclass(frozen=True)
class Offer:
    """One price as it stands; `path` says where (`offers.lowPrice`)."""

    path: str
    price: str = ""
    currency: str = ""
    unit: str = ""
    stock: str = ""
    stock_path: str = ""
    sku: str = ""
    ean: str = ""
    name: str = ""


def read_offers(node: Node, graph: Graph, path: str = "offers", depth: int = 0) -> list[Offer]:
    """The offers of a product, from the outermost inwards."""
    found: list[Offer] = []
    for offer in graph.inner(node, "offers"):
        if depth > _DEEPEST or len(found) >= MOST_OFFERS:
            break
        nested = read_offers(offer, graph, f"{path}.offers", depth + 1)
        whole = _offer(offer, graph, path)
        if whole.price or not nested:
            found.append(whole)
        found.extend(nested)
    return found


def best_offer(offers: list[Offer]) -> tuple[Offer | None, str]:
    """The offer whose price is the product's, and a remark where prices differ: the lowest that
    is not 0 counts, as "from" would say."""
    priced = [offer for offer in offers if offer.price]
    if not priced:
        return (offers[0] if offers else None), ""
    # A shop repeats its summary (lowPrice) above the offers: the first one speaks for all.
    first = priced[0]
    if first.path.endswith("lowPrice"):
        return first, ""
    amounts = [(amount, offer) for offer in priced if (amount := _amount(offer.price))]
    if len(amounts) < 2 or len({offer.currency for _, offer in amounts}) > 1:
        return (amounts[0][1] if amounts else first), ""
    lowest, highest = min(amounts, key=_by_amount), max(amounts, key=_by_amount)
    if lowest[0] == highest[0]:
        return lowest[1], ""
    remark = f"prices from {lowest[1].price} to {highest[1].price}: the lowest was taken"
    return lowest[1], remark


def _by_amount(pair: tuple[Decimal, Offer]) -> Decimal:
    return pair[0]


def _amount(raw: str) -> Decimal | None:
    try:
        return Decimal(parse_price(raw).amount)
    except (BadValue, InvalidOperation):
        return None


def _offer(offer: Node, graph: Graph, path: str) -> Offer:
    priced = _plain_price(offer, path) or _specified_price(offer, graph, path)
    price_path, price, currency, unit = priced or (path, "", "", "")
    stock, stock_path = _stock(offer, graph, path)
    codes = [offer, *graph.inner(offer, "itemOffered")]
    return Offer(
        path=price_path,
        price=price,
        currency=currency or text(offer.get("priceCurrency")),
        unit=unit,
        stock=stock,
        stock_path=stock_path,
        sku=_first(codes, "sku", "mpn"),
        ean=_first(codes, "gtin13", "gtin14", "gtin12", "gtin8", "gtin"),
        name=_first(codes, "name"),
    )


def _plain_price(offer: Node, path: str) -> tuple[str, str, str, str] | None:
    names = ("lowPrice", "price") if "aggregateoffer" in types(offer) else ("price", "lowPrice")
    for name in names:
        raw = text(offer.get(name))
        if raw and not is_empty(raw):
            unit = _unit(offer) if "unitCode" in offer or "unitText" in offer else ""
            return f"{path}.{name}", raw, text(offer.get("priceCurrency")), unit
    return None


def _specified_price(offer: Node, graph: Graph, path: str) -> tuple[str, str, str, str] | None:
    """From `priceSpecification`: not what is struck through, not what only many pieces cost."""
    found = []
    for each in graph.inner(offer, "priceSpecification"):
        kind = text(each.get("priceType")).rsplit("/", 1)[-1].lower()
        raw = text(each.get("price")) or text(each.get("minPrice"))
        if is_empty(raw) or kind in _STRUCK or _is_bulk(each, graph):
            continue
        reference = graph.inner(each, "referenceQuantity")
        unit = _unit(each) or (_unit(reference[0]) if reference else "")
        currency = text(each.get("priceCurrency"))
        found.append((bool(unit), (f"{path}.priceSpecification.price", raw, currency, unit)))
    # The price of one article goes before the price of a measure of it.
    return min(found, key=lambda pair: pair[0])[1] if found else None


def _is_bulk(specification: Node, graph: Graph) -> bool:
    for quantity in graph.inner(specification, "eligibleQuantity"):
        least = text(quantity.get("minValue") or quantity.get("value"))
        if least not in ("", "0", "1", "1.0"):
            return True
    return False


def _unit(node: Node) -> str:
    written = text(node.get("unitCode")) or text(node.get("unitText"))
    return (known_unit(written) or written) if written else ""


def _stock(offer: Node, graph: Graph, path: str) -> tuple[str, str]:
    for level in graph.every(offer, "inventoryLevel"):
        if (raw := text(level)) and not is_empty(raw):
            return raw, f"{path}.inventoryLevel"
    for value in graph.every(offer, "availability"):
        raw = text(value.get("@id") or value) if isinstance(value, dict) else text(value)
        if raw:
            return raw, f"{path}.availability"
    return "", ""


def _first(nodes: list[Node], *names: str) -> str:
    for node in nodes:
        for name in names:
            if (raw := text(node.get(name))) and not is_empty(raw):
                return raw
    return ""
