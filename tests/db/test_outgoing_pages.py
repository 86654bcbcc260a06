"""Pages and commands about what goes out after a job: how it stands, and trying it again."""

import json
from uuid import UUID, uuid4

import pytest

from imports.models import DataImportJob
from jobtracker.images.models import ImageFetch
from jobtracker.models import BackgroundJob
from jobtracker.outgoing.panel import LINES
from jobtracker.webhooks.models import WebhookCall
from jobtracker.webhooks.sender import Calls
from tests.db.import_runs import manage
from tests.db.jobs import make_job
from tests.db.outgoing import allow, let_time_pass, make_calls, send_all
from tests.db.pages import act, signed_in
from tests.fixtures.receiver import Answer, Receiver

pytestmark = pytest.mark.django_db


@pytest.fixture
def api(settings):
    with Receiver() as receiver:
        allow(settings, receiver.host)
        settings.PRODUCT_API_URL = f"{receiver.url}?token=HUSH"
        yield receiver


@pytest.fixture
def job(api, settings) -> BackgroundJob:
    """A job with a call that failed, one that is tried again and one that was delivered."""
    found = make_job()
    make_calls(3, settings.PRODUCT_API_URL, found)
    api.in_turn(Answer(400, {}, b"no <such> field"), Answer(), Answer(500))
    assert send_all(Calls()) == 3
    api.in_turn(Answer())
    WebhookCall.objects.filter(job=found).update(items=100)
    return found


@pytest.fixture
def viewer(client):
    return signed_in(client, "Viewers")


@pytest.fixture
def operator(client):
    return signed_in(client, "Operators")


def job_page(job, tab="calls") -> str:
    return f"/admin/async-queue-monitor/jobs/{job.pk}?tab={tab}"


def import_page(job) -> str:
    return f"/admin/data-import/{DataImportJob.objects.get(background_job=job).pk}"


def retry_url(job, what="calls") -> str:
    return f"/admin/async-queue-monitor/jobs/{job.pk}/{what}/retry"


def picture(job, number=1, **values) -> ImageFetch:
    return ImageFetch.objects.create(
        **{
            "url": f"https://cdn.example/{number}.png",
            "url_hash": uuid4().bytes,
            "host": "cdn.example",
            "job_id": job.pk,
        }
        | values
    )


def test_job_page_and_imports_page_say_how_the_deliveries_stand(job, viewer):
    for url in (job_page(job), import_page(job)):
        page = viewer.get(url).content.decode()
        assert "<b>100 of 300 products delivered.</b>" in page
        assert "1 call failed." in page
        assert "1 is tried again." in page
        assert "answered 400 Bad Request." in page
        assert "no &lt;such&gt; field" in page
        assert "500 Internal Server Error" in page
        assert "HUSH" not in page


def test_a_job_without_calls_or_pictures_shows_neither(viewer):
    quiet = make_job()
    page = viewer.get(job_page(quiet, "log")).content.decode()
    assert "?tab=calls" not in page
    assert "?tab=images" not in page
    whole = viewer.get(import_page(quiet)).content.decode()
    assert 'id="job-calls" aria-labelledby="job-calls-title" hidden' in whole


def test_many_calls_are_shown_in_part_and_by_as_many_statements(
    job, viewer, django_assert_max_num_queries
):
    make_calls(LINES + 10, "https://shop.example/in", job)
    with django_assert_max_num_queries(30):
        page = viewer.get(job_page(job)).content.decode()
    assert f"The first {LINES} of {LINES + 13:,}" in page
    assert page.index("400 Bad Request") < page.index("https://shop.example/in")


def test_an_operator_sends_what_failed_again_under_its_old_key(job, api, operator):
    failed = WebhookCall.objects.get(job=job, status="failed")
    answer = act(operator, retry_url(job), next=job_page(job))
    assert (answer.status_code, answer["Location"]) == (302, job_page(job))
    assert "1 call again, at once." in operator.get(job_page(job)).content.decode()
    assert send_all(Calls()) == 1
    failed.refresh_from_db()
    assert failed.status == "success"
    assert api.keys.count(str(failed.idempotency_key)) == 2
    assert WebhookCall.objects.filter(job=job, status="retrying").count() == 1


def test_one_call_can_be_tried_now(job, operator):
    waiting = WebhookCall.objects.get(job=job, status="retrying")
    act(operator, retry_url(job), one=str(waiting.pk))
    assert send_all(Calls()) == 1
    waiting.refresh_from_db()
    assert waiting.status == "success"


@pytest.mark.parametrize("one", ["nonsense", str(UUID(int=7))])
def test_one_that_is_not_there_changes_nothing(job, operator, one):
    for what in ("calls", "images"):
        assert act(operator, retry_url(job, what), one=one).status_code == 302
    assert "Nothing was left to try again." in operator.get(job_page(job)).content.decode()
    assert WebhookCall.objects.filter(job=job, status="failed").count() == 1


def test_a_viewer_may_not(job, viewer):
    for what in ("calls", "images"):
        assert act(viewer, retry_url(job, what)).status_code == 403


def test_the_pages_name_the_pictures_that_failed_and_an_operator_retries_them(job, operator):
    picture(job, 1, status="stored")
    late = picture(job, 2, status="failed", error_message="cdn.example answered 404 Not Found.")
    no_address = picture(job, 3, status="failed", host="", url="x.png", error_message="It is no")
    for url in (job_page(job, "images"), import_page(job)):
        page = operator.get(url).content.decode()
        assert "<b>1 of 3 stored.</b>" in page
        assert "2 failed." in page
        assert "https://cdn.example/2.png" in page
        assert "answered 404 Not Found." in page
        assert "https://cdn.example/1.png" not in page
    act(operator, retry_url(job, "images"))
    late.refresh_from_db()
    no_address.refresh_from_db()
    assert (late.status, no_address.status) == ("pending", "failed")


# --- the command ---


def test_deliveries_are_listed(job):
    found = manage("deliveries", "list", "--json").json
    assert {each["status"] for each in found} == {"failed", "success", "retrying"}
    [failed] = manage("deliveries", "list", "--job", job.pk, "--status", "failed", "--json").json
    assert (failed["job"], failed["products"], failed["response_status"]) == (str(job.pk), 100, 400)
    assert set(failed) >= {"id", "idempotency_key", "retry_count", "error", "created_at", "url"}
    assert "HUSH" not in json.dumps(found)
    lines = manage("deliveries", "list", "--limit", "2").out.splitlines()
    assert len([line for line in lines if "POST" in line]) == 2
    assert manage("deliveries", "list", "--job", make_job().pk).out == "No deliveries.\n"


def test_a_delivery_is_retried_by_its_id_and_all_of_a_job_by_its(job, api):
    failed = WebhookCall.objects.get(job=job, status="failed")
    done = manage("deliveries", "retry", failed.pk)
    assert (done.code, done.out) == (0, "1 delivery goes out again.\n")
    api.in_turn(Answer(400))
    assert send_all(Calls()) == 1
    assert manage("deliveries", "retry", "--job", job.pk).code == 0
    api.in_turn(Answer())
    let_time_pass(Calls())
    send_all(Calls())
    assert not WebhookCall.objects.exclude(status="success").exists()


def test_what_cannot_be_retried_says_why(job):
    done = WebhookCall.objects.get(job=job, status="success")
    for arguments, said in (
        ((done.pk,), f"Delivery {done.pk} was taken already; nothing is left to retry."),
        ((uuid4(),), "There is no delivery"),
        (("x",), "There is no delivery x."),
        ((), "Name deliveries, or a job with --job."),
        (("--job", uuid4()), "There is no job"),
    ):
        answer = manage("deliveries", "retry", *arguments)
        assert (answer.code, answer.out) == (2, "")
        assert said in answer.err


def test_replay_is_refused_clearly(job):
    done = WebhookCall.objects.get(job=job, status="success")
    answer = manage("deliveries", "replay", done.pk)
    assert answer.code == 2
    assert answer.err == (
        "A delivery that was taken cannot be sent anew yet; `deliveries retry` sends what failed.\n"
    )
