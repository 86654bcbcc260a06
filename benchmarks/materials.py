"""The pages of the catalogue, and the undo of a job: python benchmarks/materials.py [--number N]

Fills a new database with N materials (100,000) of 30 suppliers through the one write path. Then,
in turns, whole answers of the list (session, rows, facets, counts, HTML) for several addresses,
beside what search would cost without its index: one sequential scan for a text in name, SKU and
brand, for the same 50 rows and no page around them. Prints medians of the rounds in ms, and the CPU
of the page and its database session, which other work on the machine does not lengthen. At last a
job of some thousand rows, half of them new, is taken back, rows/s.
"""

import argparse
import time
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

from django.core.management import call_command
from django.db import connection, transaction
from django.http import QueryDict
from django.test import Client
from django.utils import timezone
from harness import Figure, cpu_of, database, median, record, show

from jobtracker.catalogue import undo
from jobtracker.catalogue.filters import Filter
from jobtracker.catalogue.models import CatalogueSource, Kind, Material, Supplier
from jobtracker.catalogue.pages import listing
from jobtracker.catalogue.statements import BATCH
from jobtracker.catalogue.write import Row, Writer
from jobtracker.models import BackgroundJob, User
from jobtracker.states import JobType

SUPPLIERS = 30
ROUNDS = 15
GOAL = 300  # ms
COLOURS = ("grey", "white", "anthracite", "sand", "oak", "walnut", "sage", "terracotta", "black")
FINISHES = ("matt", "gloss", "satin", "brushed", "polished")
WORDS = ("Slate", "Chalk", "Ochre", "Arona", "Brisa", "Calma", "Dune", "Ember", "Fjord", "Granite")
KINDS = ("Tile", "Plank", "Fabric", "Panel", "Stone")
TEXT = "A hard-wearing surface for floors and walls. " * 12
ROWS = "benchmark_rows"
PAGES = {
    "the list": "",
    "a word": "?q=arona",
    "two words": "?q=slate+plank",
    "a rare word": "?q=limited",
    "an exact SKU": "?q=sku4242",
    "a supplier": "?supplier=Supplier+7",
    "a colour and a finish": "?colour=sage&finish=matt",
    "a category and a word": "?category=Floors&q=dune",
    "a size": "?size=600x300",
    "a word, and all else": "?q=ember&supplier=Supplier+3&colour=oak&kind=feed",
    "nothing": "?q=nothing+like+it",
}
SCAN = """
SELECT id, name, sku, brand FROM materials
WHERE name ILIKE %(text)s OR sku ILIKE %(text)s OR brand ILIKE %(text)s ORDER BY id DESC LIMIT 50
"""


def rows(start: int, number: int, price: str = "10") -> Iterator[Row]:
    """Products with what a usual feed says of them."""
    for n in range(start, start + number):
        sku = f"SKU-{n}"
        name = f"{WORDS[n % 10]} {KINDS[n // 10 % 5]} {n % 997}"
        values: dict[str, Any] = {
            "name": f"{name} limited" if n % 5000 == 0 else name,
            "sku": {"raw": sku, "fold": f"SKU{n}"},
            "brand": f"Brand {n % 40}",
            "category": ["Floors" if n % 3 else "Walls", KINDS[n // 10 % 5]],
            "size": {"text": "60x30 cm", "w": str(300 + n % 4 * 300), "h": "300"},
            "finish": FINISHES[n % 5],
            "colour": COLOURS[n % 9],
            "price": {"amount": f"{price}.{n % 90 + 10}", "currency": "EUR", "unit": "m2"},
            "stock": str(n % 400),
            "description": TEXT,
            "images": [f"https://pictures.example/{n}.jpg"],
            "attributes": {"Slip": f"R{n % 4 + 9}", "Box": str(n % 20)},
        }
        yield Row(n, n + 1, sku, values, {"row": {"line": n + 1}})


def write(job: Any, source: CatalogueSource, start: int, number: int, price: str = "10") -> None:
    writer = Writer(job, source, ROWS)
    for first in range(start, start + number, BATCH):
        with transaction.atomic():
            writer.stage(list(rows(first, min(BATCH, start + number - first), price)))
            writer.apply()


def fill(number: int) -> list[CatalogueSource]:
    """Make the materials; returns the suppliers' feeds."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"CREATE TABLE {ROWS} (job_id uuid, number int, line int, key text, outcome char(1),"
            " material_id bigint, detail jsonb)"
        )
    feeds = []
    for n in range(SUPPLIERS):
        supplier = Supplier.objects.create(name=f"Supplier {n}")
        feeds.append(CatalogueSource.objects.create(supplier=supplier, kind=Kind.FEED, name="feed"))
        write(uuid4(), feeds[-1], n * number // SUPPLIERS, number // SUPPLIERS)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE materials, material_sources")
        cursor.execute("RESET ALL")  # as a session of the web process
    return feeds


def signed_in() -> Client:
    client = Client(headers={"host": "127.0.0.1:8000"})
    client.force_login(User.objects.create_superuser("admin"))
    return client


def pages(number: int) -> None:
    client = signed_in()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        backend = cursor.fetchone()[0]
    spent = dict.fromkeys([*PAGES, "scan"], 0.0)

    def cpu() -> float:
        return 1000 * (time.process_time() + cpu_of(backend)) / ROUNDS

    took: dict[str, list[float]] = {name: [] for name in [*PAGES, "scan"]}
    wanted = {name: Filter.from_query(QueryDict(query[1:])) for name, query in PAGES.items()}
    found = {name: listing.facets(each)[0] for name, each in wanted.items()}

    def ask(name: str) -> None:
        if name in PAGES:
            assert client.get(f"/admin/materials{PAGES[name]}").status_code == 200
            return
        with connection.cursor() as cursor:
            cursor.execute(SCAN, {"text": "%limited%"})
            cursor.fetchall()

    for name in took:  # to warm up
        ask(name)
    for _ in range(ROUNDS):
        for name, times in took.items():
            used, began = cpu(), time.perf_counter()
            ask(name)
            times.append(1000 * (time.perf_counter() - began))
            spent[name] += cpu() - used
    show(
        f"The list of {number:,} materials, ms; goal {GOAL}",
        ["", "matches", "median", "slowest", "CPU", "by the scan's"],
        [
            [
                name,
                f"{found[name]:,}" if name in found else "",
                f"{median(times):.0f}",
                f"{max(times):.0f}",
                f"{spent[name]:.0f}",
                f"{spent[name] / spent['scan']:.2f}",
            ]
            for name, times in took.items()
        ],
    )
    worst = max(PAGES, key=lambda name: spent[name])
    record(
        Figure(
            f"materials: dearest page ({worst}), CPU",
            f"{spent[worst]:.0f} ms",
            f"{spent['scan']:.0f} ms for a scan alone",
            spent[worst] / spent["scan"],
            f"at most {GOAL} ms",
        )
    )


def undoing(feed: CatalogueSource, number: int) -> None:
    job = BackgroundJob.objects.create(job_type=JobType.IMPORT, filename="feed.xml")
    write(job.pk, feed, 0, number // 2, price="11")
    write(job.pk, feed, 10_000_000, number // 2)
    now = timezone.now()
    BackgroundJob.objects.filter(pk=job.pk).update(
        status="completed", started_at=now, completed_at=now, progress=100
    )
    job.refresh_from_db()
    before = Material.objects.count()
    with connection.cursor() as cursor:
        cursor.execute("RESET ALL")
    began = time.perf_counter()
    reach = undo.begin(job, None)
    counted = time.perf_counter()
    undo.undo_some(job, seconds=float("inf"))
    done = time.perf_counter()
    assert Material.objects.count() == before - reach.created
    show(
        f"Undo of a job of {reach.total:,} rows, {reach.created:,} of them new",
        ["", "s", "rows/s"],
        [
            ["counting first", f"{counted - began:.1f}", ""],
            ["taking back", f"{done - counted:.1f}", f"{reach.total / (done - counted):,.0f}"],
        ],
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--number", type=int, default=100_000, help="how many materials")
    number = parser.parse_args().number
    call_command("collectstatic", interactive=False, verbosity=0)  # the pages name hashed files
    with database():
        began = time.perf_counter()
        feeds = fill(number)
        print(f"{number / (time.perf_counter() - began):,.0f} materials/s written")
        pages(number)
        undoing(feeds[0], min(number // SUPPLIERS * 2, 10_000))


if __name__ == "__main__":
    main()
