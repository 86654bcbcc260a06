"""The pages of the suppliers: the list, one supplier's defaults, runs, figures and log-ins."""

from datetime import date, timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from imports.models import FeedLogin, MappingTemplate
from jobtracker.catalogue import coverage, undo
from jobtracker.catalogue.models import Material, Supplier, SupplierCoverage
from jobtracker.models import AuditEntry
from jobtracker.sealed import seal
from tests.db.every_table import MAPPING
from tests.db.import_runs import imported, xml_feed
from tests.db.jobs import make_job
from tests.db.pages import act, signed_in

pytestmark = pytest.mark.django_db

LIST = "/admin/suppliers"


@pytest.fixture
def supplier():
    return Supplier.objects.create(name="Northlight Tiles")


@pytest.fixture
def viewer(client):
    return signed_in(client, "Viewers")


@pytest.fixture
def operator(client):
    return signed_in(client, "Operators")


def page_of(supplier: Supplier) -> str:
    return reverse("supplier", args=[supplier.pk])


def text_of(response) -> str:
    return response.content.decode()


def form(**changed: str) -> dict[str, str]:
    order = ("correction", "feed", "site", "pdf")
    return {
        "name": "Northlight Tiles",
        "default_currency": "",
        "decimal_style": "",
        "language": "",
        "when_missing": "keep",
        **{f"order_{number}": kind for number, kind in enumerate(order)},
    } | changed


def materials(supplier: Supplier) -> None:
    """Four active ones, of which two have a price; one inactive; one that was taken out."""
    size = {"width_mm": 600, "size_text": "60x60 cm"}
    for values in (
        {"price": "9.90", "images": ["https://a.example/1.png"], "ean": "4006381333931", **size},
        {"price": "1", "images": [], "colour": "grey"},
        {"size_text": "30x30"},
        {},
        {"active": False, "price": "3"},
        {"withdrawn": True, "price": "4"},
    ):
        Material.objects.create(supplier=supplier, **values)


def figures(supplier: Supplier) -> dict[str, int]:
    names = ("active", "inactive", "price", "picture", "ean", "size", "colour")
    return SupplierCoverage.objects.filter(supplier=supplier).values(*names).get()


# --- figures ---


def test_what_active_materials_have_is_counted_by_supplier(supplier):
    materials(supplier)
    Material.objects.create(supplier=Supplier.objects.create(name="Other"), price="5")
    coverage.count(supplier.pk)
    assert figures(supplier) == {
        "active": 4, "inactive": 1, "price": 2, "picture": 1, "ean": 1, "size": 2, "colour": 1,
    }  # fmt: skip


def test_the_last_count_of_a_day_is_the_days(supplier):
    job = uuid4()
    coverage.count(supplier.pk)
    materials(supplier)
    coverage.count(supplier.pk, job)
    row = SupplierCoverage.objects.get()
    assert (row.active, row.job_id, row.day) == (4, job, timezone.now().date())


def test_a_run_is_counted_as_it_ends_and_an_undo_again(tmp_path):
    job = imported(xml_feed(tmp_path / "tiles.xml"), "--supplier", "N")
    row = SupplierCoverage.objects.get(supplier=job.supplier_id)
    assert (row.job_id, row.active, row.price, row.colour, row.ean) == (job.pk, 3, 3, 3, 0)
    again = imported(xml_feed(tmp_path / "tiles.xml"), "--supplier", "N")
    assert (again.status, again.result["unchanged"]) == ("completed", 3)
    assert SupplierCoverage.objects.get().job_id == job.pk  # nothing to count
    undo.begin(job, None)
    assert undo.undo_some(job, seconds=60) == 0
    assert figures(job.supplier)["active"] == 0


@pytest.mark.django_db(transaction=True)
def test_what_cannot_be_counted_is_done_all_the_same_and_told(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(coverage, "_COUNT", "SELECT no_such_column")
    job = imported(xml_feed(tmp_path / "feed.xml"), "--supplier", "Northlight")
    assert (job.status, SupplierCoverage.objects.count()) == ("completed", 0)
    assert "the coverage of supplier" in caplog.text
    caplog.clear()
    undo.begin(job, None)
    assert undo.undo_some(job, seconds=60) == 0
    assert "the coverage of supplier" in caplog.text


def test_the_materials_of_one_supplier_are_found_without_reading_the_others(supplier):
    """The list of one supplier and its count must not cost what the whole catalogue costs."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(
            "EXPLAIN SELECT count(*) FROM materials WHERE supplier_id = 7 AND NOT withdrawn"
        )
        assert "materials_by_supplier" in str(cursor.fetchall())


# --- the list ---


def test_the_list_shows_figures_and_the_last_run(viewer, supplier):
    materials(supplier)
    coverage.count(supplier.pk)
    make_job(supplier_id=supplier.pk)
    job = make_job(supplier_id=supplier.pk)
    Supplier.objects.create(name="Bare")
    bare, full = viewer.get(LIST).context["lines"]
    assert (bare.figures, bare.run, bare.shares[0]) == (None, None, ("Price", ""))
    assert (full.figures.active, full.figures.inactive) == (4, 1)
    assert full.shares == [("Price", "50 %"), ("Picture", "25 %"), ("EAN", "25 %")]
    assert full.run.job.pk == job.pk
    assert "Pending" in text_of(viewer.get(LIST))


def test_the_list_searches_by_name_and_pages(viewer):
    Supplier.objects.bulk_create(Supplier(name=f"Supplier {n:03}") for n in range(60))
    assert len(viewer.get(LIST).context["lines"]) == 50
    second = viewer.get(LIST, {"page": "2"}).context["lines"]
    assert second[0].supplier.name == "Supplier 050"
    found = viewer.get(LIST, {"q": "PLIER 05"})
    assert len(found.context["lines"]) == 10
    assert "Nothing matches." in text_of(viewer.get(LIST, {"q": "nobody"}))


def test_no_supplier_yet(viewer):
    assert "No suppliers yet." in text_of(viewer.get(LIST))


def test_the_list_asks_as_much_for_many_as_for_one(viewer, supplier):
    def asked() -> int:
        with CaptureQueriesContext(connection) as caught:
            viewer.get(LIST)
        return len(caught)

    coverage.count(supplier.pk)
    make_job(supplier_id=supplier.pk)
    asked()
    few = asked()
    for number in range(30):
        other = Supplier.objects.create(name=f"S{number}")
        coverage.count(other.pk)
        make_job(supplier_id=other.pk)
    assert asked() == few


# --- one supplier ---


def test_the_page_shows_figures_over_time_runs_and_links(viewer, supplier):
    materials(supplier)
    coverage.count(supplier.pk)
    SupplierCoverage.objects.create(
        supplier=supplier, day=timezone.now().date() - timedelta(days=7), job_id=uuid4(),
        active=10, inactive=2, price=10, picture=0, ean=0, size=0, colour=0,
    )  # fmt: skip
    job = make_job(supplier_id=supplier.pk)
    other = make_job(supplier_id=Supplier.objects.create(name="Other").pk)
    page = viewer.get(page_of(supplier))
    text = text_of(page)
    assert [chart.share for chart in page.context["charts"]] == [
        "50 %", "25 %", "25 %", "50 %", "25 %",
    ]  # fmt: skip
    assert page.context["charts"][0].segments == [(0.0, 4.0, 100.0, 32.0)]
    assert "Price: 50 %; 100 % on" in text
    assert "a run that is not kept" in text
    assert "/admin/materials?supplier=Northlight+Tiles&amp;state=active" in text
    assert f"job-{job.pk}" in text
    assert f"job-{other.pk}" not in text


def test_shares_of_a_day_gone_by_are_not_shown_as_of_now(viewer, supplier):
    materials(supplier)
    coverage.count(supplier.pk)
    SupplierCoverage.objects.update(day=date(2026, 3, 9))
    assert "No material is active." not in text_of(viewer.get(page_of(supplier)))
    Material.objects.update(active=False)
    coverage.count(supplier.pk)
    text = text_of(viewer.get(page_of(supplier)))
    assert "No material is active. These are the shares of the last day" in text
    assert 'aria-label="Price: 50 % on 9 Mar 2026"' in text


def test_the_page_of_a_supplier_without_anything(viewer, supplier):
    text = text_of(viewer.get(page_of(supplier)))
    assert "No active material was counted yet" in text
    assert "No run of this supplier is kept." in text
    assert viewer.get("/admin/suppliers/999999").status_code == 404


def test_count_now_counts(operator, supplier):
    materials(supplier)
    answer = act(operator, reverse("supplier-count", args=[supplier.pk]))
    assert answer["Location"] == page_of(supplier)
    assert figures(supplier)["active"] == 4


def test_defaults_are_saved_and_told_to_the_audit_log(operator, supplier):
    changed = form(
        default_currency="pln",
        decimal_style="comma",
        language="pl",
        when_missing="deactivate",
        order_1="site",
        order_2="feed",
    )
    answer = act(operator, page_of(supplier), **changed)
    assert answer["Location"] == page_of(supplier)
    supplier.refresh_from_db()
    assert (supplier.default_currency, supplier.decimal_style) == ("PLN", "comma")
    assert supplier.when_missing == "deactivate"
    assert supplier.source_order == ["correction", "site", "feed", "pdf"]
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.subject, entry.subject_id) == (
        "change", "supplier", str(supplier.pk),
    )  # fmt: skip
    assert entry.details["changed"]["default_currency"] == ["", "PLN"]
    assert "name" not in entry.details["changed"]
    act(operator, page_of(supplier), **changed)
    assert AuditEntry.objects.count() == 1


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"name": ""}, "This field is required."),
        ({"name": "Other"}, "There is a supplier Other already."),
        ({"default_currency": "EU1"}, "EU1 is no ISO 4217 currency code."),
        ({"language": "Greek"}, "Greek is no language code, such as el or pt-BR."),
        ({"order_1": "correction"}, "Give each kind of source one place."),
        ({"decimal_style": "both"}, "is not one of the available choices"),
    ],
)
def test_what_cannot_be_is_told_beside_its_field(operator, supplier, changed, sentence):
    Supplier.objects.create(name="Other")
    page = act(operator, page_of(supplier), **form(**changed))
    assert page.status_code == 400
    assert sentence in text_of(page)
    assert not AuditEntry.objects.exists()


def test_a_viewer_sees_and_is_refused(viewer, supplier):
    login = FeedLogin.objects.create(
        supplier=supplier, host="feeds.example", name="sam", sealed_secret=seal("s3cret word")
    )
    text = text_of(viewer.get(page_of(supplier)))
    assert "feeds.example" in text
    assert "disabled" in text
    assert "Count now" not in text
    assert "Delete" not in text.partition('id="jt-logins-h"')[2].partition("</section>")[0]
    for address in (
        page_of(supplier),
        reverse("supplier-count", args=[supplier.pk]),
        reverse("feed-login-delete", args=[login.pk]),
    ):
        assert act(viewer, address, **form(name="New")).status_code == 403
    supplier.refresh_from_db()
    assert supplier.name == "Northlight Tiles"
    assert FeedLogin.objects.exists()


# --- what imports add ---


def test_templates_of_the_supplier_are_listed(viewer, supplier):
    MappingTemplate.objects.create(supplier=supplier, name="tiles.xml", shape="s", mapping=MAPPING)
    other = Supplier.objects.create(name="Other")
    MappingTemplate.objects.create(supplier=other, name="wood.csv", shape="s", mapping=MAPPING)
    text = text_of(viewer.get(page_of(supplier)))
    assert "tiles.xml" in text
    assert "wood.csv" not in text


def test_a_log_in_is_deleted_and_its_secret_never_shown(operator, supplier):
    login = FeedLogin.objects.create(
        supplier=supplier, host="feeds.example", name="sam", sealed_secret=seal("s3cret word")
    )
    page = text_of(operator.get(page_of(supplier)))
    assert login.sealed_secret not in page
    assert "Delete the log-in for feeds.example?" in page
    answer = act(operator, reverse("feed-login-delete", args=[login.pk]), next=page_of(supplier))
    assert answer["Location"] == page_of(supplier)
    assert not FeedLogin.objects.exists()
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.subject, entry.details["host"]) == (
        "delete", "feed login", "feeds.example",
    )  # fmt: skip
    assert login.sealed_secret not in str(entry.details)
    gone = act(operator, reverse("feed-login-delete", args=[login.pk]))
    assert gone["Location"] == LIST


def test_markup_in_names_is_shown_and_not_obeyed(viewer):
    evil = "<script>alert(1)</script>"
    supplier = Supplier.objects.create(name=evil)
    MappingTemplate.objects.create(supplier=supplier, name=evil, shape="s", mapping=MAPPING)
    for address in (LIST, page_of(supplier)):
        assert evil not in text_of(viewer.get(address))


def test_the_navigation_marks_one_item(viewer, supplier):
    def active(address: str) -> list[str]:
        groups = viewer.get(address).context["sidebar_navigation"]
        return [item["title"] for group in groups for item in group["items"] if item["active"]]

    assert active(page_of(supplier)) == ["Suppliers"]
    assert active("/admin/data-import/templates") == ["Mapping templates"]
    assert active("/admin/data-import") == ["Data import"]
