"""Pictures that nothing names go with their files; hosts and bodies go after their days."""

import json
from datetime import timedelta
from uuid import uuid4

import pytest
from django.core.files.storage import default_storage
from django.db import connection, transaction
from django.db.models.functions import Now
from django.urls import reverse

from jobtracker import faults, metrics, retention
from jobtracker.catalogue import people
from jobtracker.catalogue.models import Material, MaterialVersion
from jobtracker.images.fetcher import Images
from jobtracker.images.models import ImageFetch, StoredImage
from jobtracker.models import FileToRemove
from jobtracker.outgoing.models import OutgoingHost
from jobtracker.retention import hosts, images
from jobtracker.webhooks.models import WebhookCall
from jobtracker.webhooks.sender import Calls
from tests.db.import_runs import imported, manage, xml_feed
from tests.db.jobs import Elsewhere
from tests.db.outgoing import make_calls, once
from tests.db.pages import signed_in
from tests.db.test_images import fetch_all, png
from tests.fixtures.site import Site

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _patience(monkeypatch):
    monkeypatch.setattr(metrics, "STATEMENT_MS", 60_000)


@pytest.fixture
def site(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"
    with Site() as found:
        name, _, port = found.host.rpartition(":")
        settings.OUTBOUND_ALLOW = frozenset({(name, int(port))})
        for colour in ("red", "green", "blue"):
            found.answer(f"/{colour}.png", body=png(colour), headers={"Content-Type": "image/png"})
        found.answer("/scarlet.png", body=png("red"), headers={"Content-Type": "image/png"})
        yield found


def run(folder, *pictures):
    """Import a feed of a product for each address."""
    products = [
        {"sku": f"NL-{number}", "name": f"Tile {number}", "price": "9.50 EUR", "image_link": url}
        for number, url in enumerate(pictures, 1)
    ]
    job = imported(xml_feed(folder / "tiles.xml", products), "--supplier", "Acme")
    assert job.status == "completed", job.question
    fetch_all()


def age(days=91):
    """Let all pictures be asked for so long ago."""
    ImageFetch.objects.update(completed_at=Now() - timedelta(days=days))


def forget_undo():
    MaterialVersion.objects.all().delete()


def files() -> set[str]:
    """Return the names of all stored pictures."""
    if not default_storage.exists("images"):
        return set()
    return {
        f"images/{folder}/{name}"
        for folder in default_storage.listdir("images")[0]
        for name in default_storage.listdir(f"images/{folder}")[1]
    }


def names() -> set[str]:
    rows = StoredImage.objects.values_list("file", "thumbnail")
    return {name for row in rows for name in row}


def addresses() -> set[str]:
    return {each.url.rpartition("/")[2] for each in ImageFetch.objects.all()}


def prune():
    return dict(retention.prune_all())


def let_fetches_end():
    """Let the notes of files be older than any fetch that was under way."""
    FileToRemove.objects.update(at=Now() - timedelta(minutes=11))


@pytest.fixture
def ids_from_one():
    """Pictures are gone through by their ids, which other tests have counted up."""
    with connection.cursor() as cursor:
        for table in ("image_fetches", "stored_images"):
            cursor.execute("SELECT setval(pg_get_serial_sequence(%s, 'id'), 1, false)", [table])


@pytest.fixture
def dropped(site, tmp_path):
    """A picture that a material had once, and one that another has."""
    run(tmp_path, site.url("/red.png"), site.url("/green.png"))
    run(tmp_path, site.url("/red.png"), site.url("/blue.png"))
    age()
    forget_undo()


def test_what_nothing_names_goes_and_the_rest_stays(dropped):
    assert retention.count_due()["image_fetches"] == 1
    told = prune()
    assert (told["image_fetches"], told["stored_images"]) == (1, 1)
    assert addresses() == {"red.png", "blue.png"}
    assert names() < files()  # the removed one's are left to fetches that are under way
    let_fetches_end()
    assert prune() == {"files": 2}
    assert names() == files()
    assert len(files()) == 4


def test_what_an_undo_would_bring_back_stays(site, tmp_path):
    run(tmp_path, site.url("/red.png"))
    run(tmp_path, site.url("/green.png"))
    age()
    assert retention.count_due() == {}
    assert prune() == {}
    assert addresses() == {"red.png", "green.png"}


def test_what_another_source_says_stays_though_it_does_not_show(dropped, site, tmp_path):
    """It shows again as soon as the better source says nothing of it."""
    feed = tmp_path / "more.json"
    feed.write_text(json.dumps([{"sku": "NL-2", "name": "T", "images": [site.url("/green.png")]}]))
    imported(feed, "--supplier", "Acme", "--currency", "EUR")
    age()
    ImageFetch.objects.update(status="stored", claim=None)
    assert "image_fetches" not in prune()


def test_a_picture_stays_while_an_address_leads_to_it(site, tmp_path):
    run(tmp_path, site.url("/red.png"), site.url("/scarlet.png"))
    run(tmp_path, site.url("/red.png"), site.url("/blue.png"))
    age()
    forget_undo()
    told = prune()
    assert (told["image_fetches"], "stored_images" in told) == (1, False)
    assert addresses() == {"red.png", "blue.png"}
    assert names() == files()


def test_a_picture_goes_whose_address_leads_to_another_now(site, tmp_path):
    run(tmp_path, site.url("/red.png"))
    site.answer("/red.png", body=png("green"), headers={"Content-Type": "image/png"})
    ImageFetch.objects.update(status="pending", next_retry_at=Now(), completed_at=None)
    fetch_all()
    assert prune()["stored_images"] == 1
    let_fetches_end()
    prune()
    assert names() == files()
    assert len(files()) == 2


def test_a_content_that_is_fetched_again_keeps_its_file(dropped, site, tmp_path):
    prune()
    run(tmp_path, site.url("/red.png"), site.url("/green.png"))
    let_fetches_end()
    prune()
    assert names() == files()
    assert len(files()) == 6
    assert not FileToRemove.objects.exists()


def test_a_picture_whose_row_came_as_its_file_went_is_fetched_again(
    dropped, site, tmp_path, monkeypatch
):
    prune()
    let_fetches_end()
    meanwhile = []

    def strike(name):
        if name == "prune.file" and not meanwhile:
            meanwhile.append(name)
            run(tmp_path, site.url("/red.png"), site.url("/green.png"))

    monkeypatch.setattr(faults, "point", strike)
    prune()
    assert meanwhile
    fetch_all()
    assert names() == files()
    assert len(files()) == 6


@pytest.mark.parametrize("days", [0, 92])
def test_they_have_days_of_their_own(dropped, settings, days):
    settings.RETENTION_DAYS_IMAGES = days
    assert "image_fetches" not in retention.count_due()
    assert "image_fetches" not in prune()


def test_a_fresh_one_stays_however_few_the_days(dropped, settings):
    """A run that names it again would not queue it."""
    settings.RETENTION_DAYS_IMAGES = 1
    age(days=6)
    assert "image_fetches" not in prune()


def test_what_waits_is_not_forgotten(dropped):
    ImageFetch.objects.update(status="retrying", next_retry_at=Now() + timedelta(hours=1))
    assert "image_fetches" not in prune()


def test_it_goes_in_parts(ids_from_one, dropped, monkeypatch):
    monkeypatch.setattr(images, "rows_of", lambda most: 1)
    told = prune()
    assert (told["image_fetches"], told["stored_images"]) == (1, 1)
    assert addresses() == {"red.png", "blue.png"}


def test_one_that_is_queued_again_meanwhile_stays(dropped):
    forgetting = images.Forgetting()
    while forgetting._left[:1] != [forgetting._remove_addresses]:
        forgetting(100)
    green = ImageFetch.objects.filter(url__endswith="green.png")
    green.update(status="pending", completed_at=None)
    while forgetting(100).more:
        pass
    assert green.exists()
    assert green.get().image


def test_a_source_that_a_merge_moves_meanwhile_is_read(ids_from_one, site, tmp_path, monkeypatch):
    run(tmp_path, site.url("/red.png"))
    feed = tmp_path / "more.json"
    feed.write_text(json.dumps([{"sku": "NL-7", "name": "T", "images": [site.url("/green.png")]}]))
    imported(feed, "--supplier", "Acme", "--currency", "EUR")
    fetch_all()
    age()
    monkeypatch.setattr(images, "rows_of", lambda most: 1)
    forgetting = images.Forgetting()
    while not forgetting._left or forgetting._after or len(forgetting._left) > 4:
        forgetting(100)
    forgetting(100)  # the first source
    kept, merged = Material.objects.order_by("pk")
    people.merge(kept.pk, merged.pk, None)
    while forgetting(100).more:
        pass
    assert addresses() == {"red.png", "green.png"}


def test_a_process_reads_the_catalogue_once_a_day(dropped, monkeypatch):
    forgetting = images.Forgetting()
    while forgetting(100).more:
        pass
    monkeypatch.setattr(forgetting, "_begin", pytest.fail)
    assert not forgetting(100).gone


@pytest.mark.parametrize("point", ["prune.addresses", "prune.images"])
def test_a_crash_leaves_every_row_its_file(dropped, monkeypatch, point):
    def strike(name):
        if name == point:
            raise RuntimeError("killed")

    monkeypatch.setattr(faults, "point", strike)
    with pytest.raises(RuntimeError):
        prune()
    assert names() <= files()
    monkeypatch.undo()
    let_fetches_end()
    prune()
    let_fetches_end()
    prune()
    assert names() == files()
    assert len(files()) == 4


@pytest.mark.django_db(transaction=True)
def test_a_picture_that_is_found_again_just_now_is_passed_over(queues, site, tmp_path):
    """The fetch that leads to it is not committed yet when the pruning looks."""
    run(tmp_path, site.url("/red.png"))
    [kept] = StoredImage.objects.all()
    ImageFetch.objects.all().delete()
    with transaction.atomic():
        Images().keep(StoredImage(**{
            name: getattr(kept, name)
            for name in ("sha256", "file", "thumbnail", "content_type", "bytes")
        }, width_px=1, height_px=1))  # fmt: skip
        assert "stored_images" not in Elsewhere(prune).result()
    assert prune()["stored_images"] == 1


# --- hosts ---


def host(name="old.example", queue="images", **ago):
    rested = Now() - timedelta(**ago or {"days": 31})
    return OutgoingHost.objects.create(queue=queue, host=name, not_before=rested)


def test_a_host_that_no_row_speaks_of_goes_after_a_month():
    old, claimed = host(), host("claimed.example")
    host("young.example", days=29)
    OutgoingHost.objects.filter(pk=claimed.pk).update(
        claim=uuid4(), claimed_until=Now() + timedelta(minutes=1)
    )
    make_calls()  # at shop.example
    OutgoingHost.objects.filter(queue="calls").update(not_before=Now() - timedelta(days=99))
    assert retention.count_due() == {"outgoing_hosts": 1}
    assert prune() == {"outgoing_hosts": 1}
    assert not OutgoingHost.objects.filter(pk=old.pk).exists()
    assert OutgoingHost.objects.count() == 3


def test_every_queue_has_its_hosts_pruned():
    assert {queue.name: queue.model for queue in (Calls, Images)} == hosts.QUEUES


@pytest.mark.django_db(transaction=True)
def test_a_writer_that_counts_on_a_host_is_waited_for(queues, monkeypatch):
    monkeypatch.setattr(metrics, "LOCK_MS", 50)
    host("shop.example", queue="calls")
    with transaction.atomic():
        make_calls()
        assert "outgoing_hosts" not in Elsewhere(prune).result()
    assert "outgoing_hosts" not in prune()
    assert OutgoingHost.objects.get().host == "shop.example"


# --- bodies ---


def test_bodies_of_delivered_calls_go_and_the_calls_stay(client, settings):
    old, young, failed, waiting = make_calls(4)
    for pk, days, status in ((old, 31, "success"), (young, 29, "success"), (failed, 99, "failed")):
        WebhookCall.objects.filter(pk=pk).update(
            status=status, completed_at=Now() - timedelta(days=days), response_body="taken"
        )
    assert retention.count_due() == {"webhook_calls bodies": 1}
    assert prune() == {"webhook_calls bodies": 1}
    kept = {call.pk: bool(call.request_body) for call in WebhookCall.objects.all()}
    assert kept == {old: False, young: True, failed: True, waiting: True}
    gone = WebhookCall.objects.get(pk=old)
    assert (gone.status, gone.items, gone.response_body) == ("success", 1, "")
    signed_in(client, "Viewers")
    assert client.get(reverse("job", args=[gone.job_id])).status_code == 200
    settings.RETENTION_DAYS_BODIES = 0
    WebhookCall.objects.update(completed_at=Now() - timedelta(days=999))
    assert "webhook_calls bodies" not in prune()


def test_the_command_counts_them_first(dropped):
    told = manage("prune", "--dry-run", "--json").json
    assert told == {"image_fetches": 1}
    assert manage("prune", "--json").json == {"image_fetches": 1, "stored_images": 1}


def test_a_failed_fetch_that_nothing_names_goes_too(site, tmp_path):
    run(tmp_path, "pictures/1.jpg")
    run(tmp_path, site.url("/red.png"))
    age()
    forget_undo()
    assert prune()["image_fetches"] == 1
    assert once(Images()) is None
    assert addresses() == {"red.png"}
