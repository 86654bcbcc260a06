"""OpenGraph: what a page tells those who share it, and to shops' catalogues."""

from jobtracker.catalogue.normalise import is_empty
from scraping.extraction.model import Evidence, Product
from scraping.extraction.page import Page
from scraping.extraction.product import stock_words

_TARGETS = {
    "name": ("og:title",),
    "sku": ("product:retailer_item_id", "product:sku", "product:mfr_part_no"),
    "ean": ("product:ean", "product:gtin", "product:upc"),
    "brand": ("product:brand", "og:brand"),
    "description": ("og:description",),
    "url": ("og:url",),
    "colour": ("product:color",),
    "size": ("product:size",),
    "attribute.material": ("product:material",),
    "attribute.pattern": ("product:pattern",),
    "category": ("product:category", "og:category"),
}
_PRICES = ("product:sale_price:amount", "product:price:amount", "og:price:amount")
_CURRENCIES = ("product:sale_price:currency", "product:price:currency", "og:price:currency")
_AVAILABILITY = ("product:availability", "og:availability")
# What any page may say of itself; enough to complete a product, too little to make one.
_GENERAL = ("og:description", "og:image", "og:image:secure_url")


def read_open_graph(page: Page) -> dict[str, list[str]]:
    """The properties of a page that declares itself a product's; {} for any other."""
    found = page.open_graph
    kinds = [kind.lower() for kind in found.get("og:type", ())]
    is_product = any(kind.endswith(("product", "product.item")) for kind in kinds)
    return found if is_product or any(name in found for name in _PRICES) else {}


def complete(
    product: Product | None, properties: dict[str, list[str]], page: Page
) -> Product | None:
    """Fill the gaps of `product`; without one, make it of the page's own properties, if any."""
    if product is None:
        new = _read(properties)
        return new if "name" in new.values else None
    new = _read(properties or {name: page.open_graph.get(name, []) for name in _GENERAL})
    priced = "price" in product.values
    for target, value in new.values.items():
        if target in product.values or (priced and target in ("currency", "unit")):
            continue
        product.values[target], product.evidence[target] = value, new.evidence[target]
    return product


def _read(properties: dict[str, list[str]]) -> Product:
    product = Product({}, {})

    def take(target: str, names: tuple[str, ...]) -> None:
        for name in names:
            for raw in properties.get(name, ()):
                if not is_empty(raw):
                    product.values[target] = [raw] if target == "category" else raw
                    product.evidence[target] = Evidence(f"opengraph:{name}", raw)
                    return

    for target, names in _TARGETS.items():
        take(target, names)
    take("price", _PRICES)
    if "price" in product.values:
        take("currency", _CURRENCIES)
    take("stock", _AVAILABILITY)
    if "stock" in product.values:
        product.values["stock"] = stock_words(product.values["stock"])
    images = [*properties.get("og:image:secure_url", ()), *properties.get("og:image", ())]
    images = [url for url in dict.fromkeys(images) if url.startswith(("http://", "https://"))]
    if images:
        product.values["images"] = images
        product.evidence["images"] = Evidence("opengraph:og:image", " ".join(images))
    return product
