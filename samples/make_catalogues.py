"""Make the sample catalogues: a price list of ruled tables and a book of cards, both PDF.

The price list is of Northlight's tiles, whose feed and site are samples too; the cards are Weaver &
Loom's fabrics. `python samples/make_catalogues.py` renews both; it needs reportlab, which the
development lock has.
"""

import csv
import io
import random
import xml.etree.ElementTree as ElementTree
from itertools import groupby
from pathlib import Path

from make_samples import HERE, SENTENCES, fabrics_csv, tiles_xml
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Table, TableStyle

PER_TABLE = 26
SWATCHES = {
    "écru": "#E8DFC8", "grün": "#5B7F53", "weiß": "#F4F4F0", "türkis": "#3E9C9A",
    "café": "#6B4A34", "jägergrün": "#2E4A36",
}  # fmt: skip
HEAD = ("Code", "Description", "Size", "Thickness", "Finish", "Price EUR/m²")


def price_list(path: Path) -> int:
    """Write the price list: a cover, a table for each line that runs on over pages, conditions.
    Returns the number of products in it."""
    products = [
        {child.tag: child.text or "" for child in product}
        for product in ElementTree.fromstring(tiles_xml()).iter("product")
    ]
    products = [each for each in products if each["sku"] and each["price"][0].isdigit()][:180]
    products.sort(key=lambda each: (each["category"], each["sku"]))
    page = _canvas(path, "Northlight Tiles price list")
    _title(page, "Northlight Tiles", "Price list, valid from January")
    for line, group in groupby(products, key=lambda each: each["category"].split(" > ")[1]):
        rows = [
            (
                each["sku"], each["name"], each["size"], each["thickness"], each["finish"],
                each["price"].replace(".", ","),
            )
            for each in group
        ]  # fmt: skip
        for start in range(0, len(rows), PER_TABLE):
            page.setFont("Helvetica-Bold", 15)
            page.drawString(50, 785, line if start == 0 else f"{line} (continued)")
            _table(page, [*([HEAD] if start == 0 else []), *rows[start : start + PER_TABLE]])
            page.showPage()
    page.setFont("Helvetica", 11)
    page.drawString(50, 785, "Conditions")
    for number, sentence in enumerate(SENTENCES):
        page.drawString(50, 750 - 18 * number, f"{number + 1}. {sentence}")
    page.showPage()
    page.save()
    return len(products)


def card_book(path: Path) -> int:
    """Write the book of cards: a cover, then six cards a page, each a swatch with its words.
    Returns the number of products in it."""
    text = fabrics_csv().decode("cp1252")
    rows = [row for row in csv.DictReader(io.StringIO(text), delimiter=";") if row["Artikelnummer"]]
    rows = [row for row in rows if row["Preis"][0].isdigit()][:48]
    chance = random.Random(21)
    page = _canvas(path, "Weaver & Loom fabrics")
    _title(page, "Weaver & Loom", "Fabrics for rooms that are used")
    for start in range(0, len(rows), 6):
        for place, row in enumerate(rows[start : start + 6]):
            left, top = 50 + 255 * (place % 2), 790 - 245 * (place // 2)
            swatch = _swatch(SWATCHES[row["Farbe"]], chance)
            page.drawImage(swatch, left, top - 150, width=230, height=150)
            page.setFont("Helvetica-Bold", 11)
            page.drawString(left, top - 168, row["Bezeichnung"])
            page.setFont("Helvetica", 9)
            page.drawString(left, top - 183, f"Art.-Nr. {row['Artikelnummer']}")
            page.drawString(left, top - 196, f"Breite {row['Breite']}, {row['Material']}")
            page.drawString(left, top - 209, f"{row['Preis']} € / lfm")
        page.showPage()
    page.save()
    return len(rows)


def _canvas(path: Path, title: str) -> Canvas:
    page = Canvas(str(path), pagesize=A4, invariant=1)
    page.setTitle(title)
    page.setAuthor("A made-up supplier")
    return page


def _title(page: Canvas, title: str, below: str) -> None:
    page.setFillColor(colors.HexColor("#23303B"))
    page.rect(0, 0, *A4, stroke=0, fill=1)
    page.setFillColor(colors.white)
    page.setFont("Helvetica-Bold", 34)
    page.drawString(60, 520, title)
    page.setFont("Helvetica", 15)
    page.drawString(60, 490, below)
    page.showPage()


def _table(page: Canvas, rows: list[tuple[str, ...]]) -> None:
    table = Table(rows, colWidths=[70, 205, 65, 55, 60, 60], rowHeights=24)
    table.setStyle(
        TableStyle(
            [
                ("GRID", (0, 0), (-1, -1), 0.5, colors.HexColor("#8896A5")),
                ("FONT", (0, 0), (-1, -1), "Helvetica", 8.5),
                ("VALIGN", (0, 0), (-1, -1), "MIDDLE"),
                ("ALIGN", (-1, 0), (-1, -1), "RIGHT"),
            ]
        )
    )
    _, height = table.wrapOn(page, 520, 720)
    table.drawOn(page, 50, 765 - height)


def _swatch(colour: str, chance: random.Random) -> ImageReader:
    """A weave in the colour: threads of slightly different lightness."""
    from PIL import Image

    base = tuple(int(colour[at : at + 2], 16) for at in (1, 3, 5))
    threads = [chance.randrange(-14, 15) for _ in range(115)]
    image = Image.new("RGB", (115, 75))
    image.putdata(
        [
            tuple(max(0, min(255, part + threads[(x + y % 2) % 115])) for part in base)
            for y in range(75)
            for x in range(115)
        ]
    )
    return ImageReader(image)


def main() -> None:
    """Write both catalogues."""
    for name, make in (("tiles-price-list.pdf", price_list), ("fabric-cards.pdf", card_book)):
        count = make(HERE / name)
        print(f"{name}: {count} products, {(HERE / name).stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
