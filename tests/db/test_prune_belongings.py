"""Every column that names a job has a decision: what becomes of its row when the job is pruned.

Who adds one decides it here, in a pipeline's `item_tables` or in `retention.rows`.
"""

from django.apps import apps
from django.db import models

from jobtracker import pipelines
from jobtracker.models import BackgroundJob
from jobtracker.retention.rows import ALL_TABLES, detail_of

OURS = {
    "jobtracker",
    "catalogue",
    "outgoing",
    "webhooks",
    "images",
    "imports",
    "scraping",
    "pdfjobs",
}

# Columns that name a job and whose row outlives it: why.
STAYS = {
    "background_jobs.parent_id": "an ended re-run loses the name; a live one keeps the job",
    "image_fetches.job_id": "a picture outlives the job that asked for it last",
    "job_schedules.last_job_id": "what a schedule shows as its last run stays",
    "material_sources.job_id": "the catalogue outlives the jobs that filled it",
    "material_versions.job_id": "undo goes by the id alone, for UNDO_DAYS",
    "material_versions.old_job": "undo gives it back",
    "supplier_coverage.job_id": "a supplier's figures outlive the run that they followed",
}


def removed() -> list[type[models.Model]]:
    """Return the models whose rows go with a job, in the order in which they go."""
    tables = [
        table
        for pipeline in pipelines.registered()
        for table in (*pipeline.item_tables, detail_of(pipeline))
    ]
    # The details are removed after all item rows and the tracker's own tables.
    details = [pipeline.detail.model for pipeline in pipelines.registered()]
    items = [table.model for table in tables if table.model not in details]
    return [*items, *(table.model for table in ALL_TABLES), *details, BackgroundJob]


def naming_a_job() -> dict[str, type[models.Model]]:
    """Find all columns of ours that hold a job's id."""
    found = {}
    for model in apps.get_models():
        if model._meta.app_label not in OURS:
            continue
        for column in model._meta.concrete_fields:
            refers = column.related_model is BackgroundJob
            named = isinstance(column, models.UUIDField) and "job" in column.name
            if refers or named:
                found[f"{model._meta.db_table}.{column.column}"] = model
    return found


def test_each_column_that_names_a_job_is_decided():
    undecided = {
        column
        for column, model in naming_a_job().items()
        if column not in STAYS and model not in removed()
    }
    assert not undecided, "decide what becomes of these rows when their job is pruned"


def test_each_decision_is_about_a_column_that_exists():
    assert STAYS.keys() <= naming_a_job().keys()


def test_what_refers_to_a_row_that_goes_goes_before_it():
    """Also over several tables, as a page's pictures by way of its document."""
    order = removed()
    for model in order:
        for relation in model._meta.related_objects:
            column = f"{relation.related_model._meta.db_table}.{relation.field.column}"
            if column in STAYS:
                continue
            assert relation.related_model in order, f"{column} refers to a row that is pruned"
            assert order.index(relation.related_model) < order.index(model), column
