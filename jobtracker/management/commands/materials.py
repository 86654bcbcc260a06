"""`manage.py materials`: the catalogue from the command line."""

import json
import sys
from contextlib import nullcontext
from itertools import chain
from math import inf
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management.base import CommandParser
from django.db.models import QuerySet

from jobtracker import pipelines
from jobtracker.catalogue import export, undo
from jobtracker.catalogue.filters import Filter
from jobtracker.catalogue.models import Material, Supplier
from jobtracker.management.options import (
    OneSentenceParser,
    Refused,
    TrackerCommand,
    add_json_option,
)
from jobtracker.models import BackgroundJob
from jobtracker.monitor.words import counted


class Command(TrackerCommand):
    help = "Read the catalogue, and take jobs back."

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(
            dest="action", required=True, parser_class=OneSentenceParser
        )
        exporting = actions.add_parser("export", help="Print materials with their provenance.")
        exporting.add_argument("--job", metavar="ID", help="only what this job made or found")
        exporting.add_argument("--supplier", metavar="NAME", help="only this supplier's")
        exporting.add_argument("--format", choices=export.FORMATS, required=True)
        exporting.add_argument("--output", metavar="FILE", type=Path, help="else standard output")
        undoing = actions.add_parser("undo", help="Take back what a job wrote.")
        undoing.add_argument("--job", metavar="ID", required=True)
        undoing.add_argument("--reason", default="", help="kept in the audit log")
        add_json_option(undoing)
        searching = actions.add_parser("search", help="Find materials by name, brand, SKU or EAN.")
        searching.add_argument("text", metavar="TEXT")
        searching.add_argument("--supplier", metavar="NAME", help="only this supplier's")
        searching.add_argument("--limit", type=int, default=50, metavar="N", help="at most so many")
        add_json_option(searching)

    def run(self, **options: Any) -> None:
        {"export": _export, "undo": _undo, "search": _search}[options["action"]](options)


def _export(options: dict[str, Any]) -> None:
    supplier = _supplier(options["supplier"]) if options["supplier"] else None
    materials = _materials_of(options["job"]) if options["job"] else None
    pieces = export.FORMATS[options["format"]](export.lines(supplier, materials))
    output: Path | None = options["output"]
    try:
        target = (
            output.open("w", encoding="utf-8", newline="") if output else nullcontext(sys.stdout)
        )
    except OSError as error:
        raise Refused(f"Cannot write {output}: {error.strerror}.") from None
    with target as stream:
        stream.writelines(pieces)
        stream.flush()


def _undo(options: dict[str, Any]) -> None:
    job = _job(options["job"])
    if why := undo.refusal(job):
        raise Refused(f"Job {job.pk} cannot be undone. {why}")
    before = undo.begin(job, None, options["reason"])
    undo.undo_some(job, seconds=inf)
    if options["json"]:
        print(json.dumps({"job": str(job.pk), **vars(before)}))
    else:
        print(
            f"Taken back: {counted(before.total, 'products')}, of which {before.created:,} went,"
            f" {before.updated:,} got their former values and {before.unchanged:,} stay as they"
            f" were; {before.later:,} changed since and stay."
        )


def _search(options: dict[str, Any]) -> None:
    wanted = Filter(q=options["text"].strip(), supplier=options["supplier"] or "")
    if not wanted.q:
        raise Refused("Say what to search for.")
    if wanted.supplier:
        _supplier(wanted.supplier)
    limit = max(options["limit"], 1)
    exact = wanted.exact[:limit]
    others = wanted.rows().exclude(pk__in=wanted.exact).order_by("-pk").values_list("pk", flat=True)
    parts = (exact, list(others[: limit - len(exact)]) if limit > len(exact) else [])
    found = chain.from_iterable(
        export.lines(materials=Material.objects.filter(pk__in=ids).values("pk")) for ids in parts
    )
    if options["json"]:
        sys.stdout.writelines(export.to_json(found))
        return
    for line in found:
        price = " ".join(filter(None, (line["price"], line["currency"])))
        columns = (line["sku"], line["name"], line["brand"], line["supplier"], price)
        print("\t".join(part or "-" for part in columns))


def _supplier(name: str) -> Supplier:
    try:
        return Supplier.objects.get(name=name)
    except Supplier.DoesNotExist:
        raise Refused(f"There is no supplier named {name!r}.") from None


def _job(job_id: str) -> BackgroundJob:
    try:
        return BackgroundJob.objects.get(pk=UUID(job_id))
    except (BackgroundJob.DoesNotExist, ValueError):
        raise Refused(f"There is no job {job_id}.") from None


def _materials_of(job_id: str) -> QuerySet:
    job = _job(job_id)
    return pipelines.get(job.job_type).materials(job.pk)
