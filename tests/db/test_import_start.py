"""Starting imports: from files, globs and addresses, once each; and asking without writing."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from django.core.files.storage import storages

from imports.models import DataImportJob, ImportRow
from jobtracker.catalogue.models import CatalogueSource, Material, Supplier
from jobtracker.models import BackgroundJob
from jobtracker.states import Priority, Status

from .import_runs import PRODUCTS, imported, lines_of, manage, without_currency, xml_feed

pytestmark = pytest.mark.django_db


@pytest.fixture
def feed(tmp_path):
    return xml_feed(tmp_path / "tiles.xml")


@pytest.fixture(autouse=True)
def _own_sources(monkeypatch, tmp_path):
    """Tests of other processes store files meanwhile."""
    monkeypatch.setitem(vars(storages["sources"]), "location", str(tmp_path / "sources"))


def stored() -> int:
    folder = storages["sources"].location
    return len(os.listdir(folder)) if os.path.isdir(folder) else 0  # noqa: PTH112, PTH208


def test_it_says_what_it_started(feed):
    started = manage("import_feed", feed, "--priority", "high")
    job = BackgroundJob.objects.get()
    assert (started.code, str(job.pk) in started.out) == (0, True)
    assert (job.status, job.priority, job.supplier.name) == ("pending", Priority.HIGH, "tiles")


def test_a_glob_and_several_files_are_a_job_each(tmp_path, feed):
    xml_feed(tmp_path / "more.xml", PRODUCTS[:1])
    other = xml_feed(tmp_path / "last.feed", PRODUCTS[:2])
    started = manage("import_feed", tmp_path / "*.xml", other, "--supplier", "N", "--json")
    names = [each["filename"] for each in started.json]
    assert (started.code, names) == (0, ["more.xml", "tiles.xml", "last.feed"])


def test_the_same_file_twice_is_one_job_and_kept_once(feed):
    before = stored()
    first = manage("import_feed", feed, "--supplier", "N", "--json").json
    again = manage("import_feed", feed, feed, "--supplier", "N", "--json")
    assert (again.json["id"], "being imported already" in again.err) == (first["id"], True)
    assert stored() == before + 1


def test_long_addresses_that_begin_alike_are_a_job_each(settings):
    settings.OUTBOUND_ALLOW = frozenset({("127.0.0.1", 9)})
    address = "http://127.0.0.1:9/" + "folder/" * 40
    started = manage("import_feed", f"{address}a.xml", f"{address}b.xml", "--supplier", "N")
    assert (started.code, BackgroundJob.objects.count()) == (0, 2)


def test_what_is_refused_leaves_no_file_behind(tmp_path, feed):
    before = stored()
    (tmp_path / "empty.xml").write_bytes(b"")
    assert manage("import_feed", feed, tmp_path / "empty.xml").code == 2
    assert stored() == before


def test_all_that_are_refused_are_named_and_none_is_started(tmp_path, feed):
    before = stored()
    names = ["empty.xml", "cut.csv", "none.xml"]
    empty, cut, missing = (tmp_path / name for name in names)
    empty.write_bytes(b"")
    cut.write_bytes(b"\x00\x01\x02" * 50)
    refused = manage("import_feed", empty, feed, cut, missing)
    said = refused.err.splitlines()
    assert [name in line for name, line in zip(names, said, strict=True)] == [True] * 3
    assert (refused.code, BackgroundJob.objects.count(), stored()) == (2, 0, before)


def test_what_is_stated_is_obeyed(tmp_path):
    file = tmp_path / "odd.txt"
    rows = ["code^title^price", "A1^Prüfstein^1.50", "A2^Königsblau^2.50"]
    file.write_bytes("\n".join(rows).encode("cp437"))
    options = ["--encoding", "cp437", "--delimiter", "^", "--type", "csv", "--currency", "eur"]
    job = imported(file, "--supplier", "N", *options)
    line = lines_of()["A1"]
    assert (job.status, line["name"], line["currency"]) == ("completed", "Prüfstein", "EUR")
    assert DataImportJob.objects.get(background_job=job).encoding == "cp437"


def test_the_record_is_the_one_stated(tmp_path):
    file = tmp_path / "two.xml"
    part = "".join(f"<part><sku>P{n}</sku><name>Part {n}</name></part>" for n in (1, 2))
    items = [f"<item><sku>I{n}</sku><name>Item {n}</name>{part}</item>" for n in (1, 2, 3)]
    file.write_text(f"<all>{''.join(items)}</all>")
    assert manage("suggest_mapping", file, "--record", "all/item").json["count"] == 3
    assert manage("suggest_mapping", file, "--record", "all/item/part").json["count"] == 6
    job = imported(file, "--supplier", "N", "--record", "all/item/part")
    assert DataImportJob.objects.get(background_job=job).record_path == "all/item/part"


# --- looking without writing ---


def everything() -> list[int]:
    models = (BackgroundJob, Supplier, CatalogueSource, Material, ImportRow)
    return [model.objects.count() for model in models] + [stored()]


def test_a_suggestion_names_all_that_an_import_would_ask(tmp_path):
    file = tmp_path / "plain.csv"
    file.write_text("".join(f"NL-{n};Tile number {n};{n}.50\n" for n in range(1, 20)))
    asked = manage("suggest_mapping", file).json["questions"]
    assert [each["target"] for each in asked] == ["key", "name", "price", "currency"]
    job = imported(file, "--supplier", "N")
    assert job.question["questions"] == asked


def test_a_dry_run_writes_nothing(tmp_path, feed):
    imported(feed, "--supplier", "N")
    changed = [PRODUCTS[0] | {"price": "1.00 EUR"}, PRODUCTS[1], {"sku": "NL-9", "name": "New"}]
    bad = {"sku": "NL-8", "name": "Bad", "price": "abc"}
    xml_feed(feed, [*changed, bad])
    before = everything()
    said = manage("import_feed", feed, "--supplier", "N", "--dry-run")
    dry = manage("import_feed", feed, "--supplier", "N", "--dry-run", "--json").json
    assert everything() == before
    assert "would create 1, update 1, leave 1 unchanged, fail 1, skip 0 of 4 rows" in said.out
    assert dry["problems"][0]["raw"] == "abc"
    change = next(each for each in dry["changes"] if each["old"])
    assert (change["key"], change["old"]["price"], change["new"]["price"]) == (
        "NL-1",
        "24.50",
        "1.00",
    )
    job = imported(feed, "--supplier", "N")
    assert [job.result["created"], job.result["updated"], job.result["unchanged"]] == [1, 1, 1]
    assert job.failed_items == 1


def test_a_dry_run_asks_what_a_run_would_ask(tmp_path):
    feed = xml_feed(tmp_path / "t.xml", without_currency())
    dry = manage("import_feed", feed, "--dry-run")
    assert (dry.code, "name no currency" in dry.err) == (3, True)
    assert not Supplier.objects.exists()


def test_a_dry_run_in_which_all_rows_fail_says_so_by_its_code(tmp_path):
    feed = tmp_path / "t.csv"
    feed.write_text("sku,name,price\nA1,Slate,abc\nA2,Chalk,def\n")
    assert manage("import_feed", feed, "--dry-run").code == 1


def test_a_suggestion_has_the_promised_shape_and_writes_nothing(feed):
    before = everything()
    found = manage("suggest_mapping", feed).json
    assert {"record_path", "count", "encoding", "dialect", "candidates", "fields"} <= set(found)
    assert (found["record_path"], found["count"]) == ("catalog/product", 3)
    field = ["source", "target", "confidence", "reason", "samples", "coverage", "transform"]
    assert all(set(field) <= set(each) for each in found["fields"])
    assert isinstance(found["defaults"], dict)
    assert everything() == before


# --- addresses ---


class Supplies(BaseHTTPRequestHandler):
    """Serves one feed with an etag."""

    content = b""
    asked: list[str | None] = []

    def do_GET(self) -> None:
        self.asked.append(self.headers["If-None-Match"])
        same = self.headers["If-None-Match"] == '"one"'
        self.send_response(304 if same else 200)
        self.send_header("ETag", '"one"')
        self.end_headers()
        if not same:
            self.wfile.write(self.content)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def address(feed, settings) -> Iterator[str]:
    Supplies.content = feed.read_bytes()
    Supplies.asked = []
    with ThreadingHTTPServer(("127.0.0.1", 0), Supplies) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        port = server.server_port
        settings.OUTBOUND_ALLOW = frozenset({("127.0.0.1", port)})
        yield f"http://127.0.0.1:{port}/feeds/tiles.xml"
        server.shutdown()
        thread.join()


def test_an_address_that_has_not_changed_is_completed_at_once(address):
    first = imported(address, "--supplier", "N")
    again = imported(address, "--supplier", "N")
    assert (first.filename, first.result["created"]) == ("tiles.xml", 3)
    assert (again.status, again.total_items) == (Status.COMPLETED, 0)
    shown = manage("jobs", "show", again.pk, "--json").json
    assert shown["note"] == "The source has not changed since the last import."
    assert [each["status"] for each in shown["stages"]] == ["empty"] * 5
    assert Supplies.asked == [None, '"one"']


def test_an_unchanged_address_is_imported_when_it_is_asked_for_otherwise(address, tmp_path):
    imported(address, "--supplier", "N")
    mapping = tmp_path / "m.json"
    fields = {"sku": "sku", "name": "name", "price": "price", "colour": "finish"}
    mapping.write_text(json.dumps([{"source": s, "target": t} for s, t in fields.items()]))
    job = imported(address, "--supplier", "N", "--mapping", mapping)
    assert (job.result["updated"], lines_of()["NL-1"]["finish"]) == (3, "grey")


def test_a_mapping_that_does_not_fit_what_an_address_gives_fails_the_job(address, tmp_path):
    mapping = tmp_path / "m.json"
    mapping.write_text('[{"source": "skuu", "target": "sku"}]')
    job = imported(address, "--supplier", "N", "--mapping", mapping)
    assert (job.status, job.attempts.count()) == (Status.FAILED, 1)
    assert 'The feed has no field "skuu"' in job.error


def test_an_address_can_be_looked_at_without_writing(address):
    before = everything()
    assert manage("suggest_mapping", address).json["count"] == 3
    assert manage("import_feed", address, "--dry-run", "--json").json["created"] == 3
    assert everything() == before


def test_an_address_that_answers_404_fails_the_job(address, monkeypatch):
    monkeypatch.setattr(Supplies, "do_GET", lambda self: self.send_error(404))
    job = imported(address, "--supplier", "N")
    assert (job.status, "404" in job.error) == (Status.FAILED, True)


# --- a reader that has seen enough ---


def test_a_closed_pipe_is_no_error():
    code = (
        "import sys; from jobtracker.management.options import TrackerCommand\n"
        "class Command(TrackerCommand):\n"
        "    def run(self, **_):\n"
        "        [print('x' * 80) for _ in range(10_000)]\n"
        "Command().execute()"
    )
    ended = subprocess.run(
        f"{sys.executable} -c \"$CODE\" | head -1; exit ${{PIPESTATUS[0]}}",
        shell=True,
        executable="/bin/bash",
        env=os.environ | {"CODE": f"import django; django.setup()\n{code}",
                          "DJANGO_SETTINGS_MODULE": "tests.settings"},
        capture_output=True,
        text=True,
    )  # fmt: skip
    assert (ended.returncode, ended.stderr, len(ended.stdout)) == (0, "", 81)
