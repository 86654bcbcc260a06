"""What the monitor's address and its search select."""

import pytest
from django.http import QueryDict
from hypothesis import given
from hypothesis import strategies as st

from jobtracker.catalogue.models import Supplier
from jobtracker.models import BackgroundJob
from jobtracker.monitor import queries
from jobtracker.monitor.filters import Filter
from tests.db.jobs import make_job


def read(**query: str) -> Filter:
    given_ = QueryDict(mutable=True)
    given_.update(query)
    return Filter.from_query(given_)


@pytest.fixture
def jobs(db):
    """Three jobs: a plain one, one of a supplier, a failed one with a message."""
    northstone = Supplier.objects.create(name="Northstone Example")
    plain = make_job()
    supplied = make_job(supplier_id=northstone.pk)
    failed = make_job()
    BackgroundJob.objects.filter(pk=failed.pk).update(
        status="failed", failed_at="2026-01-02T00:00Z", error="Embedding time-out after 30 s"
    )
    BackgroundJob.objects.filter(pk=plain.pk).update(filename="Stone & Wood (new) 100%.csv")
    return {"plain": plain.pk, "supplied": supplied.pk, "failed": failed.pk}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, {"plain", "supplied", "failed"}),
        ({"type": "import"}, {"plain", "supplied", "failed"}),
        ({"type": "xml_import"}, {"plain", "supplied", "failed"}),
        ({"type": "pdf"}, set()),
        ({"status": "failed"}, {"failed"}),
        ({"supplier": "northstone example"}, {"supplied"}),
        ({"q": "supplier:north"}, {"supplied"}),
        ({"q": 'supplier:"Northstone Example"'}, {"supplied"}),
        ({"q": "status:failed error:time-out"}, {"failed"}),
        ({"q": "status:failed status:pending"}, {"plain", "supplied", "failed"}),
        ({"q": "type:xml status:pending"}, {"plain", "supplied"}),
        ({"q": "WOOD"}, {"plain"}),
        ({"q": "100%.csv"}, {"plain"}),
        ({"q": '"Wood (new)"'}, {"plain"}),
        ({"q": 'wood "'}, set()),
        ({"q": "status:nonsense"}, set()),
        ({"status": "nonsense"}, set()),
        ({"type": "nonsense"}, set()),
        ({"q": "http://wood"}, set()),
    ],
)
def test_selects(jobs, query, expected):
    found = set(read(**query).rows().values_list("pk", flat=True))
    assert found == {jobs[name] for name in expected}


def test_finds_a_job_by_a_part_of_its_id(jobs):
    part = str(jobs["plain"])[-12:]
    assert list(read(q=part).rows().values_list("pk", flat=True)) == [jobs["plain"]]


def test_address_round_trip():
    wanted = read(type="pdf", status="failed", supplier="A & B", q="x y")
    assert Filter.from_query(QueryDict(wanted.query()[1:])) == wanted
    assert wanted.query(status="", q="") == "?type=pdf&supplier=A+%26+B"
    assert Filter().query() == ""


@given(st.text(max_size=300), st.text(max_size=300))
def test_any_text_is_a_filter(q, supplier):
    wanted = read(q=q, supplier=supplier)
    str(wanted.rows().query)


def test_pages_by_key_forwards_and_back(db, monkeypatch):
    monkeypatch.setattr(queries, "PAGE", 3)
    ids = [make_job().pk for _ in range(8)][::-1]

    def keys(page):
        return [row.job.pk for row in page.rows]

    first = queries.page(Filter())
    assert keys(first) == ids[:3]
    assert first.newer is None
    second = queries.page(Filter(), older=first.older)
    assert keys(second) == ids[3:6]
    last = queries.page(Filter(), older=second.older)
    assert (keys(last), last.older) == (ids[6:], None)
    assert keys(queries.page(Filter(), newer=last.newer)) == ids[3:6]
    back = queries.page(Filter(), newer=second.newer)
    assert (keys(back), back.newer) == (ids[:3], None)


def test_newcomers_are_what_a_page_lacks(db, monkeypatch):
    monkeypatch.setattr(queries, "PAGE", 3)
    ids = [make_job().pk for _ in range(5)]
    page = queries.page(Filter())
    shown = [row.job.pk for row in page.rows]
    assert queries.newcomers(Filter(), shown) == 0
    make_job()
    assert queries.newcomers(Filter(), shown) == 1
    failed = read(status="failed")
    assert queries.newcomers(failed, []) == 0
    BackgroundJob.objects.filter(pk=ids[0]).update(status="failed", failed_at="2026-01-02T00:00Z")
    assert queries.newcomers(failed, []) == 1
