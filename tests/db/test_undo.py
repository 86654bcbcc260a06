"""A job is taken back: what it wrote goes, what others or later runs wrote stays."""

from uuid import uuid4

import pytest
from django.db import connection
from django.utils import timezone

from jobtracker.catalogue import people, undo
from jobtracker.catalogue.models import Kind, Material, MaterialSource, MaterialVersion
from jobtracker.catalogue.undo import Reach
from jobtracker.catalogue.write import Outcome
from jobtracker.models import AuditEntry, BackgroundJob
from tests.db.catalogue_feed import CREATE_ROWS_TABLE, price, row, source, write
from tests.db.jobs import make_job

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def rows_table():
    with connection.cursor() as cursor:
        cursor.execute(CREATE_ROWS_TABLE)


def ended() -> BackgroundJob:
    job = make_job()
    BackgroundJob.objects.filter(pk=job.pk).update(
        status="completed", started_at=timezone.now(), completed_at=timezone.now(), progress=100
    )
    job.refresh_from_db()
    return job


def undone(job: BackgroundJob) -> Reach:
    found = undo.begin(job, None)
    assert undo.undo_some(job, seconds=60) == 0
    return found


def state():
    """Materials and source rows, but for when they changed and by which key they are stored."""
    materials = Material.objects.order_by("pk").values()
    sources = MaterialSource.objects.order_by("source_id", "source_key").values()
    return [
        [{k: v for k, v in each.items() if k not in left_out} for each in rows]
        for rows, left_out in ((materials, {"changed_at"}), (sources, {"id"}))
    ]


FEED = [row(n, sku=f"A-{n}", price=price("10"), colour="red") for n in range(1, 6)]
DEARER = [row(n, sku=f"A-{n}", price=price("12"), finish="matt") for n in range(1, 6)]


def test_updated_rows_get_their_former_values_and_the_old_feed_finds_nothing_to_do():
    write(FEED)
    before = state()
    job = ended()
    write(DEARER, job=job.pk)
    assert undone(job) == Reach(updated=5)
    assert state() == before
    assert write(FEED) == Outcome(unchanged=5)


def test_what_the_job_created_goes_and_comes_again_once():
    job = ended()
    write(FEED, job=job.pk)
    assert undone(job) == Reach(created=5)
    assert not Material.objects.exists()
    assert not MaterialSource.objects.exists()
    assert write(FEED) == Outcome(created=5)
    assert Material.objects.count() == 5


def test_a_source_that_was_attached_leaves_and_the_material_stays():
    write(FEED)
    before = state()
    job = ended()
    site = [row(n, sku=f"A-{n}", finish="matt") for n in range(1, 4)]
    write(site, source(Kind.SITE), job.pk)
    assert undone(job) == Reach(updated=3)
    assert state() == before
    write(site, source(Kind.SITE))
    assert Material.objects.count() == 5


def test_products_are_counted_not_what_a_source_says_of_them():
    write(FEED)
    site = source(Kind.SITE)
    write([row(1, sku="A-1", finish="matt")], site)
    job = ended()
    write([row(n, sku=f"A-{n}", price=price("10")) for n in range(1, 3)], site, job.pk)
    dearer = [row(n + 10, f"k{n}", f"A-{n}", price=price("12"), colour="red") for n in (2, 3)]
    write(dearer, job=job.pk)
    assert undo.reach(job) == Reach(updated=3)
    write([row(3, sku="A-3", price=price("13"))])
    assert undone(job) == Reach(updated=2, later=1)


def test_what_leaves_a_product_as_it_is_counts_apart():
    write(FEED)
    job = ended()
    write([row(n, sku=f"A-{n}", colour="red") for n in range(1, 3)], source(Kind.SITE), job.pk)
    assert undone(job) == Reach(unchanged=2)


def test_what_changed_since_stays():
    write(FEED)
    job = ended()
    write(DEARER, job=job.pk)
    write([row(1, sku="A-1", price=price("13"))])
    assert undone(job) == Reach(updated=4, later=1)
    prices = Material.objects.order_by("pk").values_list("price", flat=True)
    assert [*map(str, prices)] == ["13", "10", "10", "10", "10"]


def test_a_correction_goes_on_winning():
    write(FEED)
    one = Material.objects.earliest("pk")
    job = ended()
    write(DEARER, job=job.pk)
    people.correct(one.pk, {"finish": "gloss"}, {"finish": {"raw": "gloss"}}, None)
    assert undone(job) == Reach(updated=5)
    one.refresh_from_db()
    assert (one.finish, str(one.price)) == ("gloss", "10")


def test_a_corrected_material_that_the_job_made_is_found_again():
    job = ended()
    write([row(1, key="by name", colour="red")], job=job.pk)
    one = Material.objects.get()
    people.correct(one.pk, {"colour": "ruby"}, {"colour": {"raw": "ruby"}}, None)
    undone(job)
    assert not Material.objects.get().active
    write([row(1, key="by name", colour="red")])
    one.refresh_from_db()
    assert (one.active, one.colour, Material.objects.count()) == (True, "ruby", 1)


def test_a_rejected_material_stays_rejected():
    job = ended()
    write([row(1)], job=job.pk)
    people.reject(Material.objects.get().pk, None)
    undone(job)
    write([row(1)])
    assert not Material.objects.get().active


def test_two_jobs_are_taken_back_one_after_the_other():
    write(FEED)
    before = state()
    first, second = ended(), ended()
    write(DEARER, job=first.pk)
    write([row(n, sku=f"A-{n}", price=price("14")) for n in range(1, 6)], job=second.pk)
    assert undone(second) == Reach(updated=5)
    assert undone(first) == Reach(updated=5)
    assert state() == before


def test_a_key_that_the_job_wrote_twice_goes_back_to_before_the_first():
    write([row(1, price=price("10"))])
    before = state()
    job = ended()
    write([row(1, price=price("11"))], job=job.pk)
    write([row(2, key="k1", price=price("12"))], job=job.pk)
    undone(job)
    assert state() == before


def test_the_batches_go_on_where_they_stopped(monkeypatch):
    write(FEED)
    before = state()
    job = ended()
    write(DEARER, job=job.pk)
    monkeypatch.setattr(undo, "_RESTORE", undo._RESTORE.replace("LIMIT 1000", "LIMIT 2"))
    rest = undo.undo_some(job, seconds=0)
    assert undo.reach(job) == Reach(updated=3, undone=2)
    while rest := undo.undo_some(job, seconds=0, before=rest):
        pass
    assert state() == before
    assert undo.reach(job) == Reach(undone=5)


def test_a_second_undo_changes_nothing():
    write(FEED)
    job = ended()
    write(DEARER, job=job.pk)
    undone(job)
    before, versions = state(), MaterialVersion.objects.count()
    assert undone(job) == Reach(undone=5)
    assert (state(), MaterialVersion.objects.count()) == (before, versions)


def test_a_material_that_the_job_brought_back_or_took_out_is_as_it_was():
    write([row(1), row(2)])
    one, other = Material.objects.order_by("pk")
    Material.objects.filter(pk=one.pk).update(active=False)
    job = ended()
    write([row(1)], job=job.pk)
    Material.objects.filter(pk=other.pk).update(active=False)
    kept = other.sources.get()
    MaterialVersion.objects.create(
        material_id=other.pk,
        job_id=job.pk,
        op="u",
        source_id=kept.source_id,
        source_key=kept.source_key,
        old={"active": True},
    )
    assert undone(job) == Reach(updated=2)
    assert [*Material.objects.order_by("pk").values_list("active", flat=True)] == [False, True]


def test_a_merged_source_is_taken_back_where_it_went():
    write([row(1, sku="A-1")])
    job = ended()
    write([row(1, sku="B-1", finish="matt")], source(Kind.SITE), job.pk)
    kept, merged = Material.objects.order_by("pk")
    people.merge(kept.pk, merged.pk, None)
    undone(job)
    kept.refresh_from_db()
    assert (kept.finish, kept.active, kept.sources.count()) == (None, True, 1)


def test_it_is_noted_on_the_job_and_in_the_audit_log():
    job = ended()
    write([row(1)], job=job.pk)
    undo.begin(job, None, "wrong file")
    job.refresh_from_db()
    assert job.result["undone"]["by"] == "command line"
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.subject_id, entry.reason) == ("undo", str(job.pk), "wrong file")
    assert entry.details["created"] == 1


def test_what_cannot_be_undone(settings):
    assert "has not ended" in undo.refusal(make_job())
    job = ended()
    assert "changed nothing" in undo.refusal(job)
    write([row(1)], job=job.pk)
    assert undo.refusal(job) == ""
    job.started_at = timezone.now() - timezone.timedelta(days=91)
    assert "90 days" in undo.refusal(job)
    settings.UNDO_DAYS = 0
    assert undo.refusal(job) == ""


def test_another_job_is_left_alone():
    job = ended()
    write(FEED, job=uuid4())
    assert undo.reach(job) == Reach()
