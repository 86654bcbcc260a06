"""The source page: how a feed was read and why so, and the same bytes read otherwise."""

import zipfile

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from imports import stored_source
from imports.models import DataImportJob
from jobtracker import uploads
from jobtracker.models import AuditEntry, BackgroundJob, JobCheckpoint
from jobtracker.states import Status, Waiting
from tests.fixtures.feeds import workbook

from .import_runs import PRODUCTS, imported, lines_of, manage, without_currency, work_off, xml_feed
from .jobs import claim, make_job
from .pages import act, signed_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator(client):
    return signed_in(client, "Operators")


def run_of(path, *options: str) -> DataImportJob:
    job = imported(path, "--supplier", "Northlight", *options)
    return DataImportJob.objects.get(background_job=job)


def url(found: DataImportJob) -> str:
    return f"/admin/data-import/{found.pk}/source"


@pytest.fixture
def greek(tmp_path) -> DataImportJob:
    """A table in windows-1253, which was read as windows-1252."""
    path = tmp_path / "tiles.csv"
    rows = ["sku;name;price", "A1;Πλακάκι λευκό;10,50 EUR", "A2;Πλακάκι γκρι;12,00 EUR"]
    path.write_bytes("\n".join([*rows, ""]).encode("cp1253"))
    return run_of(path, "--encoding", "cp1252")


def test_it_shows_type_encoding_dialect_and_the_first_records(operator, greek):
    read = operator.get(url(greek)).context["read"]
    assert (read.type, read.delimiter, read.quotes, read.header) == ("CSV", ";", '"', "line 1")
    assert (read.source.encoding, read.encoding_why) == ("cp1252", "as stated")
    assert read.columns == ["sku", "name", "price"]
    assert read.cells[0][0] == 2
    assert read.cells[0][1][1].startswith("Ðëáêáêé"[:3])


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("<c><p><sku>1</sku></p></c>", "all of it is valid UTF-8"),
        ('<?xml version="1.0" encoding="UTF-8"?><c><p><sku>1</sku></p></c>', "XML declaration"),
        ("\ufeff<c><p><sku>1</sku></p></c>", "by the mark at its start"),
    ],
)
def test_it_says_why_the_encoding_is_taken(operator, tmp_path, content, why):
    path = tmp_path / "tiles.xml"
    path.write_text(content.replace("</c>", "<p><sku>2</sku></p></c>"), encoding="utf-8")
    assert why in operator.get(url(run_of(path))).context["read"].encoding_why


def test_a_guessed_encoding_is_said_to_be_one(operator, tmp_path):
    path = tmp_path / "tiles.csv"
    path.write_bytes("sku;name\nA1;Fliese weiß groß\nA2;Fliese grün\n".encode("cp1252"))
    assert "guessed" in operator.get(url(run_of(path))).content.decode()


def test_where_the_encoding_is_guessed_records_show_it(operator, tmp_path):
    path = tmp_path / "tiles.csv"
    rows = [f"A{n};Tile" for n in range(20)]
    path.write_bytes("\n".join(["sku;name", *rows, "B1;Fliese weiß", ""]).encode("cp1252"))
    page = operator.get(url(run_of(path)))
    assert page.context["read"].cells == [(22, ["B1", "Fliese weiß"])]
    assert "The first records with accents" in page.content.decode()
    looked = act(operator, page.request["PATH_INFO"], encoding="windows-1252", look="1")
    assert "The encoding is guessed" not in looked.content.decode()


def test_an_upload_of_unknown_encoding_fails_where_the_encoding_can_be_said(operator):
    rows = "".join(f"A{n};Größe {n};1,50 EUR\n" for n in range(9)).encode()
    file = SimpleUploadedFile(
        "tiles.csv", b"sku;name;price\n" + rows + b"B1;Gr\xf6\xdfe;2,50 EUR\n"
    )
    act(operator, "/admin/data-import/start", feeds=file, supplier="Northlight")
    work_off()
    found = DataImportJob.objects.get()
    job = found.background_job
    assert job.status == Status.FAILED
    assert "byte 0xF6 at line 11" in job.error
    assert "Source takes its name" in job.error
    looked = act(operator, url(found), encoding="windows-1252", look="1").context["read"]
    assert looked.source.encoding == "windows-1252"
    assert looked.cells


def test_another_encoding_is_looked_at_first_and_starts_nothing(operator, greek):
    looked = act(operator, url(greek), encoding="windows-1253", look="1")
    assert looked.context["read"].cells[0][1][1] == "Πλακάκι λευκό"
    assert "Nothing is started yet" in looked.content.decode()
    assert BackgroundJob.objects.count() == 1


def test_read_again_is_an_import_of_its_own_that_shows_its_mapping(operator, greek):
    answered = act(operator, url(greek), encoding="windows-1253")
    again = DataImportJob.objects.latest("pk")
    assert answered.url == f"/admin/data-import/{again.pk}"
    assert (again.source_file, again.source_name) == (greek.source_file, "tiles.csv")
    work_off()
    job = BackgroundJob.objects.get(pk=again.background_job_id)
    assert (job.waiting_for, job.parent_id) == (Waiting.MAPPING, None)
    act(
        operator,
        f"/admin/data-import/{again.pk}/answer",
        **{"target-0": "sku", "target-1": "name", "target-2": "price"},
    )
    work_off()
    assert lines_of()["A1"]["name"] == "Πλακάκι λευκό"
    entry = AuditEntry.objects.get(action="read again")
    assert entry.subject_id == str(greek.background_job_id)
    assert entry.details == {"job": str(job.pk), "encoding": "windows-1253"}


def test_a_job_that_waits_is_cancelled_for_it(operator, tmp_path):
    found = run_of(xml_feed(tmp_path / "tiles.xml", without_currency()))
    assert "cancels this import" in operator.get(url(found)).content.decode()
    act(operator, url(found), record="catalog/product")
    first = BackgroundJob.objects.get(pk=found.background_job_id)
    assert (first.status, first.waiting_for) == (Status.CANCELLED, None)
    assert BackgroundJob.objects.filter(status="pending").count() == 1
    assert set(AuditEntry.objects.values_list("action", flat=True)) >= {"cancel", "read again"}


def test_a_mapping_that_is_kept_for_these_fields_is_shown_first(operator, greek):
    act(operator, url(greek), encoding="windows-1253")
    work_off()
    again = DataImportJob.objects.latest("pk")
    fields = {"target-0": "sku", "target-1": "finish", "target-2": "price", "remember": "1"}
    act(operator, f"/admin/data-import/{again.pk}/answer", **fields)
    work_off()
    act(operator, url(greek), encoding="iso-8859-7")
    work_off()
    job = BackgroundJob.objects.latest("pk")
    assert job.waiting_for == Waiting.MAPPING
    assert [each["target"] for each in job.question["mapping"]["fields"]][1] == "finish"


def test_a_job_that_runs_is_left_alone(operator, tmp_path):
    manage("import_feed", xml_feed(tmp_path / "tiles.xml"), "--supplier", "Northlight")
    claim()
    answered = act(operator, url(DataImportJob.objects.get()), encoding="utf-8")
    assert "Cancel it first" in answered.content.decode()
    assert BackgroundJob.objects.count() == 1
    assert not AuditEntry.objects.filter(action__in=["cancel", "read again"]).exists()


def test_bytes_that_another_job_imports_are_not_imported_twice(operator, greek):
    act(operator, url(greek), encoding="windows-1253")
    answered = act(operator, url(greek), encoding="windows-1253")
    assert "imports the same file just now" in answered.content.decode()
    assert BackgroundJob.objects.count() == 2


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("encoding", "windows-9999", "no text encoding called “windows-9999”"),
        ("encoding", "utf-8", "The file is not utf-8"),
        ("encoding", "base64", "no text encoding"),
        ("delimiter", "::", "more than one character"),
    ],
)
def test_a_wrong_value_is_said_at_its_field(operator, greek, field, value, said):
    answered = act(operator, url(greek), **{"delimiter": ";", field: value})
    assert answered.status_code == 400
    errors = answered.context["form"].errors
    assert list(errors) == [field]
    assert said.replace("“", '"').replace("”", '"') in str(errors[field][0]).replace(
        "“", '"'
    ).replace("”", '"')
    assert BackgroundJob.objects.count() == 1
    assert answered.context["read"].cells  # as it was read, all the same


def test_candidates_for_the_record_and_another_one(operator, tmp_path):
    path = tmp_path / "two.xml"
    part = "".join(f"<part><sku>P{n}</sku><name>Part {n}</name></part>" for n in (1, 2))
    items = [f"<item><sku>I{n}</sku><name>Item {n}</name>{part}</item>" for n in (1, 2, 3)]
    path.write_text(f"<all>{''.join(items)}</all>")
    found = run_of(path, "--record", "all/item")
    read = operator.get(url(found)).context["read"]
    assert {each.path: each.count for each in read.candidates}["all/item/part"] == 6
    looked = act(operator, url(found), record="all/item/part", look="1").context["read"]
    assert looked.cells[0][1] == ["P1", "Part 1"]
    wrong = act(operator, url(found), record="all/nothing", look="1")
    assert list(wrong.context["form"].errors) == ["record"]


def test_another_file_of_the_archive(operator, tmp_path):
    path = tmp_path / "lists.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("tiles.csv", "sku,name,price\nA1,Slate,1.00 EUR\nA2,Chalk,2.00 EUR\n")
        archive.writestr("shades.csv", "code,shade\n1,grey\n2,white\n")
    found = run_of(path)
    page = operator.get(url(found))
    assert page.context["read"].source.entry == "tiles.csv"
    assert "is read, not shades.csv" in page.content.decode()
    assert page.context["entries"] == ["tiles.csv", "shades.csv"]
    looked = act(operator, url(found), entry="shades.csv", look="1").context["read"]
    assert looked.columns == ["code", "shade"]
    wrong = act(operator, url(found), entry="prices.csv", look="1").context["form"].errors
    assert 'no file "prices.csv"' in wrong["entry"][0]


@pytest.mark.parametrize("bound", ["PACKED_BYTES", "WHOLE_BYTES"])
def test_a_large_source_is_read_again_without_a_look(operator, tmp_path, monkeypatch, bound):
    path = tmp_path / "lists.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("tiles.csv", "sku,name,price\nA1,Slate,1.00 EUR\nA2,Chalk,2.00 EUR\n")
        archive.writestr("shades.csv", "code,shade\n1,grey\n2,white\n")
    found = run_of(path)
    monkeypatch.setattr(stored_source, bound, 10)
    looked = act(operator, url(found), entry="shades.csv", look="1")
    assert "which is too much to" in looked.context["why_not"]
    assert BackgroundJob.objects.count() == 1
    act(operator, url(found), entry="shades.csv")
    work_off()
    again = DataImportJob.objects.latest("pk")
    parsed = JobCheckpoint.objects.get(job=again.background_job_id, stage="feed_parsed")
    assert parsed.data["source"]["entry"] == "shades.csv"


def test_another_sheet_of_a_workbook(operator, tmp_path):
    path = tmp_path / "tiles.xlsx"
    sheets = {"Tiles": [["sku", "name"], ["A1", "Slate"], ["A2", "Chalk"]],
              "Shades": [["code", "shade"], ["1", "grey"], ["2", "white"]]}  # fmt: skip
    path.write_bytes(workbook(sheets))
    found = run_of(path)
    page = operator.get(url(found))
    assert (page.context["read"].type, page.context["read"].encoding_why) == (
        "Excel",
        "workbooks are Unicode",
    )
    assert page.context["entries"] == ["Tiles", "Shades"]
    assert list(page.context["form"].fields) == ["entry"]
    assert act(operator, url(found), entry="Shades", look="1").context["read"].columns == [
        "code",
        "shade",
    ]


def test_a_feed_that_could_not_be_read_can_be_read_otherwise(operator, tmp_path):
    path = tmp_path / "tiles.xml"
    broken = b"<catalog><product><sku>1</sku><name>Wei\xdf</name></product></catalog>"
    path.write_bytes(b'<?xml version="1.0" encoding="utf-8"?>' + broken)
    found = run_of(path)
    assert found.background_job.status == Status.FAILED
    page = operator.get(url(found))
    assert found.background_job.error.splitlines()[0][:40] in page.content.decode()
    act(operator, url(found), encoding="windows-1252")
    work_off()
    assert BackgroundJob.objects.latest("pk").waiting_for == Waiting.MAPPING


def test_it_asks_for_what_means_anything_to_the_type(operator, greek, tmp_path):
    def asked(found: DataImportJob) -> list[str]:
        return list(operator.get(url(found)).context["form"].fields)

    assert asked(greek) == ["encoding", "delimiter"]
    assert asked(run_of(xml_feed(tmp_path / "tiles.xml"))) == ["encoding", "record", "repair"]


def test_malformed_xml_is_mended_where_a_person_asks(operator, tmp_path):
    path = xml_feed(tmp_path / "tiles.xml")
    path.write_text(path.read_text().replace("Slate 60", "Slate & Co"))
    found = run_of(path)
    assert found.background_job.status == Status.FAILED
    looked = act(operator, url(found), repair="on", look="1")
    assert looked.context["read"].cells[0][1][1].startswith("Slate")
    act(operator, url(found), repair="on")
    work_off()
    job = BackgroundJob.objects.latest("pk")
    assert (job.metadata["stated"], job.waiting_for) == ({"repair": "yes"}, Waiting.MAPPING)
    again = DataImportJob.objects.get(background_job=job)
    assert operator.get(url(again)).context["form"]["repair"].initial == "yes"


def test_what_else_was_stated_stays(operator, tmp_path):
    found = run_of(xml_feed(tmp_path / "tiles.xml"), "--currency", "EUR", "--encoding", "utf-8")
    act(operator, url(found), record="catalog/product")
    stated = BackgroundJob.objects.latest("pk").metadata["stated"]
    assert stated == {"currency": "EUR", "record": "catalog/product"}


def test_a_second_file_is_named_and_stays_joined(operator, tmp_path):
    texts, prices = tmp_path / "texts.csv", tmp_path / "prices.csv"
    texts.write_text("sku,name\nA1,Slate\nA2,Chalk\nA3,Ochre\n")
    prices.write_text("article,price\nA1,1.00 EUR\nA2,2.00 EUR\nA3,3.00 EUR\n")
    found = run_of(texts, "--join", f"{prices}:article=sku")
    page = operator.get(url(found))
    assert "prices.csv" in page.content.decode()
    assert page.context["read"].columns == ["sku", "name", "joined/price"]
    act(
        operator,
        url(found),
        encoding="utf-8",
        entry=found.background_job.metadata["stated"]["entry"],
    )
    work_off()
    again = DataImportJob.objects.latest("pk")
    assert operator.get(url(again)).context["read"].columns[-1] == "joined/price"


def test_a_source_that_is_gone_says_so(operator, tmp_path):
    found = run_of(xml_feed(tmp_path / "tiles.xml", PRODUCTS))
    DataImportJob.objects.filter(pk=found.pk).update(source_file="")
    page = operator.get(url(found))
    assert page.context["why_not"] == uploads.REMOVED
    assert page.context["read"].source.record_path == "catalog/product"
    answered = act(operator, url(found), encoding="utf-8")
    assert uploads.REMOVED in answered.content.decode()
    assert BackgroundJob.objects.count() == 1


def test_a_source_that_was_not_fetched_says_so(operator):
    found = DataImportJob.objects.get(background_job=make_job())
    answered = act(operator, url(found), encoding="utf-8")
    assert answered.context["why_not"] == stored_source.NOT_FETCHED
    assert operator.get(url(found)).status_code == 200


def test_a_viewer_may_look_only(client, greek):
    viewer = signed_in(client, "Viewers")
    assert viewer.get(url(greek)).status_code == 200
    assert act(viewer, url(greek), encoding="windows-1253").status_code == 403
