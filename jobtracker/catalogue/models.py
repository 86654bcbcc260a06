"""The catalogue: one row a product, and all that is needed to say where each value came from.

A material is what its sources add up to. `material_sources` keeps what each feed, site, PDF or
person says about it; `materials` is the outcome under the supplier's order of sources;
`material_versions` keeps what each job replaced, which is enough to take the job back.

`write.py` is the only way in for what pipelines bring, `people.py` for what a person says of a
material, `undo.py` takes a job back; nothing else writes the last three tables. Foreign keys are
real only from sources to materials (each further one costs a tenth of an import), and job ids are
plain uuids, because the catalogue outlives the jobs that filled it.
"""

from typing import Any

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector
from django.db import models
from django.db.models.functions import Now


class Kind(models.TextChoices):
    """The kinds of sources, best first: a supplier's default order."""

    CORRECTION = "correction", "Correction"
    FEED = "feed", "Feed"
    SITE = "site", "Site"
    PDF = "pdf", "PDF"


class DecimalStyle(models.TextChoices):
    """How a supplier writes decimals, where its files leave it open."""

    UNKNOWN = "", "Unknown"
    POINT = "point", "1,234.56"
    COMMA = "comma", "1.234,56"


class WhenMissing(models.TextChoices):
    """What becomes of products that a source gave before and, read to its end, gives no more."""

    KEEP = "keep", "stay active"
    DEACTIVATE = "deactivate", "become inactive"


class Op(models.TextChoices):
    """What a job did to a material's source row."""

    CREATED = "c", "Created"
    ATTACHED = "a", "Attached to a known material"
    UPDATED = "u", "Updated"
    UNDONE = "x", "Undone"


def default_source_order() -> list[str]:
    """All kinds, best first."""
    return [str(kind) for kind in Kind]


def _optional_text(verbose_name: str | None = None) -> "models.TextField[str | None, str | None]":
    """A text that sources may leave out; unknown is NULL, as in the values it is made from."""
    return models.TextField(verbose_name, null=True, blank=True)


class NumericField(models.DecimalField):
    """A decimal that is stored as it was written, neither padded, rounded nor refused.

    The limits hold for forms only: in a table they would end a whole batch for one odd value.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"max_digits": 30, "decimal_places": 10} | kwargs)

    def db_type(self, connection: Any) -> str:
        return "numeric"


def _optional_number(verbose_name: str | None = None) -> NumericField:
    return NumericField(verbose_name, null=True, blank=True)


class Supplier(models.Model):
    """Whose products they are, and what its files leave unsaid."""

    name = models.TextField(unique=True)
    default_currency = models.CharField(max_length=3, blank=True, default="", help_text="ISO 4217")
    decimal_style = models.CharField(
        max_length=5, choices=DecimalStyle, blank=True, default=DecimalStyle.UNKNOWN
    )
    language = models.CharField(max_length=10, blank=True, default="", help_text="ISO 639, as el")
    source_order = models.JSONField(
        default=default_source_order,
        help_text="The kinds of sources, best first; a better source's value wins its field.",
    )
    when_missing = models.CharField(
        "products that a feed has no more",
        max_length=10,
        choices=WhenMissing,
        default=WhenMissing.KEEP,
        db_default=WhenMissing.KEEP,
    )

    class Meta:
        db_table = "suppliers"
        ordering = ("name",)
        constraints = [
            models.CheckConstraint(
                name="suppliers_currency_code",
                condition=models.Q(default_currency__regex="^([A-Z]{3})?$"),
            ),
            models.CheckConstraint(
                name="suppliers_decimal_style",
                condition=models.Q(decimal_style__in=DecimalStyle.values),
            ),
            models.CheckConstraint(
                name="suppliers_when_missing",
                condition=models.Q(when_missing__in=WhenMissing.values),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class CatalogueSource(models.Model):
    """One stream of values about a supplier's products: a feed, a site, a PDF, corrections."""

    supplier = models.ForeignKey(Supplier, on_delete=models.PROTECT, related_name="sources")
    kind = models.CharField(max_length=10, choices=Kind)
    name = models.TextField()

    class Meta:
        db_table = "catalogue_sources"
        constraints = [
            models.UniqueConstraint(
                fields=("supplier", "kind", "name"), name="catalogue_sources_one_a_name"
            ),
            models.CheckConstraint(
                name="catalogue_sources_kind", condition=models.Q(kind__in=Kind.values)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.kind})"


SEARCH = SearchVector("name", "sku", "brand", config="simple")
"""What full-text search looks in: an index and no column, so rows stay as wide as they are."""


class Material(models.Model):
    """A product as its sources add up to it. Sizes are in millimetres.

    `withdrawn`: a person said that it is no product of its own, so no later run makes it active.
    """

    supplier = models.ForeignKey(
        Supplier, on_delete=models.PROTECT, db_constraint=False, db_index=False
    )
    name = _optional_text()
    brand = _optional_text()
    category = models.JSONField(null=True, blank=True, help_text="A list, widest first.")
    sku = _optional_text("SKU")
    sku_folded = _optional_text("folded SKU")
    ean = _optional_text("EAN")
    ean_valid = _optional_text("valid EAN")
    size_text = _optional_text("size as written")
    width_mm = _optional_number("width (mm)")
    height_mm = _optional_number("height (mm)")
    thickness_mm = _optional_number("thickness (mm)")
    finish = _optional_text()
    colour = _optional_text()
    price = _optional_number()
    currency = _optional_text()
    unit = _optional_text()
    stock = _optional_number()
    description = _optional_text()
    images = models.JSONField(null=True, blank=True, help_text="A list of addresses.")
    attributes = models.JSONField(null=True, blank=True)
    active = models.BooleanField(default=True, db_default=True)
    withdrawn = models.BooleanField(default=False, db_default=False)
    review = _optional_text("why a person should look")
    changed_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        db_table = "materials"
        indexes = [
            models.Index(
                fields=("supplier", "sku_folded"),
                condition=models.Q(sku_folded__isnull=False),
                name="materials_sku",
            ),
            models.Index(
                fields=("supplier", "ean_valid"),
                condition=models.Q(ean_valid__isnull=False),
                name="materials_ean",
            ),
            # Nearly empty, so asking it about each unchanged row costs next to nothing.
            models.Index(
                fields=("id",), condition=models.Q(active=False), name="materials_inactive"
            ),
            models.Index(
                fields=("id",), condition=models.Q(review__isnull=False), name="materials_review"
            ),
            GinIndex(SEARCH, name="materials_search"),
            # What one supplier has, the newest first, without reading what all others have.
            models.Index(fields=("supplier", "id"), name="materials_by_supplier"),
        ]

    def __str__(self) -> str:
        return self.name or self.sku or f"material {self.pk}"


class MaterialSource(models.Model):
    """What one source says about one material.

    `vals` groups what belongs together (`statements.COLUMNS` has the groups), so that one source's
    price never meets another's currency. It holds no nulls but those of a correction, which say
    that there is no such value (a group says it by being empty). `provenance` has an entry for a
    field of `vals` where there is something to say, and one named `row` for the whole row.
    """

    source = models.ForeignKey(
        CatalogueSource, on_delete=models.PROTECT, db_constraint=False, db_index=False
    )
    source_key = models.TextField()
    material = models.ForeignKey(
        Material, on_delete=models.CASCADE, db_index=False, related_name="sources"
    )
    job_id = models.UUIDField(null=True)
    row_number = models.IntegerField(null=True)
    content_hash = models.BinaryField()
    fingerprint = models.BinaryField("fingerprint of the record", null=True)
    vals = models.JSONField("values")
    provenance = models.JSONField()
    changed_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        db_table = "material_sources"
        constraints = [
            models.UniqueConstraint(
                fields=("source", "source_key"), name="material_sources_one_a_key"
            ),
            models.UniqueConstraint(
                fields=("material", "source"), name="material_sources_one_a_material"
            ),
        ]

    def __str__(self) -> str:
        return self.source_key


class MaterialVersion(models.Model):
    """What one job replaced in one material and its source row.

    `old` has the material's fields that changed, `old_source` the same of the source's `vals`,
    both with their former values (null: there was none). The other `old_` columns are the source
    row's former ones. All are null where the source row was new. A version without `new_hash`
    changed the material alone, as where a product is missing from a feed. What an undo takes back
    is a version of the same job.
    """

    material_id = models.BigIntegerField()
    job_id = models.UUIDField(null=True)
    row_number = models.IntegerField(null=True)
    op = models.CharField(max_length=1, choices=Op)
    source_id = models.BigIntegerField()
    source_key = models.TextField()
    old = models.JSONField(null=True)
    old_source = models.JSONField(null=True)
    old_provenance = models.JSONField(null=True)
    old_hash = models.BinaryField(null=True)
    old_job = models.UUIDField(null=True)
    old_row = models.IntegerField(null=True)
    old_changed_at = models.DateTimeField(null=True)
    new_hash = models.BinaryField(null=True)
    at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        db_table = "material_versions"
        indexes = [
            models.Index(fields=("material_id", "id"), name="material_versions_material"),
            models.Index(fields=("job_id", "id"), name="material_versions_job"),
        ]
        constraints = [
            models.CheckConstraint(
                name="material_versions_op", condition=models.Q(op__in=Op.values)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_op_display()}: {self.source_key}"


class MaterialMerge(models.Model):
    """Two materials that a person found to be one. `moved` are the ids of the source rows that
    went from `merged_id` to `kept_id`; sources that both had stayed, and say nothing any more."""

    kept_id = models.BigIntegerField(db_index=True)
    merged_id = models.BigIntegerField()
    moved = models.JSONField()
    was_active = models.BooleanField()
    at = models.DateTimeField(db_default=Now(), editable=False)
    undone_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        db_table = "material_merges"
        constraints = [
            models.UniqueConstraint(
                fields=("merged_id",),
                condition=models.Q(undone_at__isnull=True),
                name="material_merges_one_at_a_time",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.merged_id} into {self.kept_id}"


class SupplierCoverage(models.Model):
    """How many of a supplier's materials were known, and how many of the active ones had a price,
    a picture and so on, after the last run of a day (UTC). `coverage` alone writes it."""

    supplier = models.ForeignKey(
        Supplier, on_delete=models.CASCADE, related_name="coverage", db_index=False
    )
    day = models.DateField()
    at = models.DateTimeField(db_default=Now(), editable=False)
    job_id = models.UUIDField(null=True, help_text="The run after which it was counted.")
    active = models.PositiveIntegerField()
    inactive = models.PositiveIntegerField()
    price = models.PositiveIntegerField("with a price")
    picture = models.PositiveIntegerField("with a picture")
    ean = models.PositiveIntegerField("with an EAN")
    size = models.PositiveIntegerField("with a size")
    colour = models.PositiveIntegerField("with a colour")

    class Meta:
        db_table = "supplier_coverage"
        ordering = ("supplier", "-day")
        constraints = [
            models.UniqueConstraint(fields=("supplier", "day"), name="supplier_coverage_one_a_day"),
        ]

    def __str__(self) -> str:
        return f"{self.supplier_id}, {self.day}"


class RowOutcome(models.Model):
    """What became of one row that a pipeline brought: the table that `write.Writer` fills.

    `detail` is filled for failed, skipped and warned rows only: column, field, raw, reason, hint,
    warnings.
    """

    class Outcome(models.TextChoices):
        CREATED = "c", "created"
        UPDATED = "u", "updated"
        UNCHANGED = "=", "unchanged"
        FAILED = "f", "failed"
        SKIPPED = "s", "skipped"

    job_id = models.UUIDField()
    number = models.PositiveIntegerField()
    line = models.PositiveIntegerField(null=True, blank=True)
    key = models.TextField(null=True, blank=True)
    outcome = models.CharField(max_length=1, choices=Outcome)
    material_id = models.BigIntegerField(null=True, blank=True)
    detail = models.JSONField(null=True, blank=True)

    class Meta:
        abstract = True
        ordering = ["job_id", "number"]
        constraints = [
            models.UniqueConstraint(fields=["job_id", "number"], name="%(class)s_number"),
            models.CheckConstraint(
                name="%(class)s_outcome_known",
                condition=models.Q(outcome__in=["c", "u", "=", "f", "s"]),
            ),
        ]

    def __str__(self) -> str:
        return f"row {self.number}"
