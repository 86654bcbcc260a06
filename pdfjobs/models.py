"""A PDF catalogue, its pages and what was found on them.

Boxes are `[x0, top, x1, bottom]` in PDF points from the top left of the page as it is shown.
Files (pictures, tiles, thumbnails, images) are names in the default storage, below the document's
own folder.
"""

from django.db import models
from django.db.models import F, Q
from pgvector.django import VectorField

from jobtracker.catalogue.models import RowOutcome
from jobtracker.models import BackgroundJob
from jobtracker.models.fields import created_now, one_of, uuid7_key
from jobtracker.states import Status


class PdfDocument(models.Model):
    """The detail row of a `pdf_processing` job. Status and counters are written by the lifecycle,
    together with the job's. `background_jobs.document_id` is this row's id."""

    id = uuid7_key()
    background_job = models.OneToOneField(
        BackgroundJob, on_delete=models.CASCADE, related_name="pdf_document"
    )
    filename = models.CharField(max_length=255)
    status = models.CharField(max_length=10, choices=Status, default=Status.PENDING)
    total_pages = models.PositiveIntegerField(default=0)
    processed_pages = models.PositiveIntegerField(default=0)
    failed_pages = models.PositiveIntegerField(default=0)
    created_at = created_now()
    updated_at = created_now()
    error_message = models.TextField(blank=True, default="")

    source_file = models.CharField(max_length=255)
    content_hash = models.CharField(max_length=64, db_index=True)
    bytes = models.BigIntegerField(default=0)
    engine = models.CharField(max_length=20, blank=True, default="")
    sealed_password = models.TextField(blank=True, default="")
    information = models.JSONField(default=dict, blank=True, help_text="Title, producer, ...")

    class Meta:
        db_table = "pdf_documents"
        ordering = ["-id"]
        constraints = [
            one_of("status", Status, "pdf_document_status_known"),
            models.CheckConstraint(
                name="pdf_pages_add_up",
                condition=Q(total_pages__gte=F("processed_pages") + F("failed_pages")),
            ),
        ]
        indexes = [
            models.Index(
                fields=["source_file"], name="pdf_by_source_file", condition=~Q(source_file="")
            )
        ]

    def __str__(self) -> str:
        return self.filename


class PdfPage(models.Model):
    """One page: how far it is, how it was read, what is on it.

    `stage` is the last stage that finished it, so that a resumed stage knows where to go on;
    `words` are [text, x0, top, x1, bottom]; `tables` are objects {box, rows}, a
    cell {text, box} or null; `found` is what the record reader gave.
    `attempts` counts how often a stage began it without an end: a page that kills its reader twice
    fails.
    """

    class Kind(models.TextChoices):
        COVER = "cover", "Cover"
        CONTENTS = "contents", "Contents"
        PROSE = "prose", "Prose"
        TABLE = "table", "Table"
        CARDS = "cards", "Cards"
        SWATCHES = "swatches", "Swatches"
        DRAWING = "drawing", "Drawing"
        EMPTY = "empty", "Empty"

    class State(models.TextChoices):
        PENDING = "pending", "Waiting"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"
        SKIPPED = "skipped", "Skipped"

    document = models.ForeignKey(
        PdfDocument, on_delete=models.CASCADE, related_name="pages", db_index=False
    )
    number = models.PositiveIntegerField(help_text="From 1.")
    kind = models.CharField(max_length=10, choices=Kind, blank=True, default="")
    state = models.CharField(max_length=10, choices=State, default=State.PENDING)
    stage = models.CharField(max_length=24, blank=True, default="")
    engine = models.CharField(max_length=20, blank=True, default="")
    seconds = models.FloatField(default=0)
    attempts = models.PositiveSmallIntegerField(default=0)
    width = models.FloatField(default=0, help_text="PDF points, as shown")
    height = models.FloatField(default=0)
    text = models.TextField(blank=True, default="")
    words = models.JSONField(default=list, blank=True)
    lines = models.PositiveIntegerField(default=0, help_text="Ruled lines and edges")
    pictures = models.PositiveIntegerField(default=0, help_text="Placed pictures")
    tables = models.JSONField(default=list, blank=True)
    found = models.JSONField(default=dict, blank=True, help_text="{records, head, warnings}")
    picture = models.CharField(max_length=255, blank=True, default="")
    thumbnail = models.CharField(max_length=255, blank=True, default="")
    tiles = models.JSONField(default=list, blank=True, help_text="[name, box] each")
    records = models.PositiveIntegerField(default=0)
    warnings = models.JSONField(default=list, blank=True)
    error = models.TextField(blank=True, default="")
    hint = models.TextField(blank=True, default="")
    updated_at = created_now()

    class Meta:
        db_table = "pdf_pages"
        ordering = ["document", "number"]
        constraints = [
            models.UniqueConstraint(fields=["document", "number"], name="pdf_pages_one_a_number"),
            models.CheckConstraint(
                name="pdf_page_state_known",
                condition=Q(state__in=["pending", "done", "failed", "skipped"]),
            ),
        ]

    def __str__(self) -> str:
        return f"page {self.number}"


class PdfImage(models.Model):
    """A picture placed on a page. `phash` is its perceptual hash, 16 hex digits; one that comes on
    many pages is decoration."""

    page = models.ForeignKey(PdfPage, on_delete=models.CASCADE, related_name="images")
    number = models.PositiveSmallIntegerField()
    box = models.JSONField()
    file = models.CharField(max_length=255)
    width_px = models.PositiveIntegerField()
    height_px = models.PositiveIntegerField()
    phash = models.CharField(max_length=16)
    decoration = models.BooleanField(default=False)

    class Meta:
        db_table = "pdf_images"
        ordering = ["page", "number"]
        constraints = [
            models.UniqueConstraint(fields=["page", "number"], name="pdf_images_one_a_number")
        ]

    def __str__(self) -> str:
        return self.file


class PdfChunk(models.Model):
    """A passage of a page, the unit of search. `content_hash` is that of what is embedded of it, ""
    where nothing is."""

    page = models.ForeignKey(PdfPage, on_delete=models.CASCADE, related_name="chunks")
    number = models.PositiveSmallIntegerField()
    box = models.JSONField()
    text = models.TextField()
    content_hash = models.CharField(max_length=64, blank=True, db_index=True)

    class Meta:
        db_table = "pdf_chunks"
        ordering = ["page", "number"]
        constraints = [
            models.UniqueConstraint(fields=["page", "number"], name="pdf_chunks_one_a_number")
        ]

    def __str__(self) -> str:
        return self.text[:60]


class PdfEmbedding(models.Model):
    """The vector of a text, once for each content and provider. Vectors of different providers or
    versions are never compared."""

    content_hash = models.CharField(max_length=64)
    provider = models.CharField(max_length=60)
    version = models.CharField(max_length=40)
    vector = VectorField()

    class Meta:
        db_table = "pdf_embeddings"
        constraints = [
            models.UniqueConstraint(
                fields=["content_hash", "provider", "version"], name="pdf_embeddings_one_a_content"
            )
        ]

    def __str__(self) -> str:
        return f"{self.provider} {self.version}"


class PdfRow(RowOutcome):
    """What became of one record of a page: `line` is the page, `number` is page * 1,000 + place."""

    class Meta(RowOutcome.Meta):
        db_table = "pdf_rows"
