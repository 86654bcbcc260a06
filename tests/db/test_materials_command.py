"""`manage.py materials`: search, and the undo of a real import that can be done again."""

from pathlib import Path
from uuid import uuid4

import pytest

from jobtracker.catalogue.models import Material, MaterialVersion
from jobtracker.models import AuditEntry, BackgroundJob
from tests.db.import_runs import PRODUCTS, imported, manage, xml_feed

pytestmark = pytest.mark.django_db


@pytest.fixture
def feed(tmp_path) -> Path:
    return xml_feed(tmp_path / "feed.xml")


def bring(feed: Path) -> BackgroundJob:
    job = imported(feed, "--supplier", "Northlight")
    assert job.status == "completed"
    return job


def test_search_finds_codes_first_and_words_by_their_beginnings(feed):
    bring(feed)
    assert manage("materials", "search", "nl 2").out == "NL-2\tChalk 30\t-\tNorthlight\t9.90 EUR\n"
    assert [line["sku"] for line in manage("materials", "search", "sla", "--json").json] == ["NL-1"]
    assert manage("materials", "search", "nothing").out == ""
    assert manage("materials", "search", "nothing", "--json").json == []
    assert len(manage("materials", "search", "nl", "--limit", "2", "--json").json) == 2
    refused = manage("materials", "search", "nl", "--supplier", "Nobody")
    assert (refused.code, refused.err) == (2, "There is no supplier named 'Nobody'.\n")


def test_an_import_is_undone_and_done_again_once(feed):
    job = bring(feed)
    answer = manage("materials", "undo", "--job", job.pk, "--reason", "wrong file", "--json")
    assert answer.json == {
        "job": str(job.pk),
        "created": 3,
        "updated": 0,
        "unchanged": 0,
        "later": 0,
        "undone": 0,
    }
    assert not Material.objects.exists()
    assert AuditEntry.objects.get(action="undo").reason == "wrong file"
    bring(feed)
    assert Material.objects.count() == 3
    versions = MaterialVersion.objects.count()
    bring(feed)
    assert (Material.objects.count(), MaterialVersion.objects.count()) == (3, versions)


def test_a_second_import_is_undone_and_the_first_finds_nothing_to_do(feed, tmp_path):
    bring(feed)
    dearer = [each | {"price": f"1{each['price']}"} for each in PRODUCTS]
    second = bring(xml_feed(feed, dearer))
    said = manage("materials", "undo", "--job", second.pk).out
    assert said.startswith("Taken back: 3 products, of which 0 went, 3 got their former")
    versions = MaterialVersion.objects.count()
    again = bring(xml_feed(feed))
    assert again.result["unchanged"] == 3
    assert MaterialVersion.objects.count() == versions


def test_what_cannot_be_undone_is_said(feed):
    job = bring(feed)
    BackgroundJob.objects.filter(pk=job.pk).update(
        status="pending", completed_at=None, started_at=None, progress=0
    )
    unknown = uuid4()
    for pk, sentence in (
        (job.pk, f"Job {job.pk} cannot be undone. The job has not ended"),
        (unknown, f"There is no job {unknown}."),
        ("odd", "There is no job odd."),
    ):
        answer = manage("materials", "undo", "--job", pk)
        assert (answer.code, answer.out) == (2, "")
        assert answer.err.startswith(sentence)
    assert Material.objects.count() == 3
