"""From the bytes of a page to its product, its links and what it says about itself.

Pure: no network, no database. The tree is built once and every reader works on it. Readers give
the same simple nodes (`{"@type": ..., property: value}`), so that one piece of code, `product`,
knows schema.org; `choose` says which of several products the page is about.
"""

from scraping.extraction.choose import main_product
from scraping.extraction.jsonld import read_json_ld
from scraping.extraction.microdata import read_microdata
from scraping.extraction.model import Evidence, Extraction, Product
from scraping.extraction.nodes import Graph
from scraping.extraction.opengraph import complete, read_open_graph
from scraping.extraction.page import Page, is_text, open_page
from scraping.extraction.product import read_category, read_product

__all__ = ["Evidence", "Extraction", "Product", "extract", "is_text"]


def extract(body: bytes, url: str, encoding: str | None = None) -> Extraction:
    """Read one page. `encoding` is the charset that the answer's header named.

    Never raises for what a site may send: what could not be read stands in `warnings`.
    """
    page = open_page(body, url, encoding)
    found = Extraction(
        canonical=page.canonical,
        title=page.title,
        links=page.links,
        nofollow=page.nofollow,
        noindex=page.noindex,
        warnings=page.warnings,
    )
    if page.tree is None:
        return found
    json_ld = read_json_ld(page)
    microdata = read_microdata(page)
    properties = read_open_graph(page)
    found.structured = bool(json_ld.nodes or microdata.nodes or properties)
    product = _product(page, json_ld, microdata)
    product = complete(product, properties, page)
    if product:
        if "category" not in product.values:
            _take_breadcrumbs(product, json_ld, microdata)
        found.products.append(product)
    elif not found.structured:
        found.needs_javascript = page.needs_javascript()
        reason = "the page is built by JavaScript" if found.needs_javascript else ""
        found.warnings.append("no structured data" + (f": {reason}" if reason else ""))
    else:
        found.warnings.append("the structured data describes no product of this page")
    return found


def _product(page: Page, *graphs: Graph) -> Product | None:
    """The page's product, from the first reader that has one; the others fill its gaps where
    they speak of the same thing."""
    product: Product | None = None
    for graph in graphs:
        node = main_product(graph, page)
        if node is None:
            continue
        read = read_product(node, graph, page)
        if product is None:
            product = read
        elif _same(product, read):
            fill(product, read)
    return product


def fill(product: Product, other: Product) -> None:
    """Take from `other` what `product` lacks; a price only whole, with its currency and unit."""
    priced = "price" in product.values
    for target, value in other.values.items():
        if target in product.values or (priced and target in ("currency", "unit")):
            continue
        product.values[target] = value
        product.evidence[target] = other.evidence[target]
    product.variants = product.variants or other.variants


def _same(one: Product, other: Product) -> bool:
    codes = [target for target in ("sku", "ean") if target in one.values and target in other.values]
    if codes:
        return any(one.values[code] == other.values[code] for code in codes)
    names = [str(each.values.get("name", "")).casefold().split() for each in (one, other)]
    return names[0] == names[1]


def _take_breadcrumbs(product: Product, *graphs: Graph) -> None:
    for graph in graphs:
        if found := read_category(graph, str(product.values.get("name", ""))):
            product.values["category"], product.evidence["category"] = found
            return
