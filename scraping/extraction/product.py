"""A product of schema.org becomes raw values by target, each with what stood there."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from jobtracker.catalogue.normalise import ATTRIBUTE, is_empty, word_set
from scraping.extraction.model import Evidence, Product
from scraping.extraction.nodes import Graph, Node, listed, text, types
from scraping.extraction.offers import MOST_OFFERS, Offer, best_offer, read_offers
from scraping.extraction.page import Page, absolute

MOST_IMAGES = 50
MOST_PROPERTIES = 200
MOST_VARIANTS = 500
_LONGEST_NAME = 60

_STOCK = {
    "instock": "in stock",
    "instoreonly": "in stock",
    "onlineonly": "available",
    "limitedavailability": "limited",
    "madetoorder": "available for order",
    "backorder": "backorder",
    "preorder": "preorder",
    "presale": "preorder",
    "outofstock": "out of stock",
    "soldout": "sold out",
    "reserved": "unavailable",
    "discontinued": "discontinued",
}
# Names that shops give to what a target holds; others stay attributes under their own name.
_NAMES = {
    "colour": word_set("colour|color|farbe|couleur|colore|cor|kleur|kolor|barva|färg|χρώμα|цвет"),
    "size": word_set(
        """size|dimensions|dimension|format|größe|abmessungen|maße|taille|tamaño|medidas|formato
        |dimensioni|dimensões|afmetingen|wymiary|rozměry|διαστάσεις|размер"""
    ),
    "finish": word_set(
        """finish|surface|surface finish|oberfläche|finition|acabado|finitura|acabamento|afwerking
        |wykończenie|povrch|φινίρισμα|поверхность"""
    ),
    "width": word_set("width|breite|largeur|ancho|larghezza|largura|breedte|πλάτος|ширина"),
    "height": word_set("height|length|höhe|länge|hauteur|longueur|alto|largo|altezza|lunghezza"),
    "thickness": word_set(
        "thickness|stärke|dicke|épaisseur|espesor|grosor|spessore|espessura|dikte|grubość|πάχος"
    ),
    "weight": word_set("weight|gewicht|poids|peso|waga|βάρος|вес"),
    "unit": word_set("sales unit|unit of sale|price unit|verkaufseinheit|unidad de venta"),
    f"{ATTRIBUTE}material": word_set("material|materiau|matériau|materiale|materiaal|υλικό"),
}
_BY_NAME = {name: target for target, names in _NAMES.items() for name in names}
_PLAIN = {
    "name": ("name",),
    "sku": ("sku", "mpn", "productID", "model"),
    "ean": ("gtin13", "gtin14", "gtin12", "gtin8", "gtin", "ean", "isbn"),
    "brand": ("brand", "manufacturer"),
    "description": ("description",),
    "colour": ("color",),
    f"{ATTRIBUTE}material": ("material",),
    f"{ATTRIBUTE}pattern": ("pattern",),
    f"{ATTRIBUTE}mpn": ("mpn",),
    f"{ATTRIBUTE}country": ("countryOfOrigin",),
}
_MEASURES = {
    "size": "size",
    "width": "width",
    "height": "height",
    "depth": f"{ATTRIBUTE}depth",
    "weight": "weight",
}
_UNITS = {"mmt": "mm", "cmt": "cm", "mtr": "m", "inh": "in", "kgm": "kg", "grm": "g", "lbr": "lb",
          "fot": "ft", "mtk": "m2"}  # fmt: skip
_PREFIX = re.compile(r"^(?:sku|mpn|gtin\d*|isbn|upc|ean):", re.IGNORECASE)
_STEP = re.compile("[>»›→]")
_HOME = word_set("home|homepage|start|startseite|inicio|accueil|página inicial|início|αρχική")


def attribute_target(name: str) -> str:
    """The target that a property of this name feeds."""
    plain = " ".join(name.replace("_", " ").split()).strip(" :")[:_LONGEST_NAME]
    return _BY_NAME.get(plain.casefold()) or f"{ATTRIBUTE}{plain.lower()}"


def stock_words(raw: str) -> str:
    """`https://schema.org/InStock` in the words that a feed would use."""
    word = re.split(r"[/#:]", raw.rstrip("/"))[-1]
    return _STOCK.get(re.sub(r"[\s_-]", "", word).lower(), word if "/" in raw else raw)


@dataclass
class _Reading:
    graph: Graph
    page: Page
    product: Product

    def put(self, target: str, value: Any, path: str, raw: str = "") -> None:
        if value and target not in self.product.values:
            self.product.values[target] = value
            method = f"{self.graph.method}:{path}"
            self.product.evidence[target] = Evidence(method, raw or str(value))


def read_product(node: Node, graph: Graph, page: Page) -> Product:
    """Read one node; variants are folded, and lend what the product itself does not say."""
    reading = _Reading(graph, page, Product({}, {}))
    variants = graph.inner(node, "hasVariant")[:MOST_VARIANTS]
    _own_values(reading, node, "")
    offers = read_offers(node, graph)
    for variant in variants:
        if len(offers) >= MOST_OFFERS:
            break
        offers.extend(read_offers(variant, graph, "hasVariant.offers"))
    _take_price(reading, offers)
    if variants:
        reading.product.variants = [_variant(each, reading) for each in variants]
        _lend(reading, variants)
    else:
        reading.product.variants = _offered_variants(offers)
    return reading.product


def read_category(graph: Graph, name: str) -> tuple[list[str], Evidence] | None:
    """The breadcrumbs as a path, without the shop's first page and the product itself."""
    for node in [*graph.subjects(), *_breadcrumbs(graph)]:
        if "breadcrumblist" not in types(node):
            continue
        steps = []
        for number, item in enumerate(graph.inner(node, "itemListElement")):
            label = text(item.get("name")) or text(graph.resolve(item.get("item")))
            position = text(item.get("position"))
            if label and not label.startswith(("http://", "https://")):
                steps.append((int(position) if position.isdecimal() else number, label))
        labels = [label for _, label in sorted(steps, key=lambda step: step[0])]
        if labels and labels[0].casefold() in _HOME:
            labels = labels[1:]
        if labels and name and labels[-1].casefold() == name.casefold():
            labels = labels[:-1]
        if labels:
            return labels, Evidence(f"{graph.method}:BreadcrumbList", " > ".join(labels))
    return None


def _breadcrumbs(graph: Graph) -> list[Node]:
    return [each for node in graph.nodes for each in graph.inner(node, "breadcrumb")]


def _own_values(reading: _Reading, node: Node, prefix: str) -> None:
    graph = reading.graph
    for target, names in _PLAIN.items():
        for name in names:
            raw = next((w for v in graph.every(node, name) if (w := text(v))), "")
            if target in ("sku", "ean"):
                raw = _PREFIX.sub("", raw).strip()
            if raw and not is_empty(raw):
                reading.put(target, raw, prefix + name)
                break
    for name, target in _MEASURES.items():
        for value in graph.every(node, name):
            reading.put(target, _measure(value), prefix + name)
    _take_images(reading, node, prefix)
    _take_category(reading, node, prefix)
    if not prefix:
        reading.put("group", text(node.get("productGroupID")), "productGroupID")
        address = next((u for v in graph.every(node, "url") if (u := _address(v, reading))), "")
        reading.put("url", address, "url")
    for each in graph.inner(node, "additionalProperty")[:MOST_PROPERTIES]:
        label, value = text(each.get("name")) or text(each.get("propertyID")), _measure(each)
        if label and value and not is_empty(value):
            reading.put(attribute_target(label), value, f"{prefix}additionalProperty", value)


def _measure(value: Any) -> str:
    """A text, or a quantity with its unit: "600 mm", "10-20 cm"."""
    if not isinstance(value, dict):
        return text(value)
    amounts = [text(each) for each in listed(value.get("value"))]
    amount = ", ".join(each for each in amounts if each)
    if not amount and value.get("minValue") and value.get("maxValue"):
        amount = f"{text(value['minValue'])}-{text(value['maxValue'])}"
    if not amount:
        return "" if "propertyvalue" in types(value) else text(value)
    unit = text(value.get("unitText")) or text(value.get("unitCode"))
    unit = _UNITS.get(unit.lower(), unit)
    return f"{amount} {unit}" if unit and amount[-1].isdigit() else amount


def _take_images(reading: _Reading, node: Node, prefix: str) -> None:
    found: dict[str, None] = {}
    for value in reading.graph.every(node, "image", "photo")[:MOST_IMAGES]:
        if isinstance(value, dict):
            value = value.get("contentUrl") or value.get("url") or value.get("@id")
        for each in listed(value):
            if isinstance(each, str) and (url := absolute(reading.page.base, each)):
                found[url] = None
    reading.put("images", list(found), f"{prefix}image", " ".join(found))


def _take_category(reading: _Reading, node: Node, prefix: str) -> None:
    path: list[str] = []
    for value in reading.graph.every(node, "category"):
        label = text(value)
        if label and not label.startswith(("http://", "https://")):
            path = [step.strip() for step in _STEP.split(label) if step.strip()]
            break
    reading.put("category", path, f"{prefix}category", " > ".join(path))


def _address(value: Any, reading: _Reading) -> str:
    written = value.get("@id") if isinstance(value, dict) else value
    return absolute(reading.page.base, written) if isinstance(written, str) else ""


def _take_price(reading: _Reading, offers: list[Offer]) -> None:
    offer, remark = best_offer(offers)
    if remark:
        reading.page.warnings.append(remark)
    if offer is None:
        return
    if offer.price:
        reading.put("price", offer.price, offer.path)
        place = offer.path.rpartition(".")[0]
        reading.put("currency", offer.currency, f"{place}.priceCurrency")
        reading.put("unit", offer.unit, f"{place}.unitCode")
    stocks = [each for each in offers if each.stock]
    words = [stock_words(each.stock) for each in stocks]
    # One variant in stock is enough for the product to be.
    best = next((i for i, word in enumerate(words) if word in ("in stock", "available")), 0)
    if stocks:
        reading.put("stock", words[best], stocks[best].stock_path, stocks[best].stock)
    if len({each.sku for each in offers} - {""}) == 1:
        reading.put("sku", next(each.sku for each in offers if each.sku), "offers.sku")
    if len({each.ean for each in offers} - {""}) == 1:
        reading.put("ean", next(each.ean for each in offers if each.ean), "offers.gtin")


def _variant(node: Node, outer: _Reading) -> dict[str, str]:
    reading = _Reading(outer.graph, outer.page, Product({}, {}))
    _own_values(reading, node, "hasVariant.")
    offer, _ = best_offer(read_offers(node, outer.graph))
    found = {
        target.removeprefix(ATTRIBUTE): value
        for target, value in reading.product.values.items()
        if isinstance(value, str) and outer.product.values.get(target) != value
    }
    return found | (_offer_words(offer) if offer else {})


def _lend(reading: _Reading, variants: list[Node]) -> None:
    """What all variants say alike, and the first one's pictures and words, is the product's."""
    several = []
    for node in variants:
        one = _Reading(reading.graph, reading.page, Product({}, {}))
        _own_values(one, node, "hasVariant.")
        several.append(one.product)
    for target, value in several[0].values.items():
        alike = all(each.values.get(target) == value for each in several)
        if target not in reading.product.values and (
            alike or target in ("name", "brand", "description", "images", "category")
        ):
            reading.product.values[target] = value
            reading.product.evidence[target] = several[0].evidence[target]


def _offered_variants(offers: list[Offer]) -> list[dict[str, str]]:
    """Offers with article codes of their own are variants."""
    coded = {offer.sku: offer for offer in offers if offer.sku}
    if len(coded) < 2:
        return []
    found = []
    for offer in list(coded.values())[:MOST_VARIANTS]:
        codes = {"sku": offer.sku, "ean": offer.ean, "name": offer.name}
        found.append({key: word for key, word in codes.items() if word} | _offer_words(offer))
    return found


def _offer_words(offer: Offer) -> dict[str, str]:
    words = {
        "price": offer.price,
        "currency": offer.currency,
        "stock": stock_words(offer.stock) if offer.stock else "",
    }
    return {key: word for key, word in words.items() if word}
