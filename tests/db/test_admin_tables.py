"""The admin shows every table, at any size, and lets nobody change what machines write."""

from uuid import uuid4

import pytest
from django.apps import apps
from django.contrib import admin
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from imports.models import ImportRow
from jobtracker import audit
from jobtracker.catalogue.models import Material, Supplier
from jobtracker.models import AuditEntry, BackgroundJob, JobAttempt, JobEvent, User
from jobtracker.templatetags.jt import exact
from jobtracker.webhooks.models import WebhookCall
from pdfjobs.models import PdfDocument, PdfRow
from tests.db.every_table import fill
from tests.db.jobs import make_job
from tests.db.pages import signed_in

pytestmark = pytest.mark.django_db

OURS = {
    "jobtracker",
    "catalogue",
    "outgoing",
    "webhooks",
    "images",
    "imports",
    "scraping",
    "pdfjobs",
}
SHOWN = admin.site._registry


@pytest.fixture
def made():
    return fill()


@pytest.fixture
def administrator(client):
    return signed_in(client, "Administrators")


def address(model, page: str, *args) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


def statements(client, url: str) -> list[str]:
    with CaptureQueriesContext(connection) as caught:
        response = client.get(url)
    assert response.status_code == 200, url
    return [query["sql"] for query in caught]


def test_every_table_of_ours_is_shown():
    ours = {model for model in apps.get_models() if model._meta.app_label in OURS}
    assert ours <= set(SHOWN)


def test_times_are_written_as_on_our_pages(administrator, made):
    job = made[BackgroundJob]
    created = exact(job.created_at)
    for page in (address(BackgroundJob, "changelist"), address(BackgroundJob, "change", job.pk)):
        assert created in administrator.get(page).content.decode()


def test_the_queue_library_is_not_shown():
    assert not [model for model in SHOWN if model._meta.app_label == "django_q"]


def test_a_list_counts_nothing_and_a_row_shows_all_columns(administrator, made):
    for model in SHOWN:
        asked = statements(administrator, address(model, "changelist"))
        counts = f'__count" FROM "{model._meta.db_table}"'
        assert not [sql for sql in asked if counts in sql], model
        page = administrator.get(address(model, "change", made[model].pk))
        assert page.status_code == 200, model
        fieldsets = page.context["adminform"].fieldsets
        shown = {name for _, options in fieldsets for name in options["fields"]}
        if "status" in shown:
            assert "status" not in page.context["adminform"].form.fields, model


def many(number: int) -> None:
    """Add rows to the tables that grow."""
    start = User.objects.count()
    for each in range(start, start + number):
        supplier = Supplier.objects.create(name=f"Supplier {each}")
        job = make_job(supplier_id=supplier.pk)
        User.objects.create_user(f"user{each}")
        Material.objects.create(supplier=supplier, name="Tile")
        JobEvent.objects.create(job=job, message="m")
        ImportRow.objects.create(job=job, number=1, line=2, outcome="c")
        PdfRow.objects.create(job_id=job.pk, number=1001, line=1, outcome="c")
        JobAttempt.objects.create(job=job, number=1, token=uuid4(), worker=uuid4(), host="h", pid=1)
        WebhookCall.objects.create(
            job=job, job_type=job.job_type, webhook_url="u", host="h", idempotency_key=uuid4()
        )


def test_lists_ask_the_same_for_many_rows(administrator, made):
    lists = [address(model, "changelist") for model in SHOWN]
    for url in lists:
        administrator.get(url)  # what a process asks once
    few = {url: len(statements(administrator, url)) for url in lists}
    many(60)
    assert {url: len(statements(administrator, url)) for url in lists} == few
    assert max(few.values()) <= 14


def test_a_long_list_has_a_next_page(administrator, made):
    many(60)
    page = administrator.get(address(JobEvent, "changelist"))
    assert len(page.context["cl"].result_list) == 50
    assert "?p=2" in page.content.decode()
    assert (
        len(administrator.get(address(JobEvent, "changelist"), {"p": 2}).context["cl"].result_list)
        == 11
    )


@pytest.mark.parametrize("model", [JobEvent, ImportRow, PdfRow, WebhookCall, JobAttempt], ids=str)
def test_rows_are_found_by_their_job(administrator, made, model):
    other = make_job()
    url = address(model, "changelist")
    found = administrator.get(url, {"q": f" {made[model].job_id} "}).context["cl"].result_list
    assert [row.pk for row in found] == [made[model].pk]
    for text in (str(other.pk), "no id"):
        assert not administrator.get(url, {"q": text}).context["cl"].result_list


def test_a_sealed_password_is_not_shown(administrator, made):
    PdfDocument.objects.update(sealed_password="c2VhbGVk")
    document = made[PdfDocument]
    page = administrator.get(address(PdfDocument, "change", document.pk)).content.decode()
    assert document.content_hash in page
    assert "c2VhbGVk" not in page


def test_an_audit_entry_names_who_acted_without_a_link_to_the_account(administrator, made):
    audit.record(User.objects.get(username="administrators"), "cap", "queue", ["pdf"])
    acted = AuditEntry.objects.get(action="cap")
    page = administrator.get(address(AuditEntry, "change", acted.pk)).content.decode()
    assert "administrators" in page
    assert f"/admin/jobtracker/user/{acted.actor_id}/change/" not in page


def test_history_is_the_audit_log(administrator, made):
    supplier = made[Supplier]
    url = address(Supplier, "change", supplier.pk)
    form = {
        "name": "Acme Tiles",
        "default_currency": "eur",
        "decimal_style": "",
        "language": "",
        "when_missing": "keep",
        "source_order": '["feed", "site", "pdf", "correction"]',
    }
    token = str(administrator.get(url).context["csrf_token"])
    saved = administrator.post(url, form | {"csrfmiddlewaretoken": token})
    assert saved.status_code == 302
    page = administrator.get(address(Supplier, "history", supplier.pk), follow=True)
    [entry] = page.context["cl"].result_list
    assert (entry.action, entry.actor_name) == ("change", "administrators")
    assert entry.details["changed"]["name"] == ["Acme", "Acme Tiles"]
    assert (
        "changed: {&#x27;name&#x27;: [&#x27;Acme&#x27;, &#x27;Acme Tiles&#x27;]"
        in page.content.decode()
    )
    supplier.refresh_from_db()
    assert (supplier.default_currency, supplier.source_order[0]) == ("EUR", "feed")


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("default_currency", "EURO", "at most 3"),
        ("default_currency", "QQQ", "QQQ is no ISO 4217 currency code."),
        ("source_order", '["feed"]', "List each of these once"),
        ("source_order", '["\\u0000"]', "cannot be stored"),
    ],
)
def test_a_supplier_that_cannot_be_kept_is_said_so(administrator, made, field, value, said):
    url = address(Supplier, "change", made[Supplier].pk)
    page = administrator.get(url)
    form = {"name": "Acme", "source_order": '["feed", "site", "pdf", "correction"]', field: value}
    token = str(page.context["csrf_token"])
    answer = administrator.post(url, form | {"csrfmiddlewaretoken": token})
    assert said in str(answer.context["adminform"].form.errors[field])


def test_a_password_never_reaches_the_audit_log(administrator, made):
    url = address(User, "add")
    token = str(administrator.get(url).context["csrf_token"])
    form = {
        "username": "robin",
        "usable_password": "true",
        "password1": "correct horse staple",
        "password2": "correct horse staple",
        "csrfmiddlewaretoken": token,
    }
    assert administrator.post(url, form).status_code == 302
    robin = User.objects.get(username="robin")
    assert robin.check_password("correct horse staple")
    entry = AuditEntry.objects.get(subject="user", subject_id=str(robin.pk))
    assert entry.action == "add"
    assert "horse" not in str(entry.details)
