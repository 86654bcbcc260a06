"""A feed import: its source, how its fields were mapped, and what became of each row."""

from django.db import models
from django.db.models import F, Q

from jobtracker.catalogue.models import Supplier
from jobtracker.models import BackgroundJob
from jobtracker.models.fields import created_now, one_of, uuid7_key
from jobtracker.states import Status


class MappingTemplate(models.Model):
    """A mapping that a person confirmed, kept for the supplier's next file of the same shape.

    `shape` is a hash of the field names; a changed mapping is a new version. A version that is set
    aside (`retired_at`) is obeyed by no later run.
    """

    supplier = models.ForeignKey(Supplier, on_delete=models.CASCADE, related_name="templates")
    name = models.CharField(max_length=120)
    version = models.PositiveIntegerField(default=1)
    shape = models.CharField(max_length=64)
    record_path = models.TextField(blank=True)
    mapping = models.JSONField()
    created_at = created_now()
    retired_at = models.DateTimeField("set aside", null=True, blank=True, editable=False)

    class Meta:
        db_table = "mapping_templates"
        ordering = ["supplier", "name", "-version"]
        constraints = [
            models.UniqueConstraint(
                fields=["supplier", "name", "version"], name="template_version"
            ),
        ]
        indexes = [models.Index(fields=["supplier", "shape"], name="template_by_shape")]

    def __str__(self) -> str:
        return f"{self.name} v{self.version}"


class FeedLogin(models.Model):
    """How a supplier's host lets us in. The secret is sealed and never shown again."""

    class Kind(models.TextChoices):
        BASIC = "basic", "User and password (also FTPS, SFTP)"
        BEARER = "bearer", "Bearer token"
        HEADER = "header", "A header of its own"

    supplier = models.ForeignKey(Supplier, on_delete=models.CASCADE, related_name="feed_logins")
    host = models.CharField(
        max_length=255, help_text="As feeds.supplier.example, or with a port: ...example:8443"
    )
    kind = models.CharField(max_length=6, choices=Kind.choices, default=Kind.BASIC)
    name = models.CharField(
        "user or header", max_length=200, blank=True, default="", help_text="None for a token"
    )
    sealed_secret = models.TextField()
    host_key = models.CharField(
        max_length=100, blank=True, default="", help_text="Of an SFTP server: SHA256:..."
    )
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = "feed_logins"
        ordering = ["supplier", "host"]
        constraints = [
            models.UniqueConstraint(fields=["supplier", "host"], name="feed_login_one_a_host"),
            models.CheckConstraint(
                name="feed_login_kind_known", condition=Q(kind__in=["basic", "bearer", "header"])
            ),
        ]

    def __str__(self) -> str:
        return self.host


class DataImportJob(models.Model):
    """The detail row of an `xml_import` job. Status and counters are written by the lifecycle,
    together with the job's; `processed_products` = done + skipped."""

    class ImportType(models.TextChoices):
        XML = "xml", "XML"
        CSV = "csv", "CSV"
        JSON = "json", "JSON"

    id = uuid7_key()
    background_job = models.OneToOneField(
        BackgroundJob, on_delete=models.CASCADE, related_name="data_import"
    )
    source_name = models.CharField(max_length=500)
    import_type = models.CharField(max_length=4, choices=ImportType.choices)
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.PENDING)
    total_products = models.PositiveIntegerField(default=0)
    processed_products = models.PositiveIntegerField(default=0)
    failed_products = models.PositiveIntegerField(default=0)
    field_mappings = models.JSONField(default=dict, blank=True)
    created_at = created_now()
    updated_at = created_now()
    error_message = models.TextField(blank=True, default="")

    source_file = models.CharField(max_length=255, blank=True, default="")
    source_url = models.TextField(blank=True, default="")
    record_path = models.TextField(blank=True, default="")
    encoding = models.CharField(max_length=40, blank=True, default="")
    dialect = models.JSONField(default=dict, blank=True)
    profile = models.CharField(max_length=60, blank=True, default="")
    template = models.ForeignKey(MappingTemplate, null=True, blank=True, on_delete=models.SET_NULL)
    content_hash = models.CharField(max_length=64, blank=True, default="")
    etag = models.CharField(max_length=255, blank=True, default="")
    last_modified = models.CharField(max_length=64, blank=True, default="")

    class Meta:
        db_table = "data_import_jobs"
        ordering = ["-id"]
        constraints = [
            one_of("status", Status, "import_status_known"),
            models.CheckConstraint(
                name="import_type_known", condition=Q(import_type__in=["xml", "csv", "json"])
            ),
            models.CheckConstraint(
                name="import_products_add_up",
                condition=Q(total_products__gte=F("processed_products") + F("failed_products")),
            ),
        ]
        indexes = [
            models.Index(
                fields=["source_file"], name="import_by_source_file", condition=~Q(source_file="")
            )
        ]

    def __str__(self) -> str:
        return self.source_name


class ImportRow(models.Model):
    """What became of one record of a feed. Narrow, because a feed may have a million.

    `detail` is filled for failed, skipped and warned rows only: column, field, raw, reason, hint,
    record, warnings; `only_in` names the second file of a joined feed that alone has the row.
    """

    class Outcome(models.TextChoices):
        CREATED = "c", "created"
        UPDATED = "u", "updated"
        UNCHANGED = "=", "unchanged"
        FAILED = "f", "failed"
        SKIPPED = "s", "skipped"

    job = models.ForeignKey(
        BackgroundJob,
        on_delete=models.CASCADE,
        related_name="import_rows",
        db_index=False,
        db_constraint=False,
    )
    number = models.PositiveIntegerField(help_text="The record's number in the feed, from 1.")
    line = models.PositiveIntegerField(help_text="The line of the file where the record starts.")
    key = models.TextField(null=True, blank=True)
    outcome = models.CharField(max_length=1, choices=Outcome.choices)
    material_id = models.BigIntegerField(null=True, blank=True)
    detail = models.JSONField(null=True, blank=True)

    class Meta:
        db_table = "import_rows"
        ordering = ["job", "number"]
        constraints = [
            models.UniqueConstraint(fields=["job", "number"], name="row_number"),
            models.CheckConstraint(
                name="row_outcome_known", condition=Q(outcome__in=["c", "u", "=", "f", "s"])
            ),
        ]
        indexes = [
            models.Index(
                fields=["job", "outcome", "number"],
                name="row_to_look_at",
                condition=Q(outcome__in=["f", "s"]),
            )
        ]

    def __str__(self) -> str:
        return f"row {self.number}"
