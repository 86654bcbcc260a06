"""Deliveries by a real worker to a real receiver that fails, throttles and breaks off, while the
sender is killed: every product arrives, each batch under one key."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from uuid import UUID

import pytest
from django.db.models.functions import Now
from PIL import Image

from jobtracker import lifecycle
from jobtracker.images.models import ImageFetch, StoredImage
from jobtracker.models import BackgroundJob
from jobtracker.outgoing.models import OutgoingHost
from jobtracker.webhooks.models import WebhookCall
from tests.db.import_runs import manage, xml_feed
from tests.db.outgoing import make_calls
from tests.fixtures.receiver import Answer, Receiver
from tests.fixtures.site import Site, silent
from tests.fixtures.worker_host import WorkerHost, query, until, wait_status

PATIENCE = 60.0


@pytest.fixture
def api() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


def hurry() -> None:
    """Let what waits for its next try be due now; no rest that a host asked for is cut short."""
    WebhookCall.objects.filter(status="retrying", claim=None).update(next_retry_at=Now())
    query("NOTIFY outgoing")


def delivered(job_id: UUID) -> bool:
    hurry()
    return not WebhookCall.objects.filter(job=job_id).exclude(status="success").exists()


def waiting_job() -> BackgroundJob:
    """A job that no worker runs, for calls of it."""
    later = datetime.now(UTC) + timedelta(days=9)
    made = lifecycle.create("web_scraping", detail={"source_url": "probe"}, run_after=later)
    return BackgroundJob.objects.get(pk=made.job_id)


def test_every_product_arrives_once_by_key_whatever_happens(
    own_host: WorkerHost, api: Receiver, tmp_path: Path
) -> None:
    own_host.start(PRODUCT_API_URL=api.url, OUTBOUND_ALLOW=api.host)
    slower = Answer(429, {"Retry-After": "2"})
    api.in_turn(Answer(503), slower, Answer(drop=True), Answer(500), Answer(hold=True), Answer())
    tiles = [
        {"sku": f"D-{each}", "name": f"Tile {each}", "price": f"{each}.50 EUR"}
        for each in range(1, 751)
    ]
    feed = xml_feed(tmp_path / "tiles.xml", tiles)
    started = manage("import_feed", feed, "--supplier", "Delivered", "--json")
    [job] = [started.json] if isinstance(started.json, dict) else started.json
    job_id = UUID(job["id"])
    wait_status(job_id, "completed")
    assert WebhookCall.objects.filter(job=job_id).count() == 8

    def held() -> bool:
        hurry()
        return len(api.asked) >= 5

    until(held, "a call is under way", PATIENCE)
    throttled, after = api.times[1], api.times[2]
    assert after - throttled >= 1.9
    [killed] = own_host.kill("sender")
    begun = api.keys[4]
    api.release.set()
    until(lambda: delivered(job_id), "everything is delivered", PATIENCE)
    assert own_host.pids("sender") != [killed]

    rows = {str(call.idempotency_key): call for call in WebhookCall.objects.filter(job=job_id)}
    assert set(api.products) == set(rows)
    keys = [line["key"] for batch in api.products.values() for line in batch]
    assert sorted(keys) == sorted(tile["sku"] for tile in tiles)
    for key, body, _ in api.asked:
        assert body["products"] == api.products[key]
    assert api.keys.count(begun) >= 2
    assert rows[begun].retry_count >= 1
    assert api.at_once == 1
    assert own_host.stop() == 0


def test_a_host_that_does_not_answer_holds_up_no_other_and_no_stop(
    own_host: WorkerHost, api: Receiver
) -> None:
    job = waiting_job()
    with Receiver() as other:
        api.in_turn(Answer(hold=True))
        own_host.start(OUTBOUND_ALLOW=f"{api.host},{other.host}")
        [stuck] = make_calls(1, api.url, job)
        until(lambda: api.asked, "the silent host is asked", PATIENCE)
        make_calls(3, other.url, job)
        until(lambda: len(other.products) == 3, "the other host has its calls", PATIENCE)
        assert own_host.stop() == 0
    left = WebhookCall.objects.get(pk=stuck)
    assert left.status == "pending"
    assert not OutgoingHost.objects.filter(claim__isnull=False).exists()
    api.in_turn(Answer())
    own_host.start(OUTBOUND_ALLOW=api.host)
    until(lambda: WebhookCall.objects.get(pk=stuck).status == "success", "it is sent", PATIENCE)
    assert len(set(api.keys)) == 1
    assert own_host.stop() == 0


def test_pictures_are_fetched_though_the_fetcher_is_killed(
    own_host: WorkerHost, tmp_path: Path
) -> None:
    out = BytesIO()
    Image.new("RGB", (64, 48), "red").save(out, "PNG")
    names = [f"/{number}.png" for number in range(8)]
    with Site() as site:
        for name in names:
            site.answer(name, body=out.getvalue())
        site.answer(names[3], act=silent, headers={"Content-Length": "99"})
        own_host.start(OUTBOUND_ALLOW=site.host)
        tiles = [
            {"sku": f"P-{name[1]}", "name": "Tile", "price": "9 EUR", "image": site.url(name)}
            for name in names
        ]
        manage("import_feed", xml_feed(tmp_path / "tiles.xml", tiles), "--supplier", "Pictured")
        until(lambda: site.times(names[3]), "the one that hangs is asked for", PATIENCE)
        own_host.kill("fetcher")
        site.answer(names[3], body=out.getvalue())
        stored = ImageFetch.objects.filter(status="stored")
        until(lambda: stored.count() == len(names), "all are stored", PATIENCE)
        assert site.times(names[3]) == 2
        assert own_host.stop() == 0
    assert StoredImage.objects.count() == 1
