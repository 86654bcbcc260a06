"""The pages of the materials: the list, one material, and what people do there."""

import csv
import io
import json

import pytest
from asgiref.sync import async_to_sync
from django.db import connection

from jobtracker.catalogue import export, people, undo
from jobtracker.catalogue.filters import Filter
from jobtracker.catalogue.models import Kind, Material, MaterialMerge
from jobtracker.catalogue.pages import acts, listing
from jobtracker.catalogue.write import Row
from jobtracker.models import AuditEntry, BackgroundJob
from tests.db.catalogue_feed import CREATE_ROWS_TABLE, price, row, source, write
from tests.db.pages import act, signed_in
from tests.db.test_undo import ended

pytestmark = pytest.mark.django_db

LIST = "/admin/materials"
# Session, user, permissions (2), navigation, exact codes, rows, thumbnails, facets, suppliers,
# states (4), the notice.
LIST_QUERIES = 15


@pytest.fixture(autouse=True)
def rows_table(db):
    with connection.cursor() as cursor:
        cursor.execute(CREATE_ROWS_TABLE)


@pytest.fixture
def viewer(client):
    return signed_in(client, "Viewers")


@pytest.fixture
def operator(client):
    return signed_in(client, "Operators")


def text_of(response) -> str:
    return response.content.decode()


def page(client, **query):
    return client.get(LIST, query).context["page"]


def names(client, **query) -> list[str]:
    return [line.title for line in page(client, **query).lines]


SIZE = {"text": "60x60 cm", "w": "600", "h": "600"}


def some():
    write(
        [
            row(1, sku="AR-60", name="Arona Grey", category=["Floors", "Tiles"], colour="grey"),
            row(2, sku="AR-61", name="Arona Red", category=["Floors", "Wood"], colour="red"),
            row(3, name="Slate", brand="Lindvall", finish="matt", size=SIZE, ean="4006381333931"),
        ]
    )
    write([row(1, name="Oak", price=price("12.50"))], source(Kind.SITE, supplier="Mosshult"))


def test_with_and_without_final_slash(viewer):
    for address in (LIST, f"{LIST}/review", f"{LIST}/doubles"):
        assert viewer.get(address).status_code == viewer.get(f"{address}/").status_code == 200


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, ["Oak", "Slate", "Arona Red", "Arona Grey"]),
        ({"supplier": "Mosshult"}, ["Oak"]),
        ({"category": "Floors"}, ["Arona Red", "Arona Grey"]),
        ({"category": "Floors > Tiles"}, ["Arona Grey"]),
        ({"colour": "red"}, ["Arona Red"]),
        ({"finish": "matt"}, ["Slate"]),
        ({"size": "600x600"}, ["Slate"]),
        ({"size": "600x"}, []),
        ({"kind": "site"}, ["Oak"]),
        ({"kind": "odd"}, []),
        ({"state": "odd"}, []),
        ({"state": "inactive"}, []),
        ({"q": "aron"}, ["Arona Red", "Arona Grey"]),
        ({"q": "red ARONA"}, ["Arona Red"]),
        ({"q": "lindv"}, ["Slate"]),
        ({"q": "ar60"}, ["Arona Grey"]),
        ({"q": "AR-6"}, ["Arona Red", "Arona Grey"]),
        ({"q": "4006381333931"}, ["Slate"]),
        ({"q": "it's \\ ' & | ! :* ()"}, []),
        ({"q": "-"}, []),
        ({"q": "aron", "colour": "red"}, ["Arona Red"]),
    ],
)
def test_the_address_says_what_is_shown(viewer, query, found):
    some()
    assert names(viewer, **query) == found


def test_an_exact_code_stands_first(viewer):
    write([row(1, sku="AR", name="Other")])
    write([row(n, key=f"n{n}", name=f"AR {n}") for n in range(2, 5)])
    assert names(viewer, q="ar") == ["Other", "AR 4", "AR 3", "AR 2"]


def test_facets_count_what_is_left(viewer):
    some()
    total, facets = listing.facets(Filter())
    counted = {facet.name: [(text, number) for text, _, number in facet.values] for facet in facets}
    assert total == 4
    assert counted == {
        "supplier": [("Lindvall Tiles", "3"), ("Mosshult", "1")],
        "category": [("Floors", "2")],
        "colour": [("grey", "1"), ("red", "1")],
        "finish": [("matt", "1")],
        "size": [("600 × 600", "1")],
        "kind": [("Feed", "3"), ("Site", "1")],
    }
    _, facets = listing.facets(Filter(category="Floors"))
    [category] = [facet for facet in facets if facet.name == "category"]
    assert [text for text, _, _ in category.values] == ["Tiles", "Wood"]
    assert category.values[0][1] == "?category=Floors+%3E+Tiles"


def test_states(viewer):
    some()
    oak, slate = Material.objects.get(name="Oak"), Material.objects.get(name="Slate")
    people.reject(oak.pk, None)
    Material.objects.filter(pk=slate.pk).update(review="several candidates")
    assert names(viewer) == ["Slate", "Arona Red", "Arona Grey"]
    assert names(viewer, state="out") == ["Oak"]
    assert names(viewer, state="review") == ["Slate"]


def test_pages_by_keyset_there_and_back(viewer, monkeypatch):
    monkeypatch.setattr(listing, "PAGE", 2)
    write([row(n) for n in range(1, 6)])
    first = page(viewer)
    second = page(viewer, older=first.older)
    last = page(viewer, older=second.older)
    shown = [[line.title for line in each.lines] for each in (first, second, last)]
    assert shown == [["Tile 5", "Tile 4"], ["Tile 3", "Tile 2"], ["Tile 1"]]
    assert last.older is None
    back = page(viewer, newer=last.newer)
    assert [line.title for line in back.lines] == ["Tile 3", "Tile 2"]


@pytest.mark.parametrize("number", [0, 3, 60])
def test_costs_the_same_number_of_queries_for_any_number(
    viewer, django_assert_max_num_queries, number
):
    write([row(n, sku=f"A{n}") for n in range(number)])
    with django_assert_max_num_queries(LIST_QUERIES):
        assert viewer.get(LIST, {"q": "tile"} if number else {}).status_code == 200


def test_says_that_there_is_nothing_yet_and_that_nothing_matches(viewer):
    assert "No materials yet" in text_of(viewer.get(LIST))
    assert "Nothing matches" in text_of(viewer.get(LIST, {"q": "nothing"}))


def one() -> Material:
    return Material.objects.get()


def url(material: Material, rest: str = "") -> str:
    return f"{LIST}/{material.pk}{rest and '/' + rest}"


def test_a_material_shows_each_value_with_its_evidence(viewer):
    said = {"row": {"page": 7, "confidence": 0.7}, "colour": {"raw": "GREY", "box": [1, 2, 3, 4]}}
    write([Row(7001, 7, "k", {"name": "Slate", "colour": "grey"}, said)], source(Kind.PDF))
    shown = text_of(viewer.get(url(one())))
    for words in ("GREY", "page 7", "box 1, 2 to 3, 4", "0.7", "low confidence", "Created"):
        assert words in shown


def test_pictures_have_a_line_of_evidence_too(viewer):
    names = ["https://n.example/a.jpg", "https://n.example/b.jpg"]
    write([row(1, images=names, attributes={"url": "https://n.example/1"})])
    people.correct(one().pk, {"images": names[:1]}, {"images": {"raw": names[0]}}, None)
    context = viewer.get(url(one())).context
    rows = {each.label: each for each in context["rows"]}
    mine, feed = rows["Pictures"].cells
    assert (mine.value, mine.raw) == ("1 picture", names[0])
    assert (feed.value, feed.raw, feed.place) == ("2 pictures", " ".join(names), "line 2")
    assert rows["URL"].won.value == "https://n.example/1"
    assert context["order"] == ["Correction", "Feed", "Site", "PDF"]


def test_sources_stand_side_by_side_in_the_order_that_decided(viewer):
    write([row(1, sku="A", colour="grey")])
    write([row(1, sku="A", colour="red", finish="matt")], source(Kind.SITE))
    context = viewer.get(url(one())).context
    assert [column.kind for column in context["columns"]] == ["Feed", "Site"]
    rows = {each.target: each for each in context["rows"]}
    assert [cell and (cell.value, cell.wins) for cell in rows["colour"].cells] == [
        ("grey", True),
        ("red", False),
    ]
    assert [cell and cell.wins for cell in rows["finish"].cells] == [None, True]


def test_the_history_says_what_each_job_changed(viewer):
    job = ended()
    write([row(1, colour="grey", price=price("10"))])
    write([row(1, colour="red", price=price("12"))], job=job.pk)
    people.correct(one().pk, {"colour": "ruby"}, {"colour": {"raw": "ruby"}}, None)
    history = viewer.get(url(one())).context["history"]
    assert [(event.what, event.changes) for event in history] == [
        ("Correct", [("colour", "red", "ruby")]),
        ("Updated", [("colour", "grey", "red"), ("price", "10.00", "12.00")]),
        ("Created", []),
    ]
    assert history[1].url == f"/admin/async-queue-monitor/jobs/{job.pk}"


def form_of(client, material) -> dict[str, str]:
    """Return the form of a correction as the page gives it."""
    form = client.get(url(material, "edit")).context["form"]
    shown = {field.html_name: field.value() for field in form}
    return shown | {field.html_initial_name: field.value() for field in form}


def edited(client, material, **changes):
    return act(client, url(material, "edit"), **(form_of(client, material) | changes))


def test_an_operator_corrects_what_was_changed_and_nothing_else(operator):
    write([row(1, sku="A-1", colour="gray", price=price("10"), attributes={"Slip": "R9"})])
    form = form_of(operator, one())
    write([row(1, sku="A-1", colour="gray", price=price("12"), attributes={"Slip": "R9"})])
    changes = {"colour": "grey", "attribute.Slip": "R10"}
    act(operator, url(one(), "edit"), **(form | changes))
    [said] = one().sources.filter(source__kind=Kind.CORRECTION)
    assert said.vals == {"colour": "grey", "attributes": {"Slip": "R10"}}
    assert (str(one().price), one().attributes) == ("12", {"Slip": "R10"})
    assert AuditEntry.objects.get().actor_name == "operators"


def test_values_that_belong_together_are_corrected_together(operator):
    write([row(1, price=price("10"))])
    edited(operator, one(), currency="sek")
    [said] = one().sources.filter(source__kind=Kind.CORRECTION)
    assert said.vals == {"price": {"amount": "10", "currency": "SEK"}}


def test_an_emptied_field_stays_empty_and_is_given_back(operator):
    write([row(1, colour="grey", price=price("10"))])
    edited(operator, one(), colour="", price="", currency="")
    write([row(1, colour="red", price=price("11"))])
    assert (one().colour, one().price) == (None, None)
    assert "none" in text_of(operator.get(url(one())))
    act(operator, url(one(), "give-back"), field="colour")
    assert (one().colour, one().price) == ("red", None)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"price": "12,50"}, "Write a number with a point"),
        ({"price": "", "currency": "EUR"}, "needs a price"),
        ({"currency": "XQX"}, "XQX is no currency"),
        ({"width": "60 cm"}, "Write a number with a point"),
    ],
)
def test_what_cannot_be_read_is_said(operator, changes, sentence):
    write([row(1, price=price("10"))])
    answer = edited(operator, one(), **changes)
    assert answer.status_code == 400
    assert sentence in text_of(answer)
    assert one().sources.count() == 1


def test_nothing_changed_writes_nothing(operator):
    write([row(1, price=price("10"), category=["A", "B"], images=["https://a.example/1.jpg"])])
    edited(operator, one())
    assert one().sources.count() == 1
    assert not AuditEntry.objects.exists()


def test_a_viewer_may_look_and_not_act(viewer):
    write([row(1)])
    assert viewer.get(url(one(), "edit")).status_code == 403
    for verb in ("edit", "accept", "reject", "restore", "merge", "give-back"):
        assert act(viewer, url(one(), verb)).status_code == 403
    assert url(one(), "edit") not in text_of(viewer.get(url(one())))


def flagged(number: int = 3):
    write([row(n) for n in range(1, number + 1)])
    Material.objects.update(review="low confidence")
    return list(Material.objects.order_by("pk"))


def by_script(client, address, **form):
    token = client.get("/admin/async-queue-monitor").context["csrf_token"]
    data = {"csrfmiddlewaretoken": str(token), "review": "1", **form}
    return client.post(address, data, headers={"HX-Request": "true"})


def test_the_review_goes_on_with_the_next_one(operator):
    first, second, third = flagged()
    assert operator.get(f"{LIST}/review").context["desk"].one == first
    answer = by_script(operator, url(first, "accept"))
    assert "<main" not in text_of(answer)
    assert answer.context["desk"].one == second
    assert "Accepted" in text_of(answer)
    answer = by_script(operator, url(second, "reject"))
    assert answer.context["desk"].one == third
    form = form_of(operator, third) | {"colour": "red"}
    answer = by_script(operator, url(third, "edit"), **form)
    assert answer.context["desk"].one is None
    assert "Nothing is left" in text_of(answer)
    states = Material.objects.order_by("pk").values_list("review", "active", "colour")
    assert [*states] == [(None, True, None), (None, False, None), (None, True, "red")]


def test_the_review_works_without_scripts(operator):
    first, *_ = flagged(2)
    address = f"{LIST}/review?at={first.pk}"
    answer = act(operator, url(first, "accept"), review="1", next=address)
    assert answer.headers["location"] == address
    assert operator.get(address).context["desk"].one.pk > first.pk


def test_candidates_are_offered_and_merged(operator):
    write([row(1, sku="A-1"), row(2, sku="A-1", colour="red")])
    kept, double = Material.objects.order_by("pk")
    address = f"{LIST}/review?at={double.pk}"
    [candidate] = operator.get(address).context["candidates"]
    assert candidate.material == kept
    by_script(operator, url(double, "merge"), into="1", other=str(kept.pk))
    assert MaterialMerge.objects.values_list("kept_id", "merged_id").get() == (kept.pk, double.pk)


def test_likely_doubles_are_listed_merged_and_parted(operator):
    write([row(1, sku="A-1", ean="4006381333931"), row(2, sku="A-1", ean="4006381333931")])
    write([row(3, name="Slate", size=SIZE), row(4, name="SLATE", size=SIZE), row(5, name="Slate")])
    write([row(1, sku="A-1")], source(supplier="Mosshult"))
    for by, number in (("ean", 1), ("sku", 1), ("name", 1)):
        [group] = operator.get(f"{LIST}/doubles", {"by": by}).context["groups"]
        assert group.number == 2 * number
    kept, merged = (line.material for line in group.lines)
    act(operator, url(kept, "merge"), other=str(merged.pk))
    assert not operator.get(f"{LIST}/doubles?by=name").context["groups"]
    assert "was merged into this one" in text_of(operator.get(url(kept)))
    [done] = MaterialMerge.objects.all()
    act(operator, f"{LIST}/merges/{done.pk}/undo")
    assert operator.get(f"{LIST}/doubles?by=name").context["groups"]


def test_a_job_is_undone_from_its_page(operator):
    job = ended()
    write([row(1), row(2)], job=job.pk)
    address = f"{LIST}/undo/{job.pk}"
    assert address in text_of(operator.get(f"/admin/async-queue-monitor/jobs/{job.pk}"))
    assert operator.get(address).context["reach"].created == 2
    act(operator, address)
    assert Material.objects.count() == 2
    answer = act(operator, address, reason="wrong file")
    assert "Taken back: 2 products" in text_of(operator.get(answer.headers["location"]))
    assert not Material.objects.exists()
    assert "Nothing is left" in text_of(operator.get(address))


def test_an_undo_goes_on_over_several_requests(operator, monkeypatch):
    monkeypatch.setattr(acts, "AT_ONCE", 0)
    monkeypatch.setattr(undo, "_RESTORE", undo._RESTORE.replace("LIMIT 1000", "LIMIT 2"))
    job = ended()
    write([row(n) for n in range(1, 6)], job=job.pk)
    address = f"{LIST}/undo/{job.pk}"
    answer = by_script(operator, address, reason="wrong file")
    while "HX-Redirect" not in answer.headers:
        assert "It goes on" in text_of(answer)
        answer = by_script(operator, address, before=str(answer.context["rest"]))
    assert not Material.objects.exists()
    assert AuditEntry.objects.filter(action="undo").count() == 1


def test_a_running_job_is_not_undone(operator):
    job = ended()
    write([row(1)], job=job.pk)
    BackgroundJob.objects.filter(pk=job.pk).update(
        status="pending", completed_at=None, started_at=None, progress=0
    )
    assert "has not ended" in text_of(operator.get(f"{LIST}/undo/{job.pk}"))
    act(operator, f"{LIST}/undo/{job.pk}", reason="r")
    assert Material.objects.exists()


def test_a_material_that_an_undo_removed_says_so(viewer):
    job = ended()
    write([row(1)], job=job.pk)
    address = url(one())
    undo.begin(job, None)
    undo.undo_some(job, seconds=60)
    assert viewer.get(address).status_code == 404


def downloaded(client, kind: str, **query) -> str:
    response = client.get(f"{LIST}/export", {"format": kind, **query})

    async def taken() -> str:
        return b"".join([piece async for piece in response.streaming_content]).decode()

    return async_to_sync(taken)()


def test_the_filtered_list_is_exported(viewer, monkeypatch):
    monkeypatch.setattr(export, "PAGE", 2)
    write([row(n, name=f"=Tile {n}", colour="red" if n % 2 else "blue") for n in range(1, 8)])
    table = list(csv.DictReader(io.StringIO(downloaded(viewer, "csv", colour="red"))))
    assert [line["name"] for line in table] == [f"'=Tile {n}" for n in (1, 3, 5, 7)]
    assert len(json.loads(downloaded(viewer, "json"))) == 7
    lines = downloaded(viewer, "ndjson", q="tile").splitlines()
    assert [json.loads(line)["name"] for line in lines] == [f"=Tile {n}" for n in range(1, 8)]
    assert json.loads(downloaded(viewer, "json", q="nothing")) == []


def test_an_unknown_format_is_refused(viewer):
    assert viewer.get(f"{LIST}/export", {"format": "odd"}).status_code == 400
