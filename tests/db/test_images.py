"""Pictures of materials: queued after their rows, fetched politely, each content stored once."""

import io
from datetime import timedelta

import pytest
from django.core.files.storage import storages
from django.db.models.functions import Now
from PIL import Image

from jobtracker import lifecycle
from jobtracker.catalogue.models import Material
from jobtracker.images import fetcher
from jobtracker.images.fetcher import Images
from jobtracker.images.models import ImageFetch, StoredImage
from jobtracker.images.queue import image_urls, thumbnail_urls
from jobtracker.outgoing import queue as queues
from jobtracker.outgoing.models import OutgoingHost
from tests.db.import_runs import imported, work_off, xml_feed
from tests.db.outgoing import SENDER, allow, let_time_pass, once, send_all
from tests.db.pages import signed_in
from tests.fixtures.site import Answer, Site, endless

pytestmark = pytest.mark.django_db


def png(colour: str = "red", size=(64, 48)) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, "PNG")
    return out.getvalue()


@pytest.fixture
def site(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"
    with Site() as found:
        allow(settings, found.host)
        for colour in ("red", "green", "blue"):
            headers = {"Content-Type": "image/png", "ETag": f'"{colour}"'}
            found.answer(f"/{colour}.png", body=png(colour), headers=headers)
        yield found


def feed(tmp_path, *images: str, name="tiles.xml", price="9.50 EUR"):
    """A feed of a product for each address, which may be several with blanks between."""
    return xml_feed(
        tmp_path / name,
        [
            {"sku": f"NL-{each}", "name": f"Tile {each}", "price": price, "image_link": url}
            for each, url in enumerate(images, 1)
        ],
    )


def run(tmp_path, *images: str, **more):
    job = imported(feed(tmp_path, *images, **more), "--supplier", "Acme")
    assert job.status == "completed", job.error
    return job


def fetch_all() -> int:
    """Fetch what is due, the pauses between two pictures of a host left out."""
    tries = 0
    while True:
        OutgoingHost.objects.filter(failures=0).update(not_before=Now() - timedelta(seconds=1))
        if not once(Images()):
            return tries
        tries += 1


def statuses() -> dict[str, str]:
    return {each.url.rpartition("/")[2]: each.status for each in ImageFetch.objects.all()}


# --- what is queued ---


def test_each_address_of_new_and_changed_materials_is_queued_once(tmp_path, site):
    job = run(tmp_path, site.url("/red.png"), site.url("/green.png"), site.url("/red.png"))
    assert statuses() == {"red.png": "pending", "green.png": "pending"}
    assert set(ImageFetch.objects.values_list("job_id", flat=True)) == {job.pk}
    assert OutgoingHost.objects.get(queue="images").host == site.host
    assert fetch_all() == 2
    again = run(tmp_path, site.url("/red.png"), site.url("/blue.png"), name="more.xml")
    assert statuses() == {"red.png": "stored", "green.png": "stored", "blue.png": "pending"}
    assert ImageFetch.objects.get(job_id=again.pk).url.endswith("blue.png")


def test_what_is_no_address_is_failed_and_says_so(tmp_path, site):
    run(tmp_path, "pictures/1.jpg")
    [one] = ImageFetch.objects.all()
    assert (one.status, one.error_message) == ("failed", "It is no http or https address.")
    assert fetch_all() == 0


def test_run_again_queues_nothing_twice(tmp_path, site):
    job = run(tmp_path, site.url("/red.png"))
    fetch_all()
    lifecycle.rerun_from(job.pk, "rows_imported", None, "again")
    work_off()
    assert statuses() == {"red.png": "stored"}
    assert site.times("/red.png") == 1


def test_a_stored_one_is_asked_again_after_days_and_only_whether_it_changed(tmp_path, site):
    run(tmp_path, site.url("/red.png"))
    fetch_all()
    ImageFetch.objects.update(completed_at=Now() - timedelta(days=8))
    run(tmp_path, site.url("/red.png"), price="9.90 EUR")
    assert statuses() == {"red.png": "pending"}
    assert fetch_all() == 1
    assert site.headers["/red.png"]["If-None-Match"] == '"red"'
    [one] = ImageFetch.objects.all()
    assert (one.status, one.response_status) == ("stored", 304)
    assert one.image


# --- what is fetched ---


def test_a_picture_is_stored_with_its_thumbnail_and_shown(tmp_path, site, client):
    run(tmp_path, site.url("/red.png"))
    fetch_all()
    image = StoredImage.objects.get()
    assert (image.content_type, image.width_px, image.height_px) == ("image/png", 64, 48)
    with storages["default"].open(image.file) as kept:
        assert kept.read() == png("red")
    material = Material.objects.get()
    url = thumbnail_urls([material.pk])[material.pk]
    assert image_urls(material.pk) == [(url, url.removesuffix("/thumbnail"))]
    viewer = signed_in(client, "Viewers")
    small = viewer.get(url)
    assert (small.status_code, small["Content-Type"]) == (200, "image/jpeg")
    assert small["X-Content-Type-Options"] == "nosniff"
    whole = viewer.get(image_urls(material.pk)[0][1])
    assert b"".join(whole.streaming_content) == png("red")


def test_the_first_stored_picture_of_a_material_is_its_thumbnail(tmp_path, site):
    material = Material.objects.create(
        supplier_id=1, images=[site.url("/gone.png"), f"//{site.host}/x.png", site.url("/red.png")]
    )
    bare = Material.objects.create(supplier_id=1, images=None)
    run(tmp_path, site.url("/red.png"))
    fetch_all()
    assert set(thumbnail_urls([material.pk, bare.pk])) == {material.pk}


def test_a_content_is_stored_once_however_many_addresses_lead_to_it(tmp_path, site):
    site.answer("/copy.png", body=png("red"))
    run(tmp_path, site.url("/red.png"), site.url("/copy.png"))
    fetch_all()
    assert StoredImage.objects.count() == 1
    assert statuses() == {"red.png": "stored", "copy.png": "stored"}
    kept = (tmp_path / "media").rglob("*.*")
    assert len(list(kept)) == 2  # the picture and its thumbnail


def test_a_file_that_a_killed_process_had_begun_is_written_anew(tmp_path, site):
    run(tmp_path, site.url("/red.png"))
    task = queues.claim(Images(), SENDER)
    found = queues.work(Images(), task).found
    with storages["default"].open(found.file, "wb") as file:
        file.write(b"half")
    queues.release(Images(), SENDER)
    assert fetch_all() == 1
    with storages["default"].open(StoredImage.objects.get().file) as kept:
        assert kept.read() == png("red")


def test_failures_are_named_and_only_what_passes_is_tried_again(tmp_path, site):
    site.answer("/late.png", status=503)
    site.answer("/page.png", body=b"<!doctype html><p>Log in")
    site.answer("/cut.png", body=png()[:60])
    run(tmp_path, *(site.url(f"/{name}.png") for name in ("late", "gone", "page", "cut")))
    fetch_all()
    for _ in range(9):
        let_time_pass(Images())
        fetch_all()
    said = {each.url.rpartition("/")[2]: each for each in ImageFetch.objects.all()}
    assert {name: each.status for name, each in said.items()} == dict.fromkeys(said, "failed")
    assert "503 Service Unavailable" in said["late.png"].error_message
    assert said["late.png"].retry_count == fetcher.TRIES - 1
    assert site.times("/late.png") == fetcher.TRIES
    assert "404 Not Found" in said["gone.png"].error_message
    assert "a web page" in said["page.png"].error_message
    assert "broken" in said["cut.png"].error_message
    assert site.times("/gone.png") == site.times("/cut.png") == 1


def test_a_host_is_left_alone_as_long_as_it_says(tmp_path, site):
    busy = Answer(429, {"Retry-After": "120"})
    site.in_turn("/red.png", busy, Answer(body=png("red")))
    site.answers["/green.png"] = site.answers["/red.png"]
    run(tmp_path, site.url("/red.png"), site.url("/green.png"))
    assert fetch_all() == 1
    due = queues.next_due(Images(), SENDER)
    assert due
    assert 100 < due <= 120
    let_time_pass(Images())
    assert fetch_all() == 2


def test_there_is_a_pause_between_two_pictures_of_a_host(tmp_path, site):
    run(tmp_path, site.url("/red.png"), site.url("/green.png"))
    assert send_all(Images()) == 1
    due = queues.next_due(Images(), SENDER)
    assert due
    assert 0 < due <= fetcher.PAUSE_SECONDS


def test_one_that_never_ends_is_stopped_at_its_limit(tmp_path, site, monkeypatch):
    monkeypatch.setattr(fetcher, "MAX_BYTES", 50_000)
    site.answer("/endless.png", act=endless)
    run(tmp_path, site.url("/endless.png"))
    assert fetch_all() == 1
    assert "more than 50,000 bytes" in ImageFetch.objects.get().error_message


def test_an_address_inside_is_refused(tmp_path, site, settings):
    settings.OUTBOUND_ALLOW = frozenset()
    run(tmp_path, site.url("/red.png"))
    fetch_all()
    assert "is not a public address" in ImageFetch.objects.get().error_message
    assert site.asked == []
