"""Two files of one supplier, joined by a key, as the start form of the page takes them."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from imports import intake
from imports.models import DataImportJob
from jobtracker.models import BackgroundJob
from jobtracker.states import Status

from .import_runs import PRODUCTS, lines_of, manage, work_off, xml_feed
from .pages import act, signed_in

pytestmark = pytest.mark.django_db
URL = reverse("import-start")
TEXTS = b"sku;name\nT-1;Slate 60\nT-2;Chalk 30\nT-3;Ochre 15\n"
PRICES = b"Article;Price;Currency\nT-3;3.30;EUR\nT-1;1.10;EUR\nT-9;9.90;EUR\n"


@pytest.fixture
def operator(client):
    return signed_in(client, "Operators")


def texts(content=TEXTS, name="texts.csv"):
    return SimpleUploadedFile(name, content)


def prices(content=PRICES, name="prices.csv"):
    return SimpleUploadedFile(name, content)


def send(client, **form):
    return act(client, URL, supplier="Northlight", **form)


def wrong(answer):
    """What the form says of each field; nothing was started."""
    assert answer.status_code == 400
    assert not BackgroundJob.objects.exists()
    form = answer.context["import_form"]
    return {field: errors[0] for field, errors in form.errors.items()}


def source_page() -> str:
    return reverse("import-source", args=[DataImportJob.objects.get().pk])


def test_two_files_become_one_import_which_says_what_it_joined(operator):
    assert send(operator, feeds=texts(), join=prices()).status_code == 302
    job = BackgroundJob.objects.get()
    assert "<dd>prices.csv</dd>" in operator.get(source_page()).content.decode()
    work_off()
    job.refresh_from_db()
    assert (job.status, job.filename) == (Status.COMPLETED, "texts.csv"), job.question
    assert {key: line["price"] for key, line in lines_of().items()} == {
        "T-1": "1.10",
        "T-2": None,
        "T-3": "3.30",
    }
    page = operator.get(source_page()).content.decode()
    assert "prices.csv" in page
    assert "<code>Article</code> is <code>sku</code>; 2 of 3 records have a row in it" in page
    assert "1 row of prices.csv joined nothing" in page


@pytest.mark.parametrize("fields", ["", "Article", "Article=sku"])
def test_it_is_the_job_that_the_command_starts(operator, tmp_path, fields):
    (tmp_path / "texts.csv").write_bytes(TEXTS)
    (tmp_path / "prices.csv").write_bytes(PRICES)
    send(operator, feeds=texts(), join=prices(), join_on=fields)
    told = ("--join", tmp_path / "prices.csv", "--join-on", fields, "--supplier", "Northlight")
    again = manage("import_feed", tmp_path / "texts.csv", *told)
    assert "is being imported already" in again.err
    by_page = BackgroundJob.objects.get().metadata["stated"]
    manage("import_feed", tmp_path / "texts.csv", *told[:-1], "Another")
    assert BackgroundJob.objects.latest("pk").metadata["stated"] == by_page


def test_each_may_lie_on_the_server(operator, settings, tmp_path):
    settings.IMPORT_DIRS = [tmp_path]
    (tmp_path / "texts.csv").write_bytes(TEXTS)
    (tmp_path / "prices.csv").write_bytes(PRICES)
    first, second = {"path": "texts.csv"}, {"join_path": "prices.csv"}
    send(operator, **first, **second)
    send(operator, **first, join=prices())
    send(operator, feeds=texts(), **second)
    assert BackgroundJob.objects.count() == 1  # each time the same two files


def test_a_name_like_that_of_a_file_of_the_machine_is_that_of_the_upload(operator, tmp_path):
    """What is sent under the name of another file is not taken from there."""
    (tmp_path / "prices.csv").write_bytes(b"Article;Price\nT-1;6.66\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path)
        send(operator, feeds=texts(), join=prices())
    work_off()
    assert lines_of()["T-1"]["price"] == "1.10"


def test_files_of_one_name_and_large_ones_are_taken(operator, settings):
    settings.FILE_UPLOAD_MAX_MEMORY_SIZE = 0  # as Django keeps large ones
    send(operator, feeds=texts(name="list.csv"), join=prices(name="list.csv"))
    work_off()
    assert lines_of()["T-3"]["price"] == "3.30"


@pytest.mark.parametrize(
    ("form", "field", "sentence"),
    [
        ({"join_on": "Number"}, "join_on", 'prices.csv has no field "Number" to join by; it has'),
        ({"join_on": "Article=code"}, "join_on", 'no field "code" to join by; it has sku, name.'),
        ({"join": prices(b"Code;Price\nX-1;1\nX-2;2\n")}, "join_on", "Say which join them"),
        ({"join": prices(b"%PDF-1.7\n")}, "join", "prices.csv: The file is a PDF"),
        ({"join": prices(b'[{"sku": "T-1", "price"', "p.json")}, "join", "The JSON is cut off"),
        ({"join": prices(b"PK\x05\x06" + bytes(18), "p.zip")}, "join", "p.zip is packed."),
        ({"join": prices(b"")}, "join", "empty"),
        ({"feeds": texts(b"%PDF-1.7\n")}, "__all__", "The file is a PDF"),
        ({"feeds": texts(b"\x1f\x8b\x08", "t.gz")}, "__all__", "t.gz is packed."),
        ({"feeds": [texts(), texts(name="more.csv")]}, "join", "joined to one file"),
        ({"feeds": [], "url": "https://a.example/t.csv"}, "join", "not joined to an address"),
        ({"feeds": []}, "__all__", "Choose a file"),
        ({"join": "", "join_on": "Article"}, "join_on", "Choose the second file"),
    ],
)
def test_what_cannot_be_joined_is_said_where_it_was_given(operator, form, field, sentence):
    answer = send(operator, **{"feeds": texts(), "join": prices(), **form})
    said = wrong(answer)
    assert list(said) == [field]
    assert sentence in said[field]
    assert answer.context["import_form"].join_open


def test_a_path_outside_is_refused(operator, settings, tmp_path):
    settings.IMPORT_DIRS = [tmp_path / "in"]
    (tmp_path / "prices.csv").write_bytes(PRICES)
    for path in (f"{tmp_path}/prices.csv", f"{tmp_path}/nothing.csv"):
        said = wrong(send(operator, feeds=texts(), join_path=path))
        assert "lies outside the folders" in said["join_path"]
    settings.IMPORT_DIRS = []
    send(operator, feeds=texts(), join_path=f"{tmp_path}/prices.csv")
    assert "join" not in BackgroundJob.objects.get().metadata["stated"]


def test_there_is_one_second_file(operator, settings, tmp_path):
    settings.IMPORT_DIRS = [tmp_path]
    (tmp_path / "prices.csv").write_bytes(PRICES)
    said = wrong(send(operator, feeds=texts(), join=prices(), join_path="prices.csv"))
    assert said == {"join_path": "Give one second file: choose it, or give its path."}


def test_of_large_files_the_job_says_what_is_wrong(operator, monkeypatch):
    monkeypatch.setattr(intake, "CHECKED_BYTES", 10)
    send(operator, feeds=texts(), join=prices(b"Code;Price\nX-1;1\nX-2;2\n"))
    work_off()
    job = BackgroundJob.objects.get()
    assert job.status == Status.FAILED
    assert "No field of prices.csv has the values of one of the feed's." in job.error
    page = operator.get(source_page()).content.decode()
    assert "<dd>prices.csv</dd>" in page
    assert "No field of prices.csv has the values" in page
    assert "<dd>CSV</dd>" in page


def test_the_form_keeps_it_folded_until_it_is_used(operator, tmp_path):
    page = operator.get("/admin/data-import").content.decode()
    assert '<details class="jt-fold"><summary>Prices or stock in a second file' in page
    xml = xml_feed(tmp_path / "tiles.xml", PRODUCTS).read_bytes()
    answer = send(operator, feeds=texts(xml, "tiles.xml"), currency="EURO", join_on="Article")
    assert '<details class="jt-fold" open><summary>Prices or stock' in answer.content.decode()


def test_of_an_unknown_encoding_the_first_is_read_otherwise_and_stays_joined(operator):
    rows = "".join(f"A{n};Größe {n}\n" for n in range(9)).encode()
    send(operator, feeds=texts(TEXTS + rows + b"B1;Gr\xf6\xdfe\n"), join=prices())
    work_off()
    assert BackgroundJob.objects.get().status == Status.FAILED
    page = operator.get(source_page())
    entry = page.context["form"]["entry"].initial
    act(operator, source_page(), encoding="windows-1252", entry=entry)
    work_off()
    again = DataImportJob.objects.latest("pk")
    assert again.encoding == "windows-1252"
    said = operator.get(reverse("import-source", args=[again.pk])).content.decode()
    assert "<code>Article</code> is <code>sku</code>; 2 of 13 records have a row in it" in said
