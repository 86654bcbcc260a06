"""The pictures of materials: which addresses are fetched, and what was found there."""

import re
from collections.abc import Iterable

from django.db import models
from django.db.models import QuerySet

from jobtracker.catalogue.models import Supplier
from jobtracker.models.fields import created_now
from jobtracker.outgoing.models import Outgoing, due_index

FOLDER = "images"
_NAME = re.compile(rf"{FOLDER}/[0-9a-f]{{2}}/([0-9a-f]{{64}})\b.*")


class StoredImage(models.Model):
    """A picture as it came, once however many addresses lead to it, and its thumbnail (a JPEG).
    Both are names in the default storage."""

    sha256 = models.CharField(max_length=64, unique=True)
    file = models.CharField(max_length=100)
    thumbnail = models.CharField(max_length=100)
    content_type = models.CharField(max_length=40, help_text="By content.")
    bytes = models.PositiveIntegerField()
    width_px = models.PositiveIntegerField()
    height_px = models.PositiveIntegerField()
    created_at = created_now()

    class Meta:
        db_table = "stored_images"
        ordering = ["-pk"]

    def __str__(self) -> str:
        return self.sha256[:16]

    @property
    def names(self) -> tuple[str, str]:
        """The names of its files."""
        return self.file, self.thumbnail


class ImageFetch(Outgoing):
    """An address that a material names as a picture: a row for all materials, jobs and suppliers.
    `supplier` and `job_id` are those that asked last."""

    class Status(models.TextChoices):
        PENDING = "pending", "Pending"
        RETRYING = "retrying", "Retrying"
        STORED = "stored", "Stored"
        FAILED = "failed", "Failed"

    url = models.TextField()
    url_hash = models.BinaryField(unique=True, help_text="SHA-256: an index holds no long text.")
    supplier = models.ForeignKey(
        Supplier, null=True, blank=True, on_delete=models.SET_NULL, db_constraint=False
    )
    job_id = models.UUIDField(db_index=True)
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.PENDING)
    image = models.ForeignKey(
        StoredImage,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="fetches",
        db_index=False,
    )
    response_status = models.PositiveSmallIntegerField(null=True, blank=True)
    etag = models.CharField(max_length=255, blank=True, default="", db_default="")
    last_modified = models.CharField(max_length=64, blank=True, default="", db_default="")

    class Meta:
        db_table = "image_fetches"
        ordering = ["-pk"]
        verbose_name_plural = "image fetches"
        constraints = [
            models.CheckConstraint(
                name="image_status_known",
                condition=models.Q(status__in=["pending", "retrying", "stored", "failed"]),
            )
        ]
        indexes = [
            due_index("image_due_by_host"),
            models.Index(fields=["host"], name="image_by_host"),
            models.Index(
                fields=["image"],
                name="image_fetch_by_image",
                condition=models.Q(image__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.url[:200]


def stored_again(names: Iterable[str]) -> QuerySet[StoredImage]:
    """Return the stored pictures that bear some files' names, whose rows went and came."""
    contents = {found[1] for name in names if (found := _NAME.fullmatch(name))}
    return StoredImage.objects.filter(sha256__in=contents)
