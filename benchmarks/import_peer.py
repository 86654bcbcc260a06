"""An import beside django-import-export: python benchmarks/import_peer.py [--rows N] [--rounds N]

The same products, all new and then with each price and stock changed, by our import and by
django-import-export with its default and its cached loader. CPU is that of this process and of its
database session together. Ours reads the feed from a file, theirs is handed its data set in memory.
Rounds are interleaved.
"""

import argparse
import tempfile
from functools import partial
from pathlib import Path

import harness
from django.db import connection, models
from harness import Figure, record, show
from import_export import resources
from import_export.instance_loaders import CachedInstanceLoader
from import_jobs import HEADS, Cost, MeasuredPipeline, cpu, line, measured, run_job
from tablib import Dataset

from jobtracker import pipelines
from jobtracker.catalogue.models import Supplier
from samples.make_samples import FEED_FIELDS, feed_rows, write_feed

GOALS = {"create": 2.0, "update": 30.0}


class ProductRow(models.Model):
    """Where django-import-export writes: the columns of a material, and a key to find it by."""

    key = models.CharField(max_length=100, unique=True)
    sku = models.CharField(max_length=100)
    ean = models.CharField(max_length=20)
    name = models.CharField(max_length=300)
    brand = models.CharField(max_length=100)
    category = models.CharField(max_length=200)
    size = models.CharField(max_length=100)
    thickness = models.CharField(max_length=50)
    colour = models.CharField(max_length=50)
    finish = models.CharField(max_length=50)
    price = models.DecimalField(max_digits=12, decimal_places=2)
    currency = models.CharField(max_length=3)
    unit = models.CharField(max_length=20)
    stock = models.IntegerField()
    description = models.TextField()
    link = models.TextField()
    image = models.TextField()

    class Meta:
        app_label = "imports"
        db_table = "bench_products"


class ProductResource(resources.ModelResource):
    """As its documentation shows it: one save a row, found by the key."""

    class Meta:
        model = ProductRow
        import_id_fields = ("key",)
        exclude = ("id",)
        use_transactions = True


class CachedResource(ProductResource):
    """The same with its cached loader, which finds all rows with one query."""

    class Meta(ProductResource.Meta):
        instance_loader_class = CachedInstanceLoader


PEERS = {"default loader": ProductResource, "cached loader": CachedResource}


def made(products: int, changed_share: float) -> Dataset:
    return Dataset(*feed_rows(products, 1, changed_share), headers=["key", *FEED_FIELDS[1:]])


def peer_import(resource: type[ProductResource], data: Dataset) -> None:
    done = resource().import_data(data, raise_errors=True)
    assert done.total_rows == len(data)


def against_import_export(rows: int, rounds: int, folder: Path) -> None:
    """Both import the same products, all new and then with each price and stock changed."""
    first = write_feed(folder / "peer.xml", rows)
    (folder / "changed").mkdir()
    changed = write_feed(folder / "changed" / "peer.xml", rows, changed_share=1.0)
    with connection.schema_editor() as editor:
        editor.create_model(ProductRow)
    pipeline = MeasuredPipeline()
    pipelines.register(pipeline)
    ours: dict[str, list[dict[str, Cost]]] = {"create": [], "update": []}
    theirs: dict[tuple[str, str], list[Cost]] = {}
    for number in range(rounds):
        for kind, feed in (("create", first), ("update", changed)):
            ours[kind].append(run_job(pipeline, feed, f"Peer {number}"))
        for name, resource in PEERS.items():
            ProductRow.objects.all().delete()
            for kind, share in (("create", 0.0), ("update", 1.0)):
                work = partial(peer_import, resource, made(rows, share))
                theirs.setdefault((name, kind), []).append(measured(work))
    table = []
    for kind in ours:
        stages = [costs["rows_imported"] for costs in ours[kind]]
        wholes = [costs["whole"] for costs in ours[kind]]
        unit = cpu(stages, rows)
        table.append(line(f"{kind}: rows_imported", stages, rows, unit))
        table.append(line(f"{kind}: whole job", wholes, rows, unit))
        for name in PEERS:
            label = f"{kind}: django-import-export, {name}"
            table.append(line(label, theirs[name, kind], rows, unit))
        table[-1][5] = f"{GOALS[kind]:g}"
        peer = cpu(theirs["cached loader", kind], rows)
        record(
            Figure(
                f"import, {kind}: CPU s per 100,000 rows; django-import-export, cached",
                f"{unit:.1f}",
                f"{peer:.1f}",
                peer / unit,
                f"{GOALS[kind]:g} at least",
            )
        )
    show(
        f"Beside django-import-export, {rows:,} products, medians of {rounds} rounds;"
        " CPU seconds per 100,000 rows",
        HEADS,
        table,
    )


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--rows", type=int, default=1_000)
    options.add_argument("--rounds", type=int, default=3)
    given = options.parse_args()
    with harness.database(), tempfile.TemporaryDirectory() as folder:
        Supplier.objects.count()  # opens the session
        against_import_export(given.rows, given.rounds, Path(folder))


if __name__ == "__main__":
    main()
