"""A feed unlike its supplier's last one is not written before a person has looked."""

import pytest

from imports.guardrails import LOOKED_AT
from imports.models import DataImportJob, ImportRow
from jobtracker.catalogue.models import Material
from jobtracker.models import User
from jobtracker.states import Status

from .import_runs import imported, lines_of, manage, work_off, xml_feed

pytestmark = pytest.mark.django_db
SUPPLIER = ("--supplier", "Northlight")


def products(count=20, **changes):
    return [
        {"sku": f"NL-{n}", "name": f"Slate {n}", "price": f"{n}.50 EUR", "colour": "grey"}
        | {name: change(n) for name, change in changes.items()}
        for n in range(1, count + 1)
    ]


@pytest.fixture
def again(tmp_path):
    """Import a usual feed, then another under its name; returns the second job."""
    path = tmp_path / "tiles.xml"
    assert imported(xml_feed(path, products()), *SUPPLIER).status == Status.COMPLETED
    return lambda changed, *options: imported(xml_feed(path, changed), *SUPPLIER, *options)


def kinds(job):
    return [each["kind"] for each in job.question["concerns"]]


def test_prices_times_a_hundred_wait_and_write_nothing(again):
    job = again(products(price=lambda n: f"{n}50.00 EUR"))
    assert (job.status, job.waiting_for) == (Status.PENDING, "threshold")
    assert "20 prices of 20 would be 100 times" in job.question["message"]
    sample = job.question["concerns"][0]["samples"][0]
    assert sample == {"line": 2, "key": "NL-1", "old": "1.50 EUR", "new": "150.00 EUR"}
    assert not ImportRow.objects.filter(job=job).exists()
    assert lines_of()["NL-1"]["price"] == "1.50"


def test_prices_that_leap_by_no_power_of_ten_wait(again):
    job = again(products(price=lambda n: f"{n * (4 + n)}.00 EUR"))
    assert kinds(job) == ["prices"]
    assert "more than 3 times" in job.question["message"]


def test_another_currency_under_the_same_amounts_waits(again):
    assert kinds(again(products(price=lambda n: f"{n}.50 HUF"))) == ["prices"]


def test_a_rise_of_all_prices_by_a_tenth_is_usual(again):
    job = again(products(price=lambda n: f"{n * 1.1 + 0.5:.2f} EUR"))
    assert (job.status, job.result["updated"]) == (Status.COMPLETED, 20)


def test_far_fewer_rows_wait(again):
    job = again(products(13))
    assert kinds(job) == ["rows"]
    assert "The feed has 13 rows; it had 20." in job.question["message"]


def test_some_fewer_rows_are_usual(again):
    assert again(products(15)).status == Status.COMPLETED


def test_a_mapped_field_without_a_value_waits(again):
    job = again(products(colour=lambda n: ""))
    assert "columns" in kinds(job)
    assert "colour" in job.question["message"]


def test_more_failed_rows_than_usual_wait(again):
    job = again(products(price=lambda n: "soon" if n > 14 else f"{n}.50 EUR"))
    assert kinds(job) == ["failed"]
    assert job.question["concerns"][0]["samples"][0]["key"] == "NL-15"


def test_keys_that_nobody_knows_wait(again):
    job = again(products(sku=lambda n: f"X{n}-{n}"))
    assert "keys" in kinds(job)


def test_more_changed_rows_than_usual_wait_once_it_is_known_what_is_usual(again):
    renamed = products(name=lambda n: f"Board {n}")
    job = again([*renamed[:1], *products()[1:]])
    assert (job.status, job.result["updated"]) == (Status.COMPLETED, 1)
    assert kinds(again(renamed)) == ["changed"]


def test_without_a_usual_share_of_changed_rows_nothing_is_said(again):
    assert again(products(name=lambda n: f"Board {n}")).status == Status.COMPLETED


def test_go_on_lets_this_job_pass_and_no_other(again):
    leaping = products(price=lambda n: f"{n}50.00 EUR")
    job = again(leaping)
    assert manage("jobs", "answer", job.pk, "--go-on").code == 0
    work_off()
    job.refresh_from_db()
    assert (job.status, job.result["updated"]) == (Status.COMPLETED, 20)
    assert lines_of()["NL-1"]["price"] == "150.00"
    assert again(products()).waiting_for == "threshold"


def test_stop_fails_the_job_with_its_reason_and_a_retry_asks_anew(again):
    job = again(products(price=lambda n: f"{n}50.00 EUR"))
    assert manage("jobs", "answer", job.pk, "--stop").code == 0
    work_off()
    job.refresh_from_db()
    assert job.status == Status.FAILED
    assert job.error.startswith("Stopped by a person.")
    assert "100 times" in job.error
    assert lines_of()["NL-1"]["price"] == "1.50"
    assert manage("jobs", "retry", job.pk).code == 0
    work_off()
    job.refresh_from_db()
    assert job.waiting_for == "threshold"


def test_an_answer_must_be_one_of_the_two(again):
    job = again(products(13))
    answer = manage("jobs", "answer", job.pk)
    assert answer.code == 2
    assert "--go-on or --stop" in answer.err


def test_a_stopped_run_is_no_measure(again):
    stopped = again(products(13))
    manage("jobs", "answer", stopped.pk, "--stop")
    work_off()
    assert "it had 20" in again(products(13)).question["message"]


def test_a_first_import_and_another_source_ask_nothing(again, tmp_path):
    other = imported(xml_feed(tmp_path / "other.xml", products(6)), *SUPPLIER)
    assert other.status == Status.COMPLETED


def test_a_price_list_is_held_against_what_the_products_show(again, tmp_path):
    prices = tmp_path / "prices.xml"
    kept = ("sku", "price")

    def listed(found):
        rows = [{name: each[name] for name in kept} for each in found]
        return imported(xml_feed(prices, rows), *SUPPLIER, "--price-only")

    assert listed(products(price=lambda n: f"{n}.60 EUR")).status == Status.COMPLETED
    job = listed(products(price=lambda n: f"{n}60.00 EUR"))
    assert (job.waiting_for, kinds(job)) == ("threshold", ["prices"])


def test_the_page_shows_numbers_and_samples_and_takes_the_answer(again, client):
    job = again(products(price=lambda n: f"{n}50.00 EUR", colour=lambda n: ""))
    admin = User.objects.create_superuser("admin", password="x")
    client.force_login(admin)
    found = DataImportJob.objects.get(background_job=job)
    page = client.get(f"/admin/data-import/{found.pk}/").content.decode()
    assert "100 times" in page
    assert "1.50 EUR" in page
    assert "150.00 EUR" in page
    client.post(f"/admin/data-import/{found.pk}/decide", {"decision": "go on"})
    work_off()
    job.refresh_from_db()
    assert job.status == Status.COMPLETED


def test_only_the_start_of_a_long_feed_is_read_twice(again, monkeypatch):
    assert LOOKED_AT % 1000 == 0
    monkeypatch.setattr("imports.guardrails.LOOKED_AT", 0)
    job = again(products(price=lambda n: f"{n}50.00 EUR"))
    assert job.status == Status.COMPLETED
    assert Material.objects.count() == 20
