"""Products go to the product API as calls: written with what they cover, sent until taken once."""

import json
from uuid import uuid4

import pytest
from django.db.models.functions import Now

from imports.models import ImportRow
from jobtracker import faults, lifecycle, reporting
from jobtracker.models import BackgroundJob, JobCheckpoint
from jobtracker.webhooks import products
from jobtracker.webhooks.models import WebhookCall
from jobtracker.webhooks.sender import Calls
from tests.db.import_runs import PRODUCTS, imported, lines_of, work_off, xml_feed
from tests.db.outgoing import allow, let_time_pass, make_calls, once, send_all
from tests.fixtures.receiver import Answer, Receiver

pytestmark = pytest.mark.django_db


@pytest.fixture
def api(settings):
    with Receiver() as receiver:
        settings.PRODUCT_API_URL = receiver.url
        allow(settings, receiver.host)
        yield receiver


def many(number: int) -> list[dict[str, str]]:
    return [
        {"sku": f"NL-{each}", "name": f"Tile {each}", "price": f"{each}.50 EUR"}
        for each in range(1, number + 1)
    ]


def stage_of(job: BackgroundJob) -> JobCheckpoint:
    return JobCheckpoint.objects.get(job=job, stage="products_delivered")


def calls_of(job: BackgroundJob) -> list[WebhookCall]:
    return list(WebhookCall.objects.filter(job=job).order_by("pk"))


# --- the stage ---


def test_without_an_address_nothing_is_sent_and_nothing_pretended(tmp_path, settings):
    settings.PRODUCT_API_URL = ""
    job = imported(xml_feed(tmp_path / "tiles.xml"), "--supplier", "Acme")
    assert (stage_of(job).state, job.status) == ("empty", "completed")
    assert not WebhookCall.objects.exists()


def test_what_was_created_goes_out_as_the_lines_of_the_export(tmp_path, api):
    job = imported(xml_feed(tmp_path / "tiles.xml"), "--supplier", "Acme")
    assert job.status == "completed"
    assert (stage_of(job).state, stage_of(job).items) == ("done", 3)
    [call] = calls_of(job)
    assert (call.status, call.items, call.host) == ("pending", 3, api.host)
    assert send_all(Calls()) == 1
    [(key, body, _)] = api.asked
    assert key == str(call.idempotency_key)
    assert body["job"] == str(job.pk)
    exported = lines_of("--job", job.pk)
    assert {line["key"]: line for line in body["products"]} == exported
    call.refresh_from_db()
    assert (call.status, call.response_status, call.response_body) == (
        "success", 200, '{"ok": true}',
    )  # fmt: skip
    assert call.response_time_ms is not None
    assert api.headers["Content-Type"] == "application/json"


def test_what_is_unchanged_stays_at_home(tmp_path, api):
    feed = tmp_path / "tiles.xml"
    imported(xml_feed(feed), "--supplier", "Acme")
    send_all(Calls())
    changed = [PRODUCTS[0] | {"price": "25.00 EUR"}, *PRODUCTS[1:]]
    second = imported(xml_feed(feed, changed), "--supplier", "Acme")
    assert [call.items for call in calls_of(second)] == [1]
    third = imported(xml_feed(tmp_path / "same.xml", changed), "--supplier", "Acme")
    assert (third.status, third.result["unchanged"]) == ("completed", 2 + 1)
    assert (stage_of(third).state, calls_of(third)) == ("empty", [])


def test_batches_are_bounded_by_number_and_by_bytes(monkeypatch):
    monkeypatch.setattr(products, "PRODUCTS", 3)
    monkeypatch.setattr(products, "BYTES", 100)
    sizes = [10, 10, 10, 10, 200, 60, 60]
    lines = [{"key": "x" * (size - len('{"key": ""}'))} for size in [each + 11 for each in sizes]]
    found = [[len(line["key"]) for line in batch] for batch in products.batches(iter(lines))]
    assert found == [[10, 10, 10], [10], [200], [60], [60]]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("point", ["item.written", "item.committed", "checkpoint.written"])
def test_a_crash_neither_loses_nor_doubles_a_product(
    tmp_path, api, monkeypatch, settings, queues, point
):
    monkeypatch.setattr(products, "MATERIALS", 4)
    monkeypatch.setattr(products, "PRODUCTS", 3)
    settings.DATA_DIR = tmp_path
    real, passed = products.WebhookCall.objects.bulk_create, []

    def second_time(made):
        passed.append(len(made))
        if len(passed) == 2:
            settings.FAULT = faults.Fault.parse(f"{point}:1:raise")
        return real(made)

    monkeypatch.setattr(products.WebhookCall.objects, "bulk_create", second_time)
    job = imported(xml_feed(tmp_path / "tiles.xml", many(10)), "--supplier", "Acme")
    assert job.status == "pending"
    lifecycle.retry([job.pk], None)
    BackgroundJob.objects.filter(pk=job.pk).update(run_after=None)
    work_off()
    job.refresh_from_db()
    assert job.status == "completed"
    assert stage_of(job).items == 10
    send_all(Calls())
    keys = [line["key"] for batch in api.products.values() for line in batch]
    assert sorted(keys) == sorted(f"NL-{each}" for each in range(1, 11))


def test_run_again_takes_back_what_was_never_tried(tmp_path, api):
    job = imported(xml_feed(tmp_path / "tiles.xml"), "--supplier", "Acme")
    [first] = calls_of(job)
    lifecycle.rerun_from(job.pk, "products_delivered", None, "again")
    work_off()
    [again] = calls_of(job)
    assert again.idempotency_key != first.idempotency_key
    send_all(Calls())
    lifecycle.rerun_from(job.pk, "products_delivered", None, "again")
    work_off()
    assert [call.status for call in calls_of(job)] == ["success", "pending"]


def test_two_rows_of_one_material_are_one_product(tmp_path, api):
    job = imported(xml_feed(tmp_path / "tiles.xml"), "--supplier", "Acme")
    WebhookCall.objects.all().delete()
    row = ImportRow.objects.filter(job=job).first()
    ImportRow.objects.create(
        job=job, number=99, line=99, outcome="u", material_id=row.material_id, key=row.key
    )
    lifecycle.rerun_from(job.pk, "products_delivered", None, "again")
    work_off()
    assert [call.items for call in calls_of(job)] == [3]


# --- what an answer means ---


@pytest.mark.parametrize(
    ("answer", "status", "said"),
    [
        (Answer(201), "success", ""),
        (Answer(503), "retrying", "503 Service Unavailable"),
        (Answer(500), "retrying", "500 Internal Server Error"),
        (Answer(408), "retrying", "408 Request Timeout"),
        (Answer(425), "retrying", "425 Too Early"),
        (Answer(429), "retrying", "429 Too Many Requests"),
        (Answer(drop=True), "retrying", "broke off"),
        (Answer(400), "failed", "400 Bad Request"),
        (Answer(404), "failed", "404 Not Found"),
        (Answer(422), "failed", "422 Unprocessable Entity"),
        (Answer(302, {"Location": "/elsewhere"}), "failed", "is not redirected"),
    ],
)
def test_an_answer_decides_what_becomes_of_a_call(api, answer, status, said):
    [pk] = make_calls(1, api.url)
    api.in_turn(answer)
    once(Calls())
    call = WebhookCall.objects.get(pk=pk)
    assert call.status == status
    assert said in call.error_message
    assert call.response_status == (None if answer.drop else answer.status)


def test_retry_after_is_respected_by_the_call_and_by_its_host(api):
    first, second = make_calls(2, api.url)
    api.in_turn(Answer(429, {"Retry-After": "300"}), Answer())
    assert send_all(Calls()) == 1
    call = WebhookCall.objects.annotate(now=Now()).get(pk=first)
    assert 298 <= (call.next_retry_at - call.now).total_seconds() <= 300
    let_time_pass(Calls())
    assert send_all(Calls()) == 2
    assert WebhookCall.objects.filter(status="success").count() == 2
    assert api.keys.count(str(call.idempotency_key)) == 2
    assert second


def test_a_call_has_the_same_key_and_the_same_bytes_each_time(api):
    make_calls(1, api.url)
    api.in_turn(Answer(drop=True), Answer(500), Answer())
    for _ in range(3):
        once(Calls())
        let_time_pass(Calls())
    assert len(set(api.keys)) == 1
    assert len({json.dumps(body) for _, body, _ in api.asked}) == 1
    call = WebhookCall.objects.get()
    assert (call.status, call.retry_count) == ("success", 2)


def test_after_the_last_try_it_is_failed(api):
    make_calls(1, api.url)
    api.in_turn(Answer(500))
    for _ in range(20):
        once(Calls())
        let_time_pass(Calls())
    assert len(api.asked) == Calls.tries
    assert WebhookCall.objects.get().status == "failed"


def test_an_address_inside_is_refused_with_the_cure(settings):
    settings.OUTBOUND_ALLOW = frozenset()
    make_calls(1, "http://127.0.0.1:9/in")
    once(Calls())
    call = WebhookCall.objects.get()
    assert call.status == "failed"
    assert "list 127.0.0.1:9 in OUTBOUND_ALLOW" in call.error_message


def test_answers_are_bounded_and_hold_no_secret(api):
    body = b'{"token": "HUSH"}\0' + b"x" * 100_000
    make_calls(1, api.url)
    api.in_turn(Answer(400, {}, body))
    once(Calls())
    kept = WebhookCall.objects.get().response_body
    assert "HUSH" not in kept
    assert "\0" not in kept
    assert len(kept) <= 4200


def test_a_secret_of_the_address_is_sent_and_not_stored(api, settings):
    settings.PRODUCT_API_URL = f"{api.url}?api_key=HUSH"
    [pk] = make_calls(1, settings.PRODUCT_API_URL)
    call = WebhookCall.objects.get(pk=pk)
    assert "HUSH" not in call.webhook_url
    once(Calls())
    call.refresh_from_db()
    assert (call.status, len(api.asked)) == ("success", 1)
    make_calls(1, settings.PRODUCT_API_URL)
    settings.PRODUCT_API_URL = api.url
    once(Calls())
    assert "another address by now" in WebhookCall.objects.get(status="failed").error_message


def test_a_flood_of_failures_is_one_report_a_job_and_host(api, settings, monkeypatch):
    sent = []
    settings.SENTRY_DSN = "https://key@sentry.example/1"
    monkeypatch.setattr(reporting, "send", sent.append)
    api.in_turn(Answer(400))
    make_calls(5, api.url)
    make_calls(5, api.url)
    assert send_all(Calls()) == 10
    assert len(sent) == 2
    assert {event["tags"]["host"] for event in sent} == {api.host}
    assert "400 Bad Request" in sent[0]["exception"]["values"][0]["value"]


def test_a_call_of_a_pruned_job_is_gone_and_nothing_breaks(api):
    from jobtracker.outgoing import queue as queues

    [pk] = make_calls(1, api.url)
    worker = uuid4()
    task = queues.claim(Calls(), worker)
    WebhookCall.objects.filter(pk=pk).delete()
    assert not queues.settle(Calls(), worker, task, queues.work(Calls(), task))
    make_calls(1, api.url)
    assert send_all(Calls()) == 1
