"""A stored source imported once more, read otherwise than before."""

from typing import Any

from django.db import transaction

from imports.mapping_choice import Confirm
from imports.models import DataImportJob
from imports.start import COPIED
from jobtracker import audit, lifecycle
from jobtracker.lifecycle import Created
from jobtracker.models import BackgroundJob, User
from jobtracker.states import LIVE, JobType, Status
from jobtracker.uploads import REMOVED, SourceRefused

ASKED = ("encoding", "delimiter", "record", "entry", "repair")  # what the page asks for
# What the mapping of the run before, or its failed rows, say of fields and rows may be wrong now.
NOT_KEPT = ("mapping", "failed_rows_only", "stated")


def restated(job: BackgroundJob, said: dict[str, str]) -> dict[str, Any]:
    """Return what was stated of a job's source, with what is `said` of `ASKED` in its place."""
    stated = job.metadata.get("stated", {})
    return {name: value for name, value in stated.items() if name not in ASKED} | said


def read_again(job: BackgroundJob, said: dict[str, str], user: User | None) -> Created:
    """Import the stored source of a job as a job of its own, read as is `said`; it shows its
    mapping before anything is written. Raises `SourceRefused`.

    1. cancel the job if it has not ended: it stands for the same bytes, and nobody waits for it
       any more; one that is running is left to its end;
    2. create the other, unless a third imports these bytes.
    """
    before = DataImportJob.objects.get(background_job=job)
    if not before.source_file:
        raise SourceRefused(REMOVED)
    kept = {name: value for name, value in job.metadata.items() if name not in NOT_KEPT}
    what = "prices" if job.metadata.get("price_only") else "import"
    with transaction.atomic():
        if job.status in LIVE:
            now = lifecycle.cancel([job.pk], user, "Its source is read otherwise.").get(job.pk)
            if now == Status.PROCESSING:
                raise SourceRefused("The import runs. Cancel it first, or wait for its end.")
        created = lifecycle.create(
            JobType.IMPORT,
            filename=job.filename,
            supplier_id=job.supplier_id,
            metadata=kept | {"stated": restated(job, said), "confirm": Confirm.ALWAYS},
            priority=job.priority,
            unique_key=f"{what}:{job.supplier_id}:{before.content_hash}",
            created_by=user,
            detail={name: getattr(before, name) for name in COPIED},
        )
        if created.existing:
            raise SourceRefused(
                f"The job {created.job_id} imports the same file just now. Wait for its end."
            )
        audit.record(user, "read again", "job", [job.pk], job=str(created.job_id), **said)
    return created
