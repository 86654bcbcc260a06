"""Products that a feed has no more become inactive, only where that was chosen, and come back."""

import pytest

from imports.forms import ScheduleForm, StartForm
from imports.models import DataImportJob
from jobtracker import schedules
from jobtracker.catalogue.models import Material, MaterialVersion, Supplier
from jobtracker.job_json import job_as_json
from jobtracker.models import User
from jobtracker.states import Status

from .import_runs import imported, lines_of, manage, refused, work_off, xml_feed
from .schedules import make_schedule

pytestmark = pytest.mark.django_db
SUPPLIER = ("--supplier", "Northlight")
DEACTIVATE = ("--missing", "deactivate")


def products(count=20):
    return [
        {"sku": f"NL-{n}", "name": f"Slate {n}", "price": f"{n}.50 EUR", "colour": "grey"}
        for n in range(1, count + 1)
    ]


@pytest.fixture
def again(tmp_path):
    """Import a feed of 20, then another under its name; returns the second job."""
    path = tmp_path / "tiles.xml"
    assert imported(xml_feed(path, products()), *SUPPLIER).status == Status.COMPLETED
    return lambda changed, *options: imported(xml_feed(path, changed), *SUPPLIER, *options)


def inactive():
    return set(Material.objects.filter(active=False).values_list("sku", flat=True))


def test_nothing_happens_unasked(again):
    assert again(products(19)).status == Status.COMPLETED
    assert inactive() == set()


def test_what_is_missing_becomes_inactive_and_is_counted(again):
    job = again(products(18), *DEACTIVATE)
    assert job.status == Status.COMPLETED
    assert inactive() == {"NL-19", "NL-20"}
    assert (job_as_json(job)["deactivated"], job.result["unchanged"]) == (2, 18)
    version = MaterialVersion.objects.get(job_id=job.pk, source_key="NL-20")
    assert (version.old, version.new_hash) == ({"active": True}, None)


# --- the supplier's default ---


def deactivate_by_default():
    Supplier.objects.update(when_missing="deactivate")


def test_the_suppliers_default_holds_where_nothing_is_said(again):
    deactivate_by_default()
    assert again(products(18)).result["deactivated"] == 2
    assert inactive() == {"NL-19", "NL-20"}


def test_what_is_said_comes_before_the_default(again):
    deactivate_by_default()
    again(products(18), "--missing", "keep")
    assert inactive() == set()


def test_a_default_never_makes_a_price_list_wrong(again):
    deactivate_by_default()
    assert again(products(18), "--price-only").status == Status.COMPLETED
    assert inactive() == set()


@pytest.mark.parametrize(("said", "gone"), [("", 2), ("keep", 0), ("deactivate", 2)])
def test_the_page_leaves_it_to_the_default_too(again, client, tmp_path, said, gone):
    deactivate_by_default()
    feed = xml_feed(tmp_path / "tiles.xml", products(18))
    client.force_login(User.objects.create_superuser("admin", password="x"))
    with feed.open("rb") as upload:
        form = {"supplier": "Northlight", "missing": said, "feeds": upload}
        assert client.post("/admin/data-import/start", form).status_code == 302
    work_off()
    assert len(inactive()) == gone


@pytest.mark.parametrize(("spec", "gone"), [({}, 2), ({"missing": "keep"}, 0)])
def test_a_schedule_leaves_it_to_the_default_too(again, settings, tmp_path, spec, gone):
    settings.IMPORT_DIRS = [tmp_path]
    deactivate_by_default()
    feed = xml_feed(tmp_path / "tiles.xml", products(18))
    schedule = make_schedule(supplier="Northlight", spec={"path": str(feed)} | spec)
    schedules.run_now(schedule.pk, None)
    work_off()
    assert len(inactive()) == gone


def test_a_schedule_takes_a_new_default_though_its_file_is_the_same(again, settings, tmp_path):
    settings.IMPORT_DIRS = [tmp_path]
    schedule = make_schedule(
        supplier="Northlight", spec={"path": str(xml_feed(tmp_path / "tiles.xml", products(18)))}
    )
    for default in (None, deactivate_by_default):
        if default:
            default()
        schedules.run_now(schedule.pk, None)
        work_off()
    assert inactive() == {"NL-19", "NL-20"}


def test_the_forms_say_what_the_default_is(again):
    again(products())
    assert StartForm().deactivating == []
    named = ScheduleForm(initial={"supplier": "Northlight"}).fields["missing"].choices
    assert named[0] == ("", "default: stay active")
    deactivate_by_default()
    assert StartForm().deactivating == ["Northlight"]
    named = ScheduleForm({"supplier": "Northlight"}).fields["missing"].choices
    assert named[0] == ("", "default: become inactive")
    assert ScheduleForm().fields["missing"].choices[0][1] == "the supplier’s default"


def test_what_comes_back_is_active_again(again):
    again(products(18), *DEACTIVATE)
    job = again(products(19), *DEACTIVATE)
    assert job.result["updated"] == 1
    assert inactive() == {"NL-20"}
    assert "deactivated" not in job.result


def test_an_undo_makes_them_active_again(again):
    job = again(products(18), *DEACTIVATE)
    assert manage("materials", "undo", "--job", job.pk).code == 0
    assert inactive() == set()


def test_more_than_a_tenth_waits_and_go_on_makes_them_inactive(again):
    job = again(products(16), *DEACTIVATE)
    assert (job.status, job.waiting_for) == (Status.PENDING, "threshold")
    assert "4 products of 20" in job.question["message"]
    assert inactive() == set()
    manage("jobs", "answer", job.pk, "--go-on")
    work_off()
    job.refresh_from_db()
    assert (job.status, job.result["deactivated"]) == (Status.COMPLETED, 4)
    assert inactive() == {"NL-17", "NL-18", "NL-19", "NL-20"}


def test_stop_leaves_them_active_and_completes(again):
    job = again(products(16), *DEACTIVATE)
    manage("jobs", "answer", job.pk, "--stop")
    work_off()
    job.refresh_from_db()
    assert (job.status, inactive()) == (Status.COMPLETED, set())
    assert "left them active" in job.warnings[-1]["message"]


def test_both_questions_are_asked_one_after_the_other(again):
    job = again(products(10), *DEACTIVATE)
    assert job.question["about"] == "guardrails"
    manage("jobs", "answer", job.pk, "--go-on")
    work_off()
    job.refresh_from_db()
    assert job.question["about"] == "missing"
    manage("jobs", "answer", job.pk, "--go-on")
    work_off()
    job.refresh_from_db()
    assert (job.status, len(inactive())) == (Status.COMPLETED, 10)


def test_a_product_whose_row_failed_is_not_missing(again):
    changed = products(20)
    changed[0]["price"] = "soon"
    job = again(changed, *DEACTIVATE)
    assert (job.failed_items, inactive()) == (1, set())


def test_rows_that_failed_without_a_key_leave_all_as_it_is(again):
    changed = [*products(18), {"sku": "", "name": "", "price": "1.00 EUR", "colour": "grey"}]
    job = again(changed, *DEACTIVATE)
    assert (job.failed_items, inactive()) == (1, set())
    assert "failed without a key" in str(job.warnings)


def test_a_cut_off_feed_leaves_all_as_it_is(again, tmp_path):
    path = xml_feed(tmp_path / "tiles.xml", products(18))
    path.write_text(path.read_text().replace("</catalog>", ""))
    job = imported(path, *SUPPLIER, *DEACTIVATE)
    assert (job.status, inactive()) == (Status.FAILED, set())


def test_what_another_source_speaks_of_stays(again, tmp_path):
    imported(xml_feed(tmp_path / "more.xml", products()[18:19]), *SUPPLIER)
    again(products(18), *DEACTIVATE)
    assert inactive() == {"NL-20"}


def test_a_price_list_says_nothing_of_missing_products(tmp_path):
    feed = xml_feed(tmp_path / "prices.xml", products(3))
    message = refused(manage("import_feed", feed, *SUPPLIER, *DEACTIVATE, "--price-only"))
    assert "prices only" in message


def test_the_page_asks_and_tells(again, client):
    job = again(products(16), *DEACTIVATE)
    client.force_login(User.objects.create_superuser("admin", password="x"))
    found = DataImportJob.objects.get(background_job=job)
    page = client.get(f"/admin/data-import/{found.pk}/").content.decode()
    assert "Leave them active" in page
    assert "Slate 17" in page
    client.post(f"/admin/data-import/{found.pk}/decide", {"decision": "go on"})
    work_off()
    assert "Made inactive" in client.get(f"/admin/data-import/{found.pk}/").content.decode()
    assert lines_of()["NL-17"]["active"] is False
