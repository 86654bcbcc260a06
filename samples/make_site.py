"""Make the sample site: Northlight's shop of 60 products, as static pages below `site/`.

Tiles carry JSON-LD (some as a group of variants), fabrics microdata, floors OpenGraph or nothing
at all. The tiles are those of the sample feed, so a crawl adds a second source to known products.
`manage.py demo` serves it; `python samples/make_site.py` renews it.
"""

import json
import random
import shutil
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape

from make_samples import HERE, SENTENCES, ean13, tiles_xml

ORIGIN = "http://127.0.0.1:8099"
SITE = HERE / "site"
PER_PAGE = 8
FABRICS = ("Aurore", "Brume", "Cascade", "Dune", "Estuaire")
FABRIC_COLOURS = ("ecru", "ink", "sage", "rust")
FLOORS = ("Harbour oak", "Pier ash", "Quay walnut", "Dock larch")
FLOOR_FINISHES = ("oiled", "lacquered", "brushed", "smoked", "raw")


@dataclass
class Item:
    """One product of the shop."""

    family: str
    sku: str
    name: str
    price: str
    unit: str
    size: str
    colour: str
    finish: str
    ean: str = ""
    markup: str = "json-ld"
    variants: list[str] = field(default_factory=list)

    @property
    def path(self) -> str:
        return f"/{self.family}/{self.sku.lower()}.html"


def items() -> list[Item]:
    """The 60 products, 20 of each family; the same at each call."""
    return [*_tiles(), *_fabrics(), *_floors()]


def _tiles() -> Iterator[Item]:
    for number, product in enumerate(ElementTree.fromstring(tiles_xml()).iter("product")):
        if number == 20:
            return
        text = {child.tag: child.text or "" for child in product}
        yield Item(
            "tiles", text["sku"], text["name"], text["price"], "m2", text["size"],
            text["colour"], text["finish"], text["ean"],
            variants=["matt", "polished"] if number % 5 == 4 else [],
        )  # fmt: skip


def _fabrics() -> Iterator[Item]:
    chance = random.Random(11)
    for number in range(20):
        line, colour = FABRICS[number % 5], FABRIC_COLOURS[number // 5]
        yield Item(
            "fabrics", f"NLF-{number + 1:03d}", f"{line} curtain fabric {colour}",
            f"{chance.randrange(1900, 8900) / 100:.2f}", "m", "140 cm", colour, "",
            ean13(f"400998{number:06d}"), "microdata",
        )  # fmt: skip


def _floors() -> Iterator[Item]:
    chance = random.Random(12)
    for number in range(20):
        line, finish = FLOORS[number % 4], FLOOR_FINISHES[number // 4]
        yield Item(
            "flooring", f"NLP-{number + 1:03d}", f"{line} plank {finish}",
            f"{chance.randrange(3900, 9900) / 100:.2f}", "m2", "190x1900x14 mm", "", finish,
            markup="opengraph" if number < 14 else "none",
        )  # fmt: skip


def _json_ld(item: Item) -> str:
    offer = {
        "@type": "Offer",
        "price": item.price,
        "priceCurrency": "EUR",
        "availability": "https://schema.org/InStock",
    }
    data = {
        "@context": "https://schema.org",
        "@type": "Product",
        "name": item.name,
        "sku": item.sku,
        "gtin13": item.ean,
        "brand": {"@type": "Brand", "name": "Northlight Tiles"},
        "category": "Tiles",
        "size": item.size,
        "color": item.colour,
        "image": [f"{ORIGIN}/images/{item.sku.lower()}.jpg"],
        "offers": offer,
        "additionalProperty": [{"@type": "PropertyValue", "name": "finish", "value": item.finish}],
    }
    if item.variants:
        data |= {"@type": "ProductGroup", "productGroupID": item.sku, "variesBy": "finish"}
        data["hasVariant"] = [
            {"@type": "Product", "sku": f"{item.sku}-{finish[0].upper()}",
             "name": f"{item.name} {finish}", "finish": finish, "offers": offer}
            for finish in item.variants
        ]  # fmt: skip
    text = json.dumps(data, ensure_ascii=False, indent=1).replace("</", "<\\/")
    return f'<script type="application/ld+json">\n{text}\n</script>'


def _open_graph(item: Item) -> str:
    properties = {
        "og:type": "product",
        "og:title": item.name,
        "og:url": ORIGIN + item.path,
        "og:image": f"{ORIGIN}/images/{item.sku.lower()}.jpg",
        "product:price:amount": item.price,
        "product:price:currency": "EUR",
        "product:retailer_item_id": item.sku,
    }
    return "\n".join(
        f'<meta property="{name}" content="{escape(value)}">' for name, value in properties.items()
    )


def _body(item: Item, prose: str) -> str:
    if item.markup != "microdata":
        return (
            f"<h1>{escape(item.name)}</h1><p>{escape(prose)}</p>"
            f'<p class="price">{item.price} € / {item.unit}</p>'
            f"<p>Article {item.sku}, {item.size}</p>"
        )
    return (
        '<div itemscope itemtype="https://schema.org/Product">'
        f'<h1 itemprop="name">{escape(item.name)}</h1><p itemprop="description">{escape(prose)}</p>'
        f'<p>Article <span itemprop="sku">{item.sku}</span>,'
        f' <span itemprop="gtin13">{item.ean}</span></p>'
        f'<p>Colour <span itemprop="color">{item.colour}</span>,'
        f' width <span itemprop="size">{item.size}</span></p>'
        '<div itemprop="offers" itemscope itemtype="https://schema.org/Offer">'
        f'<meta itemprop="priceCurrency" content="EUR"><b itemprop="price" content="{item.price}">'
        f"{item.price} €</b> per {item.unit}</div></div>"
    )


def _page(title: str, head: str, body: str) -> str:
    links = "".join(
        f'<a href="/{family}/index.html">{family.title()}</a> '
        for family in ("tiles", "fabrics", "flooring")
    )
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}'
        f"</title>\n{head}\n</head><body><nav>{links}"
        '<a href="/account/login.html">Log in</a></nav>\n'
        f"<main>{body}</main><footer>A made-up shop.</footer></body></html>\n"
    )


def pages() -> dict[str, str]:
    """Every file of the site by its path."""
    made: dict[str, str] = {}
    chance = random.Random(13)
    products = items()
    for item in products:
        head = f'<link rel="canonical" href="{ORIGIN}{item.path}">'
        match item.markup:
            case "json-ld":
                head += "\n" + _json_ld(item)
            case "opengraph":
                head += "\n" + _open_graph(item)
        made[item.path] = _page(item.name, head, _body(item, chance.choice(SENTENCES)))
    for family in ("tiles", "fabrics", "flooring"):
        made |= _listing(family, [item for item in products if item.family == family])
    made["/index.html"] = _page("Northlight", "", "<h1>Northlight</h1><p>Tiles and more.</p>")
    made["/about.html"] = _page("About", "", "<h1>About us</h1><p>We do not exist.</p>")
    made["/account/login.html"] = _page("Log in", "", "<h1>Log in</h1>")
    made["/robots.txt"] = f"User-agent: *\nDisallow: /account/\nSitemap: {ORIGIN}/sitemap.xml\n"
    made["/sitemap.xml"] = _sitemap("sitemapindex", "sitemap", ["/products.xml", "/pages.xml"])
    made["/products.xml"] = _sitemap("urlset", "url", [item.path for item in products])
    made["/pages.xml"] = _sitemap("urlset", "url", ["/index.html", "/about.html"])
    return made


def _listing(family: str, own: list[Item]) -> dict[str, str]:
    made = {}
    count = -(-len(own) // PER_PAGE)
    for page in range(count):
        entries = "".join(
            f'<li><a href="{item.path}">{escape(item.name)}</a> {item.price} €</li>'
            for item in own[page * PER_PAGE : (page + 1) * PER_PAGE]
        )
        turn = f'<a rel="next" href="/{family}/page-{page + 2}.html">Next</a>'
        body = f"<h1>{family.title()}</h1><ul>{entries}</ul>{turn if page + 1 < count else ''}"
        name = "index" if page == 0 else f"page-{page + 1}"
        made[f"/{family}/{name}.html"] = _page(family.title(), "", body)
    return made


def _sitemap(root: str, entry: str, paths: list[str]) -> str:
    lines = "".join(f"  <{entry}><loc>{ORIGIN}{path}</loc></{entry}>\n" for path in paths)
    space = "http://www.sitemaps.org/schemas/sitemap/0.9"
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<{root} xmlns="{space}">\n{lines}</{root}>\n'


def main() -> None:
    """Write the site."""
    shutil.rmtree(SITE, ignore_errors=True)
    made = pages()
    for path, text in made.items():
        file = SITE / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    print(f"site: {len(made)} files, {len(items())} products")


if __name__ == "__main__":
    main()
