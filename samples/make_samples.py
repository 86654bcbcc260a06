"""Make the sample feeds, and feeds of any size for tests and benchmarks.

The suppliers, brands and products are invented. Everything follows from a seed, so the same
call writes the same bytes: `python samples/make_samples.py` renews the files beside this one.
"""

import csv
import io
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Literal
from xml.sax.saxutils import escape

HERE = Path(__file__).parent

TILE_LINES = ("Fjordstone", "Lumen", "Terrane", "Alabaster Bay", "Driftgrey", "Kiln & Clay")
TILE_KINDS = ("floor tile", "wall tile", "outdoor slab", "mosaic")
TILE_SIZES = ("60x60 cm", "30x60 cm", "120x60 cm", "20x20 cm", "7.5x30 cm", "90x90 cm")
TILE_COLOURS = ("ivory", "graphite", "sand", "moss green", "deep blue", "terracotta")
TILE_FINISHES = ("matt", "polished", "lappato", "structured", "glossy")

FABRIC_LINES = ("Crêpe Élodie", "Façonné Aurore", "Velours Côtelé", "Grège", "Señorita", "Öland")
FABRIC_KINDS = ("Vorhangstoff", "Bezugsstoff", "Möbelstoff", "Dekostoff")
FABRIC_FIBRES = ("Baumwolle", "Leinen", "Wolle", "Viskose", "Polyester (recycelt)")
FABRIC_COLOURS = ("écru", "grün", "weiß", "türkis", "café", "jägergrün")
FABRIC_WIDTHS = (137, 140, 145, 280, 300)
FABRIC_COLUMNS = [
    "Artikelnummer",
    "EAN",
    "Bezeichnung",
    "Marke",
    "Warengruppe",
    "Farbe",
    "Material",
    "Breite",
    "Preis",
    "Währung",
    "Einheit",
    "Bestand",
    "Beschreibung",
    "Bild",
]

BOARD_LINES = ("Harbour", "Moorland", "Old Orchard", "Saltmarsh", "Ridgeway")
BOARD_WOODS = ("oak", "ash", "larch", "walnut", "beech")
BOARD_KINDS = ("wide board", "strip flooring", "herringbone block")
BOARD_SIZES = ((2200, 220, 15), (1800, 180, 14), (600, 120, 11))
BOARD_FINISHES = ("oiled", "lacquered", "brushed", "raw")

SENTENCES = (
    "Made for rooms that are used every day.",
    "The surface keeps its colour under sun and lamp alike.",
    "Cut to size in our own workshop & packed flat.",
    "Frost does it no harm, nor does red wine.",
    "Each batch is checked by hand before it leaves the house.",
    "Goes with every piece of the same line.",
    "Clean with warm water; no scouring powder < 200 grit.",
    "Delivered on pallets, or by the box on request.",
)


def ean13(twelve: str) -> str:
    """Twelve digits with their check digit (GS1: weights 1 and 3 in turn, from the left)."""
    total = sum(int(digit) * (3 if at % 2 else 1) for at, digit in enumerate(twelve))
    return twelve + str(-total % 10)


def tiles_xml(count: int = 240, seed: int = 1) -> bytes:
    """The feed of Northlight Tiles: UTF-8 XML, prices in EUR, four bad rows."""
    chance = random.Random(seed)
    products = []
    for number in range(1, count + 1):
        line = chance.choice(TILE_LINES)
        size, colour = chance.choice(TILE_SIZES), chance.choice(TILE_COLOURS)
        sku = f"NLT-{number:05d}"
        ean = ean13(f"400999{number:06d}")
        price = f"{chance.randrange(1490, 18900) / 100:.2f}"
        match number:
            case 37:
                price = "abc"
            case 88:
                sku = ""
            case 131:
                ean = ean[:-1] + str((int(ean[-1]) + 1) % 10)
            case 190:
                price = "on request"
        images = "".join(
            f"      <image>https://images.northlight-tiles.example/{number:05d}-{view}.jpg</image>\n"
            for view in range(1, chance.randint(2, 4))
        )
        products.append(
            "  <product>\n"
            f"    <sku>{sku}</sku>\n"
            f"    <ean>{ean}</ean>\n"
            f"    <name>{escape(f'{line} {chance.choice(TILE_KINDS)} {colour}')}</name>\n"
            "    <brand>Northlight Tiles</brand>\n"
            f"    <category>Tiles &gt; {escape(line)}</category>\n"
            f"    <size>{size}</size>\n"
            f"    <thickness>{chance.choice((6, 8, 9, 10, 20))} mm</thickness>\n"
            f"    <colour>{colour}</colour>\n"
            f"    <finish>{chance.choice(TILE_FINISHES)}</finish>\n"
            f'    <price currency="EUR">{price}</price>\n'
            "    <unit>m2</unit>\n"
            f"    <stock>{chance.randrange(0, 900)}</stock>\n"
            f"    <description><![CDATA[{' '.join(chance.sample(SENTENCES, 3))}]]></description>\n"
            f"    <link>https://www.northlight-tiles.example/p/{number:05d}</link>\n"
            f"    <images>\n{images}    </images>\n"
            "  </product>\n"
        )
    head = '<?xml version="1.0" encoding="UTF-8"?>\n<catalog supplier="Northlight Tiles">\n'
    return (head + "".join(products) + "</catalog>\n").encode()


def fabrics_csv(count: int = 180, seed: int = 2) -> bytes:
    """The price list of Weaver & Loom: cp1252, semicolons, decimal commas, four bad rows."""
    chance = random.Random(seed)
    text = io.StringIO(newline="")
    rows = csv.writer(text, delimiter=";", lineterminator="\r\n")
    rows.writerow(FABRIC_COLUMNS)
    for number in range(1, count + 1):
        line, colour = chance.choice(FABRIC_LINES), chance.choice(FABRIC_COLOURS)
        kind = chance.choice(FABRIC_KINDS)
        sku = f"WL{number:04d}"
        ean = ean13(f"400888{number:06d}")
        price = f"{chance.randrange(890, 14900) / 100:.2f}".replace(".", ",")
        match number:
            case 21:
                price = "abc"
            case 64:
                sku = ""
            case 97:
                ean = ean[:-1] + str((int(ean[-1]) + 1) % 10)
        row = [
            sku,
            ean,
            f"{kind} {line} {colour}",
            "Weaver & Loom",
            kind,
            colour,
            chance.choice(FABRIC_FIBRES),
            f"{chance.choice(FABRIC_WIDTHS)} cm",
            price,
            "EUR",
            "lfm",
            chance.randrange(0, 400),
            f"Für Räume, die täglich genutzt werden; waschbar bei {number % 3 + 3}0 °C",
            f"https://images.weaver-loom.example/{number:04d}.jpg",
        ]
        rows.writerow(row[:-3] if number == 150 else row)
    return text.getvalue().encode("cp1252")


def boards_json(count: int = 150, seed: int = 3) -> bytes:
    """The feed of Harrow Boards: products under their codes, four of them bad."""
    chance = random.Random(seed)
    products: dict[str, object] = {}
    for number in range(1, count + 1):
        line, wood = chance.choice(BOARD_LINES), chance.choice(BOARD_WOODS)
        kind, size = chance.choice(list(zip(BOARD_KINDS, BOARD_SIZES, strict=True)))
        code = f"HB-{number:04d}"
        ean = ean13(f"400777{number:06d}")
        price: object = chance.randrange(2490, 16900) / 100
        match number:
            case 19:
                price = "abc"
            case 58:
                ean = ean[:-1] + str((int(ean[-1]) + 1) % 10)
            case 103:
                price = "on request"
        products[code] = {
            "name": f"{line} {kind} {wood}",
            "ean": ean,
            "brand": "Harrow Boards",
            "category": ["Floors", kind.capitalize()],
            "size": "x".join(map(str, size)) + " mm",
            "colour": chance.choice(("natural", "smoked", "white", "grey")),
            "finish": chance.choice(BOARD_FINISHES),
            "price": {"amount": price, "currency": "EUR", "unit": "m2"},
            "stock": chance.randrange(0, 600),
            "description": " ".join(chance.sample(SENTENCES, 2)),
            "images": [
                f"https://images.harrow-boards.example/{code.lower()}-{view}.jpg"
                for view in range(1, chance.randint(2, 4))
            ],
        }
        if number == 131:
            products[code] = None
    feed = {"supplier": "Harrow Boards", "products": products}
    return (json.dumps(feed, ensure_ascii=False, indent=1) + "\n").encode()


FEED_FIELDS = [
    "id",
    "sku",
    "ean",
    "name",
    "brand",
    "category",
    "size",
    "thickness",
    "colour",
    "finish",
    "price",
    "currency",
    "unit",
    "stock",
    "weight",
    "material",
    "collection",
    "description",
    "care",
    "link",
    "image",
    "updated",
]


def feed_rows(products: int, seed: int, changed_share: float = 0.0) -> Iterator[tuple[str, ...]]:
    """Products of a large feed, the values of FEED_FIELDS each, about 1.8 kB in XML.

    A `changed_share` of them has another price and stock than the same product with 0.0.
    """
    prose = _prose(seed)
    for number in range(1, products + 1):
        chance = random.Random(seed * 1_000_003 + number)
        line, colour = chance.choice(TILE_LINES), chance.choice(TILE_COLOURS)
        cents, stock = chance.randrange(500, 50_000), chance.randrange(1000)
        if chance.random() < changed_share:
            cents, stock = cents + 111, stock + 1
        slug = f"{number:08d}"
        yield (
            str(7_000_000 + number),
            f"NLT-{slug}",
            ean13(f"4007{slug}"),
            f"{line} {chance.choice(TILE_KINDS)} {colour} {number}",
            "Northlight Tiles",
            f"Tiles > {line}",
            chance.choice(TILE_SIZES),
            "9 mm",
            colour,
            chance.choice(TILE_FINISHES),
            f"{cents / 100:.2f}",
            "EUR",
            "m2",
            str(stock),
            f"{chance.randrange(40, 400) / 10:.1f} kg",
            "porcelain stoneware",
            f"{line} collection",
            chance.choice(prose),
            SENTENCES[6],
            f"https://www.northlight-tiles.example/p/{slug}",
            f"https://images.northlight-tiles.example/{slug}-1.jpg",
            "2026-01-15T08:00:00Z",
        )


def write_feed(
    path: Path | str,
    products: int,
    seed: int = 1,
    type: Literal["xml", "csv", "json"] = "xml",
    changed_share: float = 0.0,
) -> Path:
    """Write a feed of so many products, in constant memory; returns its path."""
    path = Path(path)
    rows = feed_rows(products, seed, changed_share)
    with path.open("w", encoding="utf-8", newline="") as file:
        if type == "csv":
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(FEED_FIELDS)
            writer.writerows(rows)
            return path
        if type == "json":
            file.write('{"shop": "Northlight Tiles", "products": [')
            for number, row in enumerate(rows):
                fields = dict(zip(FEED_FIELDS, row, strict=True))
                file.write(",\n" if number else "\n")
                file.write(json.dumps(fields, ensure_ascii=False, indent=1))
            file.write("\n]}\n")
            return path
        file.write('<?xml version="1.0" encoding="UTF-8"?>\n<catalog>\n')
        for row in rows:
            fields = zip(FEED_FIELDS, map(escape, row), strict=True)
            lines = "".join(f"    <{name}>{value}</{name}>\n" for name, value in fields)
            file.write(f"  <product>\n{lines}  </product>\n")
        file.write("</catalog>\n")
    return path


def _prose(seed: int) -> list[str]:
    """Descriptions of about 900 characters to choose from: making each anew would be slow."""
    chance = random.Random(seed)
    return [" ".join(chance.choices(SENTENCES, k=19)) for _ in range(50)]


def main() -> None:
    """Write the sample files."""
    feeds = {"tiles.xml": tiles_xml(), "fabrics.csv": fabrics_csv(), "boards.json": boards_json()}
    for name, content in feeds.items():
        (HERE / name).write_bytes(content)
        print(f"{name}: {len(content):,} bytes")


if __name__ == "__main__":
    main()
