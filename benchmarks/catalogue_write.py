"""What an import costs beside reading its feed: `python benchmarks/catalogue_write.py [ROWS]`.

Compares, in one run and by CPU seconds of this process and its database session together, our own
reader followed by a COPY of the raw records into a logged table with one primary key, with reader,
normaliser and writer: all rows new, all unchanged, 30 % changed. Rounds are interleaved and the
median of each is printed, with its ratio. Uses a database of its own beside the configured one.
"""

import gc
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from uuid import uuid4

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "jobtracker.settings")

import django

django.setup()

import psycopg
from django.db import connection, transaction

from imports.readers import Record, inspect, read
from jobtracker.catalogue.models import CatalogueSource, Supplier
from jobtracker.catalogue.normalise import normalise_record
from jobtracker.catalogue.statements import BATCH
from jobtracker.catalogue.write import Row, Writer

ROUNDS = 3
WORDS = [
    "oak",
    "tile",
    "matt",
    "porcelain",
    "floor",
    "wall",
    "stone",
    "grey",
    "rustic",
    "outdoor",
    "glazed",
    "rectified",
    "collection",
    "natural",
    "slip",
    "resistant",
    "frost",
    "proof",
    "interior",
    "surface",
]
TARGETS = {
    "code": "key",
    "name": "name",
    "brand": "brand",
    "category": "category",
    "sku": "sku",
    "ean": "ean",
    "size": "size",
    "finish": "finish",
    "colour": "colour",
    "price": "price",
    "currency": "currency",
    "unit": "unit",
    "stock": "stock",
    "description": "description",
    "image": "images",
    "weight": "weight",
    "pack": "attribute.pack",
    "origin": "attribute.origin",
    "series": "attribute.series",
    "wear": "attribute.wear",
    "slip": "attribute.slip",
}


def product(number: int, price: str) -> dict[str, str]:
    """A made product; everything but the price depends on its number alone."""
    pick = random.Random(number)
    digits = f"520{number:09d}"
    check = -sum(int(d) * (3 if i % 2 else 1) for i, d in enumerate(digits)) % 10
    text = " ".join(pick.choice(WORDS) for _ in range(150))
    return {
        "code": str(100000 + number),
        "name": f"{pick.choice(WORDS)} {pick.choice(WORDS)} {number}",
        "brand": pick.choice(WORDS),
        "category": f"Floors > Tiles > {pick.choice(WORDS)}",
        "sku": f"SK-{number:06d}/A",
        "ean": f"{digits}{check}",
        "size": "60x60 cm",
        "finish": "matt",
        "colour": pick.choice(WORDS),
        "price": price,
        "currency": "EUR",
        "unit": "m2",
        "stock": str(pick.randrange(500)),
        "description": f"<![CDATA[{text}]]>",
        "image": f"https://img.example/p/{number}/a.jpg",
        "weight": "22.5",
        "pack": "1.44",
        "origin": "ES",
        "series": pick.choice(WORDS),
        "wear": "4",
        "slip": "R10",
    }


def feed(path: Path, rows: int, changed: int) -> Path:
    """An XML feed in which `changed` of ten prices differ from the feed with 0."""
    with path.open("w", encoding="utf-8") as file:
        file.write("<?xml version='1.0' encoding='UTF-8'?>\n<products>\n")
        for number in range(rows):
            cents = 60 if number % 10 < changed else 50
            fields = product(number, f"{number % 90 + 1}.{cents}")
            body = "\n".join(f"  <{name}>{text}</{name}>" for name, text in fields.items())
            file.write(f"<product>\n{body.replace('Floors > Tiles >', 'Floors &gt; Tiles &gt;')}\n")
            file.write("</product>\n")
        file.write("</products>\n")
    return path


def batches(path: Path) -> Iterator[list[Record]]:
    records = read(path, inspect(path).source)
    while batch := list(islice(records, BATCH)):
        yield batch


def copy_raw(path: Path) -> None:
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE raw_records")
    for batch in batches(path):
        with transaction.atomic(), psycopg.Cursor(connection.connection) as cursor:
            with cursor.copy("COPY raw_records FROM STDIN") as copy:
                for record in batch:
                    copy.write_row((record.number, record.raw))


def import_into(source: CatalogueSource, path: Path) -> None:
    writer = Writer(uuid4(), source, "import_rows")
    for batch in batches(path):
        rows = []
        for record in batch:
            fields = record.fields
            found = normalise_record({TARGETS[name]: text for name, text in fields.items()})
            place = {"line": record.line}
            rows.append(
                Row(
                    record.number, record.line, found.key, found.vals,
                    found.provenance | {"row": place},
                )
            )  # fmt: skip
        with transaction.atomic():
            writer.stage(rows)
            writer.apply()


def measured(work: Callable[[], None]) -> tuple[float, float, float]:
    """CPU seconds here, CPU seconds of the session, and seconds by the clock."""
    pid = connection.connection.info.backend_pid
    started = time.process_time(), session_cpu(pid), time.perf_counter()
    work()
    ended = time.process_time(), session_cpu(pid), time.perf_counter()
    return tuple(end - start for start, end in zip(started, ended, strict=True))


def session_cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main(rows: int) -> None:
    connection.creation.create_test_db(verbosity=0, autoclobber=True)
    try:
        with tempfile.TemporaryDirectory() as folder:
            compare(rows, Path(folder))
    finally:
        connection.creation.destroy_test_db("", verbosity=0)


def compare(rows: int, folder: Path) -> None:
    # As in an attempt's process: what the imports left behind is not traversed again and again.
    gc.freeze()
    first, third = feed(folder / "first.xml", rows, 0), feed(folder / "third.xml", rows, 3)
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE raw_records (number int PRIMARY KEY, record text)")
    results: dict[str, list[tuple[float, float, float]]] = {}
    for number in range(ROUNDS):
        supplier = Supplier.objects.create(name=f"Supplier {number}")
        source = CatalogueSource.objects.create(supplier=supplier, kind="feed", name="feed")
        for name, work in {
            "reader and COPY": lambda: copy_raw(first),
            "create": lambda source=source: import_into(source, first),
            "unchanged": lambda source=source: import_into(source, first),
            "30 % changed": lambda source=source: import_into(source, third),
        }.items():
            results.setdefault(name, []).append(measured(work))
    size = first.stat().st_size
    print(f"{rows:,} products, {size / 1e6:.0f} MB; CPU seconds per 100,000")
    base = statistics.median(client + server for client, server, _ in results["reader and COPY"])
    for name, rounds in results.items():
        client, server, wall = (statistics.median(column) for column in zip(*rounds, strict=True))
        cpu = statistics.median(client + server for client, server, _ in rounds)
        scale = 100_000 / rows
        print(
            f"{name:16} client {client * scale:5.1f}  server {server * scale:5.1f}"
            f"  sum {cpu * scale:5.1f}  ratio {cpu / base:4.2f}  {rows / wall:7,.0f} rows/s"
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 30_000)
