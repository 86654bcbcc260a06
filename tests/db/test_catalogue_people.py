"""What a person says of a material: corrections that win, verdicts that last, merges."""

from uuid import uuid4

import pytest
from django.db import connection

from jobtracker.catalogue import people
from jobtracker.catalogue.models import Kind, Material, MaterialSource, MaterialVersion
from jobtracker.catalogue.write import Outcome, Row
from jobtracker.models import AuditEntry, User
from tests.db.catalogue_feed import CREATE_ROWS_TABLE, price, row, source, write

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def rows_table():
    with connection.cursor() as cursor:
        cursor.execute(CREATE_ROWS_TABLE)


@pytest.fixture
def sam(db):
    return User.objects.create_user("sam")


def only() -> Material:
    return Material.objects.get()


def say(sam, values, **raw):
    provenance = {target: {"raw": text} for target, text in raw.items()}
    return people.correct(only().pk, values, provenance, sam)


def test_a_correction_wins_over_later_runs_until_it_is_given_back(sam):
    write([row(1, sku="A-1", colour="gray", price=price("10"))])
    assert say(sam, {"colour": "grey"}, colour="grey") == {"colour": "gray"}
    for colour, amount in (("green", "11"), ("blue", "12")):
        write([row(1, sku="A-1", colour=colour, price=price(amount))])
        assert (only().colour, str(only().price)) == ("grey", amount)
    assert people.give_back(only().pk, "colour", sam) == {"colour": "grey"}
    assert only().colour == "blue"
    assert not MaterialSource.objects.filter(source__kind=Kind.CORRECTION).exists()
    write([row(1, sku="A-1", colour="red")])
    assert only().colour == "red"


def test_a_value_is_blanked_and_stays_so(sam):
    values = {"colour": "red", "finish": "matt", "stock": "3"}
    write([row(1, price=price("10"), attributes={"Slip": "R9", "Frost": "yes"}, **values)])
    blank = {"colour": None, "price": None, "stock": None, "attributes": {"Slip": None}}
    say(sam, blank, colour="", price="", stock="", **{"attribute.Slip": ""})
    write([row(1, price=price("11"), attributes={"Slip": "R10", "Frost": "yes"}, **values)])
    one = only()
    assert (one.colour, one.price, one.currency, one.stock) == (None, None, None, None)
    assert (one.finish, one.attributes) == ("matt", {"Frost": "yes"})
    people.give_back(one.pk, "attribute.Slip", sam)
    people.give_back(one.pk, "price", sam)
    assert (only().attributes["Slip"], str(only().price)) == ("R10", "11")


def test_a_second_correction_leaves_the_first(sam):
    write([row(1, colour="gray", finish="mat")])
    say(sam, {"colour": "grey"}, colour="grey")
    say(sam, {"finish": "matt"}, finish="matt")
    assert (only().colour, only().finish) == ("grey", "matt")
    said = MaterialSource.objects.get(source__kind=Kind.CORRECTION)
    assert said.provenance == {
        "colour": {"raw": "grey", "method": "corrected by sam"},
        "finish": {"raw": "matt", "method": "corrected by sam"},
    }
    people.give_back(only().pk, "colour", sam)
    said.refresh_from_db()
    assert (said.vals, [*said.provenance]) == ({"finish": "matt"}, ["finish"])


def test_what_nobody_corrected_cannot_be_given_back(sam):
    write([row(1, colour="gray")])
    with pytest.raises(people.Refused, match="Nobody has corrected colour"):
        people.give_back(only().pk, "colour", sam)


def test_a_correction_has_its_version_and_its_audit_line(sam):
    write([row(1, colour="gray")])
    say(sam, {"colour": "grey"}, colour="grey")
    version = MaterialVersion.objects.latest("pk")
    assert (version.job_id, version.op, version.old) == (None, "a", {"colour": "gray"})
    entry = AuditEntry.objects.get()
    assert (entry.actor_name, entry.action, entry.subject, entry.subject_id) == (
        "sam",
        "correct",
        "material",
        str(only().pk),
    )
    assert entry.details == {"fields": ["colour"], "old": {"colour": "gray"}}


def unsure(number: int, **values) -> Row:
    return Row(number, number, f"k{number}", values, {"row": {"page": 1, "confidence": 0.7}})


def test_what_a_source_is_unsure_of_is_flagged_as_often_as_it_changes_something(sam):
    pdf = source(Kind.PDF)
    assert write([unsure(1, name="Slate", colour="grey")], pdf) == Outcome(created=1, review=1)
    assert only().review == "low confidence"
    people.accept(only().pk, sam)
    assert only().review is None
    write([unsure(1, name="Slate", colour="grey")], pdf)
    assert only().review is None
    write([unsure(1, name="Slate", colour="red")], pdf)
    assert only().review == "low confidence"


def test_a_single_unsure_value_flags_too():
    said = {"row": {"url": "https://a.example/"}, "colour": {"raw": "grey", "confidence": 0.4}}
    write([Row(1, 1, "k", {"colour": "grey"}, said)], source(Kind.SITE))
    assert only().review == "low confidence"


def test_what_is_sure_enough_is_not_flagged():
    said = {"row": {"confidence": 0.9}, "images": [{"raw": "a"}]}
    assert write([Row(1, 1, "k", {"name": "Arona", "images": ["a"]}, said)]) == Outcome(created=1)


def test_a_rejected_material_stays_out_whatever_comes(sam):
    write([row(1, sku="A-1", colour="red")])
    people.reject(only().pk, sam)
    write([row(1, sku="A-1", colour="red")])
    write([row(1, sku="A-1", colour="blue")])
    assert (only().active, only().colour) == (False, "blue")
    write([row(1, sku="A-1")], source(Kind.SITE))
    assert Material.objects.filter(active=True).count() == 1
    with pytest.raises(people.Refused):
        people.reject(Material.objects.earliest("pk").pk, sam)


def test_a_rejected_material_comes_back_when_it_is_restored(sam):
    write([row(1)])
    people.reject(only().pk, sam)
    people.restore(only().pk, sam)
    assert only().active
    with pytest.raises(people.Refused):
        people.restore(only().pk, sam)


def two(**values):
    """A feed's product and a site's, which are one."""
    write([row(1, sku="A-1", colour="gray", **values)])
    write([row(1, sku="B-1", finish="matt")], source(Kind.SITE))
    return Material.objects.order_by("pk")


def test_a_merge_brings_the_sources_together(sam):
    kept, merged = two()
    people.merge(kept.pk, merged.pk, sam)
    kept.refresh_from_db()
    merged.refresh_from_db()
    assert (kept.sku, kept.colour, kept.finish) == ("A-1", "gray", "matt")
    assert (merged.active, merged.withdrawn) == (False, True)
    assert kept.sources.count() == 2
    write([row(1, sku="B-1", finish="gloss")], source(Kind.SITE))
    kept.refresh_from_db()
    assert kept.finish == "gloss"
    assert Material.objects.filter(active=True).count() == 1


def test_a_merge_is_undone_and_restores_both(sam):
    kept, merged = two()
    before = list(Material.objects.order_by("pk").values())
    done = people.merge(kept.pk, merged.pk, sam)
    people.unmerge(done.pk, sam)
    after = list(Material.objects.order_by("pk").values())
    for each in before + after:
        del each["changed_at"]
    assert after == before
    assert merged.sources.count() == kept.sources.count() == 1
    with pytest.raises(people.Refused, match="undone already"):
        people.unmerge(done.pk, sam)


@pytest.fixture
def flagged():
    """Two products of a feed with one article code."""
    write([row(1, sku="A-1", colour="gray"), row(2, sku="A-1", colour="blue")])
    return [material.pk for material in Material.objects.order_by("pk")]


def reviews() -> list[str | None]:
    return list(Material.objects.order_by("pk").values_list("review", flat=True))


def test_once_doubles_are_merged_nobody_need_look_until_that_is_undone(sam, flagged):
    assert reviews() == ["several candidates"] * 2
    done = people.merge(*flagged, sam)
    assert reviews() == [None, None]
    people.unmerge(done.pk, sam)
    assert reviews() == ["several candidates"] * 2


def test_a_double_is_asked_about_as_long_as_another_is_left(sam, flagged):
    write([row(3, sku="A-1", colour="red")])
    people.reject(flagged[1], sam)
    assert reviews() == ["several candidates", None, "several candidates"]
    people.reject(flagged[0], sam)
    assert reviews() == [None, None, None]


def test_doubles_of_one_feed_merge_and_later_runs_keep_them_so(sam):
    write([row(1, sku="A-1", colour="gray"), row(2, sku="A-1", colour="blue")])
    kept, merged = Material.objects.order_by("pk")
    people.merge(kept.pk, merged.pk, sam)
    write([row(1, sku="A-1", colour="red"), row(2, sku="A-1", colour="green")])
    write([row(9, sku="A-1", finish="matt")], source(Kind.SITE))
    active = Material.objects.get(active=True)
    assert (active.pk, active.colour, active.finish) == (kept.pk, "red", "matt")


def test_what_cannot_be_merged(sam):
    kept, merged = two()
    write([row(1)], source(supplier="Mosshult"))
    other = Material.objects.latest("pk")
    for pair in ((kept.pk, kept.pk), (kept.pk, other.pk), (kept.pk, 999_999)):
        with pytest.raises(people.Refused):
            people.merge(*pair, sam)
    people.merge(kept.pk, merged.pk, sam)
    with pytest.raises(people.Refused, match="out of the catalogue"):
        people.merge(kept.pk, merged.pk, sam)


def test_every_act_is_audited(sam):
    kept, merged = two()
    people.unmerge(people.merge(kept.pk, merged.pk, sam).pk, sam)
    people.reject(kept.pk, sam)
    people.restore(kept.pk, sam)
    acts = AuditEntry.objects.order_by("pk").values_list("action", flat=True)
    assert [*acts] == ["merge", "merge", "undo merge", "undo merge", "reject", "restore"]


def test_a_feed_and_its_correction_work_out_the_same_either_way(sam):
    """The writer's statement and the one for single acts give the same material."""
    write([row(1, sku="A-1", colour="gray", attributes={"Slip": "R9"})])
    write([row(1, sku="A-1", stock="4", attributes={"Frost": "yes"})], source(Kind.SITE))
    say(sam, {"attributes": {"Slip": "R10"}}, **{"attribute.Slip": "R10"})
    write([row(1, sku="A-1", colour="grey", attributes={"Slip": "R9"})], job=uuid4())
    before = Material.objects.values().get()
    assert people.resolve({before["id"]: None}) == {}
    assert Material.objects.values().get() == before
