"""Every address, tried by everyone, with and without CSRF.

The addresses come from the resolver, the expectations from the tables below: an address that has
no entry fails, so that no later page can be forgotten.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from django.conf import settings
from django.contrib import admin
from django.contrib.admin.utils import quote
from django.contrib.auth.models import Group
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.test import Client
from django.test.client import ClientHandler
from django.urls import URLResolver, get_resolver
from django.utils.regex_helper import normalize

from imports.models import DataImportJob, FeedLogin, MappingTemplate
from jobtracker.access import sync_roles
from jobtracker.catalogue.models import Material, MaterialMerge, Supplier
from jobtracker.models import BackgroundJob, JobSchedule, User
from pdfjobs.models import PdfDocument
from scraping.models import ScrapingSession
from tests.db.every_table import fill

pytestmark = pytest.mark.django_db

ANYONE, VIEWER, OPERATOR, ADMINISTRATOR, NOBODY = range(5)
WHO = {
    "anonymous": ANYONE,
    "guest": ANYONE,  # signed in, but not staff
    "Viewers": VIEWER,
    "Operators": OPERATOR,
    "Administrators": ADMINISTRATOR,
}
GOOD = frozenset({200, 302})
LOG_IN = "/admin/login/"
TOKEN = "x" * 32
MONITOR = "/admin/async-queue-monitor"
JOB = "01999999-0000-7000-8000-000000000000"


@dataclass(frozen=True)
class Rule:
    """From which role on an address may be read and posted to, and what it answers then."""

    get: int
    post: int
    get_answers: frozenset[int] = GOOD
    post_answers: frozenset[int] = GOOD


OPEN = Rule(ANYONE, ANYONE)
HEALTH = Rule(ANYONE, ANYONE, frozenset({200, 503}), frozenset({405}))
PAGE = Rule(VIEWER, VIEWER)
ACT = Rule(OPERATOR, OPERATOR, frozenset({302}))
FORM = Rule(OPERATOR, OPERATOR)
MISSING = Rule(VIEWER, VIEWER, frozenset({404}), frozenset({404}))

RULES = {
    "/": OPEN,
    "monitor": PAGE,
    "monitor-changes": PAGE,
    "asking": PAGE,
    "retry-cause": ACT,
    "queue-pause": ACT,
    "queue-resume": ACT,
    "queue-cap": ACT,
    "job": PAGE,
    "/admin/async-queue-monitor/jobs/%(job_id)s/": PAGE,
    "job-panel": PAGE,
    "job-said": PAGE,
    "job-answer": PAGE,
    "job-cancel": ACT,
    "job-retry": ACT,
    "job-retry-failed": ACT,
    "job-priority": ACT,
    "job-calls-retry": ACT,
    "job-images-retry": ACT,
    "image": PAGE,
    "image-thumbnail": PAGE,
    "job-mark-failed": ACT,
    "job-mark-completed": ACT,
    "job-run-again": ACT,
    "data-import": PAGE,
    "import-start": Rule(OPERATOR, OPERATOR, frozenset({302}), frozenset({400})),
    "import-detail": PAGE,
    "import-parts": PAGE,
    "import-source": Rule(VIEWER, OPERATOR, GOOD, frozenset({400})),
    "import-file": PAGE,
    "import-mapping": Rule(VIEWER, OPERATOR),
    "import-preview": Rule(VIEWER, OPERATOR),
    "import-answer": ACT,
    "import-decide": ACT,
    "import-rejects": MISSING,
    "import-templates": PAGE,
    "import-template-new": Rule(OPERATOR, OPERATOR, GOOD, frozenset({400})),
    "import-template": PAGE,
    "import-template-edit": FORM,
    "import-template-upload": ACT,
    "import-template-use-again": ACT,
    "import-template-rename": ACT,
    "import-template-set-aside": ACT,
    "import-template-take-back": ACT,
    "import-template-download": PAGE,
    "feed-login-delete": ACT,
    "suppliers": PAGE,
    "supplier": Rule(VIEWER, OPERATOR, GOOD, frozenset({400})),
    "supplier-count": ACT,
    "pdf-start": Rule(OPERATOR, OPERATOR, frozenset({302}), frozenset({400})),
    "pdf-document": PAGE,
    "pdf-parts": PAGE,
    "pdf-page": PAGE,
    "pdf-original": PAGE,
    "pdf-file": PAGE,
    "pdf-answer": ACT,
    "pdf-retry": ACT,
    "scraper": PAGE,
    "scraper-start": Rule(OPERATOR, OPERATOR, frozenset({302}), frozenset({400})),
    "scraper-check": Rule(OPERATOR, OPERATOR, frozenset({302}), frozenset({200, 400})),
    "scraping-session": PAGE,
    "scraping-parts": PAGE,
    "scraping-pause": ACT,
    "scraping-resume": ACT,
    "scraping-stop": ACT,
    "scraping-retry-failed": ACT,
    "schedules": PAGE,
    "schedule-new": Rule(OPERATOR, OPERATOR, GOOD, frozenset({400})),
    "schedule-plan": PAGE,
    "schedule": Rule(VIEWER, OPERATOR, GOOD, frozenset({400})),
    "schedule-run": ACT,
    "schedule-pause": ACT,
    "schedule-resume": ACT,
    "schedule-delete": ACT,
    "materials": PAGE,
    "materials-export": PAGE,
    "materials-review": PAGE,
    "materials-doubles": PAGE,
    "material": PAGE,
    "material-edit": FORM,
    "material-give-back": ACT,
    "material-accept": ACT,
    "material-reject": ACT,
    "material-restore": ACT,
    "material-merge": ACT,
    "material-unmerge": ACT,
    "job-undo": FORM,
    "health-live": HEALTH,
    "health-ready": HEALTH,
    "admin:index": PAGE,
    "admin:login": OPEN,
    "admin:logout": Rule(ANYONE, ANYONE, frozenset({302, 405})),
    "admin:password_change": PAGE,
    "admin:password_change_done": Rule(VIEWER, VIEWER, GOOD, frozenset({405})),
    "admin:autocomplete": Rule(VIEWER, VIEWER, GOOD, frozenset({405})),
    "admin:jsi18n": Rule(VIEWER, VIEWER, GOOD, frozenset({405})),
    "admin:search": PAGE,
    "admin:app_list": PAGE,
    "admin:view_on_site": MISSING,
    "/admin/%(url)s": MISSING,
    "admin:auth_user_password_change": Rule(ADMINISTRATOR, ADMINISTRATOR),
    "admin:repair-jobs": FORM,
}

# For each table of the admin: who may see, add, change. Nobody deletes.
TABLES = {
    "auth.group": (ADMINISTRATOR, NOBODY, NOBODY),
    "axes.accessattempt": (ADMINISTRATOR, NOBODY, NOBODY),
    "axes.accessfailurelog": (ADMINISTRATOR, NOBODY, NOBODY),
    "axes.accesslog": (ADMINISTRATOR, NOBODY, NOBODY),
    "catalogue.cataloguesource": (VIEWER, NOBODY, NOBODY),
    "catalogue.material": (VIEWER, NOBODY, NOBODY),
    "catalogue.materialmerge": (VIEWER, NOBODY, NOBODY),
    "catalogue.materialsource": (VIEWER, NOBODY, NOBODY),
    "catalogue.materialversion": (VIEWER, NOBODY, NOBODY),
    "catalogue.supplier": (VIEWER, OPERATOR, OPERATOR),
    "catalogue.suppliercoverage": (VIEWER, NOBODY, NOBODY),
    "images.imagefetch": (VIEWER, NOBODY, NOBODY),
    "images.storedimage": (VIEWER, NOBODY, NOBODY),
    "imports.dataimportjob": (VIEWER, NOBODY, NOBODY),
    "imports.importrow": (VIEWER, NOBODY, NOBODY),
    "imports.mappingtemplate": (VIEWER, NOBODY, OPERATOR),
    "imports.feedlogin": (VIEWER, ADMINISTRATOR, ADMINISTRATOR),
    "jobtracker.attemptsession": (VIEWER, NOBODY, NOBODY),
    "jobtracker.auditentry": (VIEWER, NOBODY, NOBODY),
    "jobtracker.backgroundjob": (VIEWER, NOBODY, OPERATOR),
    "jobtracker.jobattempt": (VIEWER, NOBODY, NOBODY),
    "jobtracker.jobcheckpoint": (VIEWER, NOBODY, NOBODY),
    "jobtracker.jobevent": (VIEWER, NOBODY, NOBODY),
    "jobtracker.jobqueue": (VIEWER, NOBODY, OPERATOR),
    "jobtracker.filetoremove": (VIEWER, NOBODY, NOBODY),
    "jobtracker.jobmetricshour": (VIEWER, NOBODY, NOBODY),
    "jobtracker.jobschedule": (VIEWER, NOBODY, NOBODY),
    "jobtracker.user": (ADMINISTRATOR, ADMINISTRATOR, ADMINISTRATOR),
    "jobtracker.worker": (VIEWER, NOBODY, NOBODY),
    "outgoing.outgoinghost": (VIEWER, NOBODY, NOBODY),
    "pdfjobs.pdfchunk": (VIEWER, NOBODY, NOBODY),
    "pdfjobs.pdfdocument": (VIEWER, NOBODY, NOBODY),
    "pdfjobs.pdfembedding": (VIEWER, NOBODY, NOBODY),
    "pdfjobs.pdfimage": (VIEWER, NOBODY, NOBODY),
    "pdfjobs.pdfpage": (VIEWER, NOBODY, NOBODY),
    "pdfjobs.pdfrow": (VIEWER, NOBODY, NOBODY),
    "scraping.scrapingpage": (VIEWER, NOBODY, NOBODY),
    "scraping.scrapingrow": (VIEWER, NOBODY, NOBODY),
    "scraping.scrapingsession": (VIEWER, NOBODY, NOBODY),
    "webhooks.webhookcall": (VIEWER, NOBODY, NOBODY),
}
for label, (see, add, change) in TABLES.items():
    name = label.replace(".", "_")
    RULES |= {
        f"admin:{name}_changelist": Rule(see, see),
        f"admin:{name}_add": Rule(add, add),
        f"admin:{name}_change": Rule(see, change),
        f"admin:{name}_history": Rule(see, see),
        f"admin:{name}_delete": Rule(NOBODY, NOBODY),
        f"/admin/{label.replace('.', '/')}/%(object_id)s/": PAGE,  # leads to the change form
    }

QUERIES = {
    "admin:autocomplete": "app_label=jobtracker&model_name=backgroundjob&field_name=supplier"
}
FORM_DATA = {"csrfmiddlewaretoken": TOKEN, "reason": "a reason", "stage": "feed_parsed"}


@dataclass(frozen=True)
class Address:
    """`key` is its name, or its path where it has none; `path` has %(parameters)s."""

    key: str
    path: str


def addresses(
    resolver: URLResolver | None = None, above: str = "/", space: str = ""
) -> list[Address]:
    """Return all addresses below a resolver."""
    found = []
    for pattern in (resolver or get_resolver()).url_patterns:
        [path, *_] = [text for text, _ in normalize(pattern.pattern.regex.pattern)]
        if isinstance(pattern, URLResolver):
            inner = f"{space}{pattern.namespace}:" if pattern.namespace else space
            found += addresses(pattern, above + path, inner)
        else:
            key = f"{space}{pattern.name}" if pattern.name else above + path
            found.append(Address(key, above + path))
    return found


@pytest.fixture
def made():
    """The rows that addresses are about, by model."""
    return fill()


@pytest.fixture
def cookies(made):
    """What each of them sends along, by role."""
    sync_roles()
    sent = {}
    for role in WHO:
        client = Client()
        if role != "anonymous":
            user = User.objects.create_user(role, is_staff=role != "guest")
            user.groups.set(Group.objects.filter(name=role))
            client.force_login(user)
        sent[role] = {name: cookie.value for name, cookie in client.cookies.items()}
        sent[role][settings.CSRF_COOKIE_NAME] = TOKEN
    return sent


def filled(address: Address, made) -> str:
    """Return the path with real objects in place of its parameters."""
    job = made[BackgroundJob]
    values = {
        "job_id": job.pk,
        "job_type": job.job_type,
        "pk": made[ScrapingSession if address.path.startswith("/scraper") else DataImportJob].pk,
        "document_id": made[PdfDocument].pk,
        "number": 1,
        "fingerprint": "f" * 32,
        "name": "cancel",
        "filename": "p1.png",
        "sha256": "a" * 64,
        "url": "nowhere",
        "app_label": "jobtracker",
        "content_type_id": ContentType.objects.get_for_model(BackgroundJob).pk,
        "material_id": made[Material].pk,
        "merge_id": made[MaterialMerge].pk,
        "object_id": job.pk,
        "id": made[User].pk,
        "template_id": made[MappingTemplate].pk,
        "login_id": made[FeedLogin].pk,
        "supplier_id": made[Supplier].pk,
    }
    if address.path.startswith("/admin/schedules"):
        values["pk"] = made[JobSchedule].pk
    for model, row in made.items():
        if address.path.startswith(f"/admin/{model._meta.app_label}/{model._meta.model_name}/"):
            values["object_id"] = quote(row.pk)
    query = f"job={job.pk}" if address.key == "admin:repair-jobs" else QUERIES.get(address.key, "")
    return f"{address.path % values}?{query}".rstrip("?")


def is_refused(response) -> bool:
    """Tell whether someone was sent to log in, or away."""
    to_log_in = response.status_code == 302 and response["Location"].startswith(LOG_IN)
    return to_log_in or response.status_code in (401, 403)


HANDLER = ClientHandler(enforce_csrf_checks=True)


def wrong(role: str, address: Address, made, cookies) -> Iterator[str]:
    """Try one address as one of them; yield what it answered wrongly."""
    rule, path = RULES[address.key], filled(address, made)
    tries = {
        "GET": (rule.get, rule.get_answers, lambda client: client.get(path)),
        "POST": (rule.post, rule.post_answers, lambda client: client.post(path, FORM_DATA)),
    }
    # Which is refused before anyone is asked for: the least and the most are enough.
    if WHO[role] in (ANYONE, ADMINISTRATOR):
        bare = {"reason": "r"}
        tries["POST without CSRF"] = (NOBODY, GOOD, lambda client: client.post(path, bare))
    for what, (least, answers, ask) in tries.items():
        client = Client(raise_request_exception=False)
        client.handler = HANDLER  # made once
        client.cookies.load(cookies[role])
        with transaction.atomic():
            response = ask(client)
            transaction.set_rollback(True)
        if WHO[role] >= least:
            right = response.status_code in answers and not is_refused(response)
        elif what == "POST without CSRF" or WHO[role] > ANYONE:
            right = response.status_code == 403
        else:
            right = is_refused(response)
        if not right:
            yield f"{role}: {what} {path} ({address.key}) answers {response.status_code}"


def test_every_address_has_a_rule_and_every_rule_an_address():
    assert {address.key for address in addresses()} == set(RULES)


def test_every_table_of_the_admin_has_a_row(made):
    assert set(made) == set(admin.site._registry)


@pytest.mark.parametrize("role", WHO)
def test_everyone_gets_what_is_theirs(role, made, cookies):
    assert [each for address in addresses() for each in wrong(role, address, made, cookies)] == []


def test_health_asks_for_no_session_and_so_for_no_database(client, django_assert_num_queries):
    client.force_login(User.objects.create_user("sam"))
    with django_assert_num_queries(0):
        assert client.get("/health/live").status_code == 200


@pytest.mark.parametrize(
    ("address", "page"),
    [
        (f"{MONITOR}/jobs/{JOB}/cancel", f"{MONITOR}/jobs/{JOB}"),
        (f"{MONITOR}/causes/{'f' * 32}/retry", MONITOR),
        (f"{MONITOR}/queues/xml_import/pause", MONITOR),
        ("/admin/data-import/start", "/admin/data-import"),
        ("/admin/data-import/pdf/start", "/admin/data-import"),
        ("/scraper/start", "/scraper"),
        ("/admin/schedules/7/run", "/admin/schedules/7"),
    ],
)
def test_an_action_that_is_only_looked_at_leads_to_its_page(client, address, page):
    sync_roles()
    client.force_login(User.objects.create_superuser("sam"))
    answer = client.get(address)
    assert answer["Location"] == page
    said = [str(message) for message in client.get(MONITOR).context["messages"]]
    assert said == ["Nothing was done. Ask for it again on this page."]
