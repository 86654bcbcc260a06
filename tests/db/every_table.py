"""One row in every table that the admin shows."""

from typing import Any
from uuid import uuid4

from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.contrib.auth.models import Group
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db.models import Model
from django.db.models.functions import Now

from imports.models import DataImportJob, FeedLogin, ImportRow, MappingTemplate
from jobtracker import audit, lifecycle, uploads
from jobtracker.access import sync_roles
from jobtracker.catalogue.models import (
    CatalogueSource,
    Material,
    MaterialMerge,
    MaterialSource,
    MaterialVersion,
    Supplier,
    SupplierCoverage,
)
from jobtracker.images.models import ImageFetch, StoredImage
from jobtracker.models import (
    AttemptSession,
    AuditEntry,
    BackgroundJob,
    FileToRemove,
    JobAttempt,
    JobCheckpoint,
    JobEvent,
    JobMetricsHour,
    JobQueue,
    JobSchedule,
    User,
    Worker,
)
from jobtracker.outgoing.models import OutgoingHost
from jobtracker.webhooks.models import WebhookCall
from pdfjobs.models import PdfChunk, PdfDocument, PdfEmbedding, PdfImage, PdfPage, PdfRow
from scraping.models import ScrapingPage, ScrapingRow, ScrapingSession
from tests.db.jobs import claim, make_job
from tests.db.pdf_documents import make_document
from tests.db.schedules import make_schedule

MAPPING = {"fields": [{"source": "a", "target": "name", "transform": None}], "defaults": {}}


def fill() -> dict[type[Model], Any]:
    """Make the rows: a job that runs, with all that belongs to it. Its supplier is Acme."""
    sync_roles()
    supplier = Supplier.objects.create(name="Acme")
    job = make_job(supplier_id=supplier.pk)
    attempt = JobAttempt.objects.get(token=claim().token)
    lifecycle.note_session(attempt.token)
    stored = uploads.store_upload(SimpleUploadedFile("tiles.xml", b"<a/>"))
    found = DataImportJob.objects.get(background_job=job)
    DataImportJob.objects.filter(pk=found.pk).update(source_file=stored.name)
    source = CatalogueSource.objects.create(supplier=supplier, kind="feed", name="tiles")
    material = Material.objects.create(supplier=supplier, name="Tile")
    document = make_document("tiles.pdf", supplier)
    page = PdfPage.objects.get(document=document, number=1)
    session = ScrapingSession.objects.create(background_job=job, source_url="https://acme.example/")
    picture = default_storage.save("images/aa/a.png", ContentFile(b"picture"))
    audit.record(None, "edit", "job", [job.pk], "a reason")
    tried = {"ip_address": "192.0.2.1", "username": "sam", "path_info": "/", "user_agent": "u"}
    return {
        Supplier: supplier,
        BackgroundJob: job,
        JobAttempt: attempt,
        AttemptSession: AttemptSession.objects.first(),
        JobCheckpoint: JobCheckpoint.objects.create(job=job, stage="s", state="done", attempt=1),
        JobEvent: JobEvent.objects.create(job=job, message="m"),
        JobQueue: JobQueue.objects.get_or_create(job_type="xml_import")[0],
        JobMetricsHour: JobMetricsHour.objects.create(
            hour="2026-01-01T00:00Z", job_type="xml_import", completed=2, durations=[0, 0, 2]
        ),
        FileToRemove: FileToRemove.objects.create(storage="sources", name="f" * 32),
        JobSchedule: make_schedule(),
        Worker: Worker.objects.create(id=uuid4(), host="h", pid=1, start_ticks=1, slots=2),
        AuditEntry: AuditEntry.objects.first(),
        User: User.objects.create_user("sam"),
        Group: Group.objects.get(name="Viewers"),
        CatalogueSource: source,
        Material: material,
        MaterialSource: MaterialSource.objects.create(
            source=source,
            source_key="k",
            material=material,
            content_hash=b"h",
            vals={},
            provenance={},
        ),
        MaterialMerge: MaterialMerge.objects.create(
            kept_id=material.pk, merged_id=0, moved=[], was_active=True
        ),
        SupplierCoverage: SupplierCoverage.objects.create(
            supplier=supplier,
            day="2026-01-01",
            active=1,
            inactive=0,
            price=0,
            picture=0,
            ean=0,
            size=0,
            colour=0,
        ),
        MaterialVersion: MaterialVersion.objects.create(
            material_id=material.pk, op="c", source_id=source.pk, source_key="k"
        ),
        WebhookCall: WebhookCall.objects.create(
            job=job,
            job_type="xml_import",
            webhook_url="https://shop.example/",
            host="shop.example",
            idempotency_key=uuid4(),
        ),
        OutgoingHost: OutgoingHost.objects.get_or_create(queue="calls", host="shop.example")[0],
        StoredImage: StoredImage.objects.create(
            sha256="a" * 64,
            file=picture,
            thumbnail=picture,
            content_type="image/png",
            bytes=9,
            width_px=3,
            height_px=3,
        ),
        ImageFetch: ImageFetch.objects.create(
            url="https://shop.example/i.png", url_hash=b"u", host="shop.example", job_id=job.pk
        ),
        DataImportJob: found,
        FeedLogin: FeedLogin.objects.create(
            supplier=supplier, host="feeds.acme.example", name="sam", sealed_secret="c2VhbGVk"
        ),
        ImportRow: ImportRow.objects.create(job=job, number=1, line=2, outcome="c"),
        MappingTemplate: MappingTemplate.objects.create(
            supplier=supplier, name="tiles", shape="s", mapping=MAPPING
        ),
        PdfDocument: document,
        PdfPage: page,
        PdfImage: PdfImage.objects.create(
            page=page, number=9, box=[0, 0, 9, 9], file="i", width_px=9, height_px=9, phash="0"
        ),
        PdfChunk: PdfChunk.objects.create(
            page=page, number=1, box=[0, 0, 9, 9], text="t", content_hash="h"
        ),
        PdfEmbedding: PdfEmbedding.objects.create(
            content_hash="h", provider="p", version="1", vector=[0.5, 0.5]
        ),
        PdfRow: PdfRow.objects.create(job_id=job.pk, number=1001, line=1, outcome="c"),
        ScrapingSession: session,
        ScrapingPage: ScrapingPage.objects.create(
            session=session, url="https://acme.example/", canonical_url="https://acme.example/"
        ),
        ScrapingRow: ScrapingRow.objects.create(job_id=job.pk, number=1, outcome="c"),
        AccessAttempt: AccessAttempt.objects.create(failures_since_start=1, **tried),
        AccessFailureLog: AccessFailureLog.objects.create(**tried),
        AccessLog: AccessLog.objects.create(logout_time=Now(), **tried),
    }
