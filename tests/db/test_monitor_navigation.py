"""What stands around our pages: the side navigation and the palette."""

import pytest
from django.db.models.functions import Now

from jobtracker.catalogue.models import Supplier
from jobtracker.models import BackgroundJob
from tests.db.jobs import make_job
from tests.db.pages import signed_in

pytestmark = pytest.mark.django_db


def items(response) -> dict:
    groups = response.context["sidebar_navigation"]
    return {item["title"]: item for group in groups for item in group["items"]}


def test_marks_the_page_that_is_open(client):
    viewer = signed_in(client, "Viewers")
    for url in (
        "/admin/async-queue-monitor",
        "/admin/async-queue-monitor/",
        f"/admin/async-queue-monitor/jobs/{make_job().pk}",
    ):
        found = items(viewer.get(url))
        assert found["Queue"]["active"]
        assert not found["Data import"]["active"]
    assert items(viewer.get("/admin/data-import"))["Data import"]["active"]


def test_counts_open_causes_beside_the_queue(client):
    viewer = signed_in(client, "Viewers")
    assert "badge" not in items(viewer.get("/admin/async-queue-monitor"))["Queue"]
    for cause in ("aa", "aa", "bb"):
        BackgroundJob.objects.filter(pk=make_job().pk).update(
            status="failed", failed_at=Now(), error_fingerprint=cause
        )
    assert items(viewer.get("/admin/async-queue-monitor"))["Queue"]["badge"] == "2"


def test_the_palette_finds_jobs_and_suppliers(client):
    viewer = signed_in(client, "Viewers")
    job = make_job()
    supplier = Supplier.objects.create(name="Tilestone & Co")
    found = viewer.get("/admin/search/", {"s": "tile", "extended": "1"}).content.decode()
    assert f"/admin/async-queue-monitor/jobs/{job.pk}" in found
    assert f"/admin/suppliers/{supplier.pk}" in found
