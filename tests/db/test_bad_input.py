"""Input that cannot be used: one sentence, exit code 2 and nothing created, or a failed job."""

import json

import pytest

from imports.models import ImportRow
from jobtracker.catalogue.models import Material, Supplier
from jobtracker.states import Status
from tests.fixtures.feeds import NOT_FEEDS, PROSE, TILES, external_entity

from .import_runs import imported, lines_of, manage, refused, xml_feed

pytestmark = pytest.mark.django_db


@pytest.fixture
def feed(tmp_path):
    return xml_feed(tmp_path / "tiles.xml")


def test_a_missing_file(tmp_path):
    said = refused(manage("import_feed", tmp_path / "gone.xml"))
    assert "There is no file" in said
    assert "gone.xml" in said


def test_an_empty_file(tmp_path):
    (tmp_path / "empty.xml").write_bytes(b"")
    said = refused(manage("import_feed", tmp_path / "empty.xml"))
    assert said == f"{tmp_path}/empty.xml: The file is empty."


@pytest.mark.parametrize("what", [*NOT_FEEDS, "prose"])
def test_a_file_that_is_no_feed(tmp_path, what):
    file = tmp_path / "feed.xml"
    file.write_bytes(NOT_FEEDS.get(what, PROSE))
    assert str(file) in refused(manage("import_feed", file))
    assert str(file) in refused(manage("suggest_mapping", file))
    assert not Supplier.objects.exists()


def test_a_glob_without_matches(tmp_path):
    assert "matches no file" in refused(manage("import_feed", tmp_path / "*.xml"))


def test_a_path_that_the_system_refuses_to_look_up(tmp_path):
    said = refused(manage("import_feed", tmp_path / ("x" * 300)))
    assert "cannot be opened: File name too long" in said
    assert "matches no file" in refused(manage("import_feed", tmp_path / ("[x]" * 100)))


def test_of_several_sources_with_a_bad_one_none_is_started(tmp_path, feed):
    (tmp_path / "z-empty.xml").write_bytes(b"")
    assert "z-empty.xml" in refused(manage("import_feed", tmp_path / "*.xml"))
    assert not Supplier.objects.exists()


def test_a_feed_that_is_cut_off_fails_with_line_and_column(tmp_path):
    file = tmp_path / "cut.xml"
    file.write_bytes(TILES[: TILES.rindex(b"</name>")])
    job = imported(file, "--supplier", "N", "--currency", "EUR")
    assert job.status == Status.FAILED
    assert job.error.startswith("The XML is cut off at line 10, column ")
    assert not Material.objects.exists()
    assert not ImportRow.objects.exists()
    waited = manage("jobs", "wait", job.pk)
    assert (waited.code, "cut off at line 10" in waited.out) == (1, True)


def test_an_external_entity_is_inert(tmp_path):
    secret = tmp_path / "secret.txt"
    secret.write_text("hidden words")
    file = tmp_path / "entity.xml"
    file.write_bytes(external_entity(secret, used="x"))
    job = imported(file, "--supplier", "N", "--currency", "EUR")
    assert job.status == Status.FAILED
    assert "hidden words" not in job.error + json.dumps(lines_of())


def test_a_table_in_cp1252_is_read(tmp_path):
    file = tmp_path / "stoffe.csv"
    rows = [f"ST-{n};Möbelstoff grün {n};{n},50;EUR" for n in range(1, 9)]
    file.write_bytes(
        "\r\n".join(["Artikelnummer;Bezeichnung;Preis;Währung", *rows]).encode("cp1252")
    )
    job = imported(file, "--supplier", "N")
    line = lines_of()["ST-3"]
    assert (job.status, line["name"], line["price"]) == ("completed", "Möbelstoff grün 3", "3.50")


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:9/feed.xml",
        "http://localhost/feed.xml",
        "http://169.254.169.254/latest/meta-data",
        "http://[::1]/feed.xml",
        "http://10.1.2.3/feed.xml",
        "ftp://supplier.example/feed.xml",
        "file:///etc/hostname",
    ],
)
def test_an_address_inside_is_refused(url):
    assert "was refused" in refused(manage("import_feed", url))
    assert "was refused" in refused(manage("suggest_mapping", url))
    assert "was refused" in refused(manage("import_feed", url, "--dry-run"))


@pytest.mark.parametrize(
    "options",
    [
        ["--bogus"],
        ["--type", "pdf"],
        ["--priority", "urgent"],
        ["--timeout", "soon"],
        ["--currency", "GOLD"],
        ["--encoding", "klingon"],
        ["--delimiter", ";"],
        ["--record", "nothing/here"],
        ["--supplier", "x" * 201],
        ["--mapping", "gone.json"],
    ],
    ids=lambda options: options[0],
)
def test_a_wrong_option(feed, options):
    said = refused(manage("import_feed", feed, *options))
    assert options[-1][:20] in said or "supplier" in said or "delimiter" in said


def test_no_source_at_all():
    assert "SOURCE" in refused(manage("import_feed"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "is not JSON: "),
        ("[]", "uses no field"),
        ("17", "a list"),
        ("[" * 100_000, "nested too deeply"),
        ('[{"source": "sku", "target": "colr"}]', 'the unknown target "colr"'),
        ('[{"source": "skuu", "target": "sku"}]', 'The feed has no field "skuu"'),
        ('[{"source": "sku", "target": "sku", "transform": "x"}]', "no way to read sku"),
        ('[{"source": "sku", "target": "sku"}, {"source": "name", "target": "sku"}]', "Two fields"),
        ('{"fields": [{"source": "sku", "target": "sku"}], "defaults": {"currency": "X"}}', "ISO"),
    ],
)
def test_a_mapping_that_cannot_be_obeyed(tmp_path, feed, text, said):
    file = tmp_path / "mapping.json"
    file.write_text(text)
    assert said in refused(manage("import_feed", feed, "--mapping", file))
    assert said in refused(manage("import_feed", feed, "--mapping", file, "--dry-run"))


def test_a_mapping_that_is_no_text(tmp_path, feed):
    file = tmp_path / "mapping.json"
    file.write_bytes(b"\xff\xfe\x00")
    assert str(file) in refused(manage("import_feed", feed, "--mapping", file))


@pytest.mark.parametrize("act", ["show", "wait", "cancel", "retry", "answer"])
@pytest.mark.parametrize("job", ["nonsense", "01a20e1b-1b34-7448-8568-2398570d41be"])
def test_a_job_that_does_not_exist(act, job):
    assert job in refused(manage("jobs", act, job))


@pytest.mark.parametrize(
    "arguments",
    [[], ["vanish"], ["list", "--limit", "-1"], ["list", "--status", "odd"], ["pause", "odd"]],
)
def test_wrong_use_of_jobs(arguments):
    assert refused(manage("jobs", *arguments))
