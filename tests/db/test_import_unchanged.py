"""A record that comes again as it was is not read again, and all is as if it had been."""

import json

import pytest
from django.db import connection

from imports import batches
from imports.models import ImportRow
from imports.rows import remarks
from jobtracker.catalogue.models import Material, MaterialSource, MaterialVersion
from samples.make_samples import write_feed
from tests.db.import_runs import imported

pytestmark = pytest.mark.django_db

HEAD = "sku;name;price;currency;stock\n"


@pytest.fixture
def normalised(monkeypatch):
    """The numbers of the records that were read in full."""
    seen: list[int] = []
    real = batches.Batches._normalise

    def noted(self, mapped):
        seen.append(mapped.record.number)
        return real(self, mapped)

    monkeypatch.setattr(batches.Batches, "_normalise", noted)
    # They read what changed at the start of a feed once before.
    monkeypatch.setattr("imports.guardrails.LOOKED_AT", 0)
    return seen


def outcomes(job):
    return "".join(
        ImportRow.objects.filter(job_id=job.id).order_by("number").values_list("outcome", flat=True)
    )


def csv(path, *lines):
    path.write_text(HEAD + "".join(f"{line}\n" for line in lines))
    return path


def mapping_file(folder):
    path = folder / "mapping.json"
    fields = [{"source": name, "target": name} for name in ("sku", "name", "price", "currency")]
    path.write_text(json.dumps({"fields": fields}))
    return path


A, B, C = "A-1;Oak plank;12.50;EUR;4", "B-2;Ash plank;13.50;EUR;5", "C-3;Elm plank;14.50;EUR;6"


def test_only_what_changed_is_read_again(tmp_path, normalised):
    feed = csv(tmp_path / "feed.csv", A, B, C)
    assert outcomes(imported(feed, "--supplier", "N")) == "ccc"
    normalised.clear()
    csv(feed, A, B.replace("13.50", "11.00"), C)
    job = imported(feed, "--supplier", "N")
    assert outcomes(job) == "=u="
    assert normalised == [2]
    assert job.result["unchanged"] == 2
    kept = ImportRow.objects.get(job_id=job.id, number=3)
    assert (kept.key, kept.line) == ("C-3", 4)
    assert kept.material_id == Material.objects.get(sku="C-3").pk


def test_a_column_that_no_field_uses_changes_nothing(tmp_path, normalised):
    feed = tmp_path / "feed.csv"
    feed.write_text("sku;name;price;currency;Zzq\nA-1;Oak plank;12.50;EUR;1\n")
    mapping = mapping_file(tmp_path)
    imported(feed, "--supplier", "N", "--mapping", mapping)
    normalised.clear()
    feed.write_text("sku;name;price;currency;Zzq\nA-1;Oak plank;12.50;EUR;2\n")
    assert outcomes(imported(feed, "--supplier", "N", "--mapping", mapping)) == "="
    assert normalised == []


def test_warnings_are_said_of_each_run(tmp_path):
    feed = tmp_path / "feed.csv"
    feed.write_text("sku;name;price;currency;ean\nA-1;Oak;12.50;EUR;4006381333932\n")
    said = [remarks(imported(feed, "--supplier", "N").id) for _ in range(2)]
    assert said[0]
    assert said[1] == said[0]


def test_a_changed_default_or_reading_is_read_again(tmp_path, normalised):
    feed = csv(tmp_path / "feed.csv", A.replace("EUR", ""), B.replace("EUR", ""))
    imported(feed, "--supplier", "N", "--currency", "EUR")
    normalised.clear()
    assert outcomes(imported(feed, "--supplier", "N", "--currency", "PLN")) == "uu"
    assert normalised == [1, 2]
    assert set(Material.objects.values_list("currency", flat=True)) == {"PLN"}


def test_new_code_reads_everything_again_once(tmp_path, normalised, monkeypatch):
    from jobtracker.catalogue.normalise import fingerprint

    feed = csv(tmp_path / "feed.csv", A, B)
    imported(feed, "--supplier", "N")
    monkeypatch.setattr(fingerprint, "_code", lambda: b"the next release")
    normalised.clear()
    assert outcomes(imported(feed, "--supplier", "N")) == "=="
    assert outcomes(imported(feed, "--supplier", "N")) == "=="
    assert normalised == [1, 2]


def test_a_key_that_comes_twice_is_named_each_time(tmp_path):
    feed = csv(tmp_path / "feed.csv", A, A.replace("12.50", "12.90"), B)
    arguments = feed, "--supplier", "N", "--mapping", mapping_file(tmp_path)
    assert outcomes(imported(*arguments)) == "scc"
    assert outcomes(imported(*arguments)) == "s=="


def test_a_product_that_was_set_inactive_comes_back(tmp_path):
    feed = csv(tmp_path / "feed.csv", A, B)
    imported(feed, "--supplier", "N")
    Material.objects.filter(sku="A-1").update(active=False)
    assert outcomes(imported(feed, "--supplier", "N")) == "u="
    assert Material.objects.get(sku="A-1").active


def test_prices_of_another_feed_are_overwritten_by_the_whole_feed(tmp_path):
    feed = csv(tmp_path / "feed.csv", A, B)
    imported(feed, "--supplier", "N")
    prices = tmp_path / "prices.csv"
    prices.write_text("sku;price;currency\nA-1;9.99;EUR\n")
    imported(prices, "--supplier", "N", "--price-only")
    assert str(Material.objects.get(sku="A-1").price) == "9.99"
    assert outcomes(imported(feed, "--supplier", "N")) == "u="
    assert str(Material.objects.get(sku="A-1").price) == "12.50"


def test_the_samples_import_twice_alike(tmp_path):
    """With sizes, pictures and attributes: nothing is versioned, and all rows are there."""
    feed = write_feed(tmp_path / "feed.xml", 60)
    imported(feed, "--supplier", "N")
    versions = MaterialVersion.objects.count()
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(fingerprint) FROM material_sources")
        assert cursor.fetchone()[0] > 50
    job = imported(feed, "--supplier", "N")
    assert (job.done_items, job.result["unchanged"]) == (60, 60)
    assert MaterialVersion.objects.count() == versions
    assert MaterialSource.objects.count() == 60
