"""Two who change one supplier's templates at once follow each other: no version is lost."""

import pytest
from django.db import transaction

from imports import template_library as library
from imports.mapping import Mapping
from imports.mapping_choice import keep_template
from imports.models import MappingTemplate
from jobtracker.catalogue.models import Supplier
from jobtracker.models import User
from tests.db.jobs import Elsewhere, make_job, wait_until_blocked

pytestmark = pytest.mark.django_db(transaction=True)


def mapping(target: str) -> Mapping:
    return Mapping.from_json([{"source": "a", "target": target}])


@pytest.fixture
def template(transactional_db) -> MappingTemplate:
    supplier = Supplier.objects.create(name="N")
    said = mapping("name").to_json()
    return MappingTemplate.objects.create(supplier=supplier, name="tiles", shape="s", mapping=said)


@pytest.fixture
def user(transactional_db) -> User:
    return User.objects.create_user("kim")


def versions() -> list[tuple[int, str]]:
    rows = MappingTemplate.objects.order_by("version")
    return [(row.version, row.mapping["fields"][0]["target"]) for row in rows]


def test_of_two_edits_of_one_version_the_second_is_told(template, user):
    with transaction.atomic():
        library.add_version(template, mapping("sku"), user, after=1)
        other = Elsewhere(lambda: library.add_version(template, mapping("brand"), user, after=1))
        wait_until_blocked()
    with pytest.raises(library.Refused, match="has saved version 2 meanwhile"):
        other.result()
    assert versions() == [(1, "name"), (2, "sku")]


def test_an_edit_beside_a_run_that_keeps_its_mapping_is_the_next_version(template, user):
    with transaction.atomic():
        keep_template(template.supplier, "tiles", "", "s", mapping("sku"))
        other = Elsewhere(lambda: library.add_version(template, mapping("brand"), user))
        wait_until_blocked()
    assert other.result().version == 3
    assert versions() == [(1, "name"), (2, "sku"), (3, "brand")]


def test_an_edit_beside_a_rename_has_the_new_name(template, user):
    with transaction.atomic():
        library.rename(template, "spring", user)
        other = Elsewhere(lambda: library.add_version(template, mapping("sku"), user))
        wait_until_blocked()
    other.result()
    assert set(MappingTemplate.objects.values_list("name", "version")) == {
        ("spring", 1),
        ("spring", 2),
    }


def test_jobs_of_the_supplier_are_made_while_a_template_changes(template, user):
    with transaction.atomic():
        library.add_version(template, mapping("sku"), user)
        Elsewhere(lambda: make_job(supplier_id=template.supplier_id)).result()
