"""How a pipeline describes itself. The tracker works from these descriptions and knows no
pipeline by name; each app registers its own in `ready()`."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.urls import URLPattern

from jobtracker.catalogue.models import MaterialVersion
from jobtracker.states import JobType

if TYPE_CHECKING:
    from django.forms import Form

    from jobtracker.context import JobContext
    from jobtracker.lifecycle import Created
    from jobtracker.models import BackgroundJob, JobSchedule, User


@dataclass(frozen=True)
class Stage:
    """A step of a pipeline. `name` is also the method that runs it, `share` its part of the
    progress bar (any unit; shares are compared with each other), `noun` what it counts."""

    name: str
    label: str
    share: int = 1
    noun: str = ""


@dataclass(frozen=True)
class Counts:
    """What became of a job's items, recounted from its rows; the three add up to the total.

    `result` says what the job made, for people and for JSON: materials, created, updated,
    unchanged, or `note`, why nothing was to be done.
    """

    total: int = 0
    done: int = 0
    failed: int = 0
    skipped: int = 0
    result: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Detail:
    """The table that holds a pipeline's own columns for a job (one row a job, through
    `background_job`).

    `mirrors` gives for each mirrored column an SQL expression over the job's row `b`; the
    lifecycle writes them in the transaction that changes the job, so the two cannot differ.
    """

    model: type[Model]
    mirrors: Mapping[str, str]


@dataclass(frozen=True)
class ItemTable:
    """A table with rows of jobs. `job` is the look-up that leads from a row to the job's id.

    `files` are the columns that name files in the default storage (a name, or JSON with names in
    it). `pictures` are those of them that may go before the row does, as they are only to be looked
    at (the first is "" where none is); files of a table without such may be shown elsewhere.
    """

    model: type[Model]
    job: str
    files: tuple[str, ...] = ()
    pictures: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.model._meta.db_table

    def rows(self, ids: Any) -> QuerySet[Any]:
        """Return the rows of jobs, in no order; `ids` may be a query."""
        return self.model._base_manager.filter(**{f"{self.job}__in": ids}).order_by()


@dataclass(frozen=True)
class Invented:
    """What the jobs that development invents look like: SQL for the name, the number of items and
    further columns of the job over a drawn row `s`, and for columns of the detail over its job `b`.
    `errors` are (stage, message)."""

    filename: str
    total: str
    detail: Mapping[str, str]
    errors: tuple[tuple[str, str], ...]
    job: Mapping[str, str] = field(default_factory=dict)


class Pipeline:
    """Base class of the pipelines. A stage is a method of the stage's name taking a `JobContext`.

    `words` are other names of the type that people search by, `running` is the monitor's state of
    a job that runs. `item_tables` hold what `forget` removes, and go when a job is pruned: those
    first that refer to others. `source_column` is the detail's column that names the stored source,
    `invented` says what invented jobs of the type look like.

    A stage with a finished checkpoint is skipped; inside a stage items are keyed, so a resumed
    stage does what is expected less what is committed.
    """

    job_type: JobType
    label: str
    noun: str = "items"
    icon: str = ""
    words: tuple[str, ...] = ()
    running: str = "processing"
    stages: tuple[Stage, ...]
    detail: Detail
    item_tables: tuple[ItemTable, ...] = ()
    source_column: str = ""
    invented: Invented | None = None
    items_template: str = ""
    start_template: str = ""

    def run_stage(self, stage: Stage, context: JobContext) -> None:
        """Run one stage to its checkpoint. Raises the errors of `states`."""
        getattr(self, stage.name)(context)

    def recount(self, job_id: UUID) -> Counts:
        """Count the job's items from their rows."""
        raise NotImplementedError

    def forget(self, job_id: UUID, stages: Iterable[str]) -> None:
        """Remove the item rows that `stages` wrote, so that they can run again. Runs in the
        transaction that drops their checkpoints."""

    def files_to_keep(self, job_ids: Iterable[UUID], names: set[str]) -> set[str]:
        """Return those of the files named by the jobs' item rows that the catalogue shows too."""
        return set()

    def items(self, job_id: UUID, request: HttpRequest) -> dict[str, Any]:
        """Return the context of `items_template`, the item list of the job page."""
        return {}

    def job_url(self, job_id: UUID) -> str | None:
        """Return the address of the pipeline's own page about the job, if it has one."""
        return None

    def answer_url(self, job_id: UUID) -> str | None:
        """Return the page where a person answers what the job waits for."""
        return self.job_url(job_id)

    def start_context(self) -> dict[str, Any]:
        """Return the context of `start_template`, the start form on the data-import page."""
        return {}

    def parse_answer(self, job: BackgroundJob, options: Mapping[str, Any]) -> dict[str, Any]:
        """Read a reply given on the command line to what `job` waits for. Raises `ValueError`
        with a sentence where the reply does not fit the question."""
        raise ValueError("This kind of job takes no answer on the command line.")

    def retry_failed(self, job: BackgroundJob, user: User | None) -> Created:
        """Start a job, with `job` as its parent, of only those items of the ended `job` that
        failed. Raises `ValueError` with a sentence where that cannot be."""
        raise ValueError(f"{self.label} jobs cannot do single items again; retry the whole job.")

    def start_samples(self, folder: Path) -> list[UUID]:
        """Start the jobs of `manage.py demo` on the files in `folder`; returns their ids."""
        return []

    def schedule_form(self) -> type[Form] | None:
        """Return the form of what a schedule starts jobs with, None where these jobs cannot be
        scheduled. Its cleaned data without what is empty is the schedule's `spec`, as JSON. Its
        `data` has the supplier's name too. It may reach out to judge a source."""
        return None

    def start_scheduled(self, schedule: JobSchedule, **common: Any) -> Created:
        """Create the job of a schedule from its `spec`; `common` is what `lifecycle.create` takes
        for every job of it. Runs in a transaction, so no host and no disk is asked: the job does
        that. Raises `SourceRefused`."""
        raise NotImplementedError

    def scheduled_source(self, spec: Mapping[str, Any]) -> str:
        """Return what a schedule's jobs read, for lists."""
        return ""

    def source(self, job_id: UUID) -> str:
        """Return where the job's data came from: a path, an address or a name."""
        return ""

    def failures(self, job_id: UUID, limit: int) -> list[dict[str, Any]]:
        """Return the job's first failed items: each with `where` and `reason` at least, as words,
        and whatever else is known of it as JSON."""
        return []

    def picture_urls(self, images: Collection[str]) -> dict[str, str]:
        """Return the addresses of ours that show those of the catalogue's `images` (names or
        addresses, as `vals` has them) that the pipeline holds. Asked once a page of a list."""
        return {}

    def place_url(self, job_id: UUID, place: Mapping[str, Any]) -> str:
        """Return the page of ours that shows where a value stood, from its provenance."""
        return ""

    def materials(self, job_id: UUID) -> QuerySet[Any, Any]:
        """Return the ids of the job's materials. A pipeline whose item rows name the material
        each one led to returns those, so that unchanged ones count; else the changed ones."""
        return MaterialVersion.objects.filter(job_id=job_id).values("material_id")

    def urls(self) -> list[URLPattern]:
        """Return the addresses of the pipeline's own pages."""
        return []


_registered: dict[str, Pipeline] = {}


def register(pipeline: Pipeline) -> None:
    """Make a pipeline known; called once by its app's `ready()`."""
    _registered[pipeline.job_type] = pipeline


def registered() -> list[Pipeline]:
    """Return the pipelines in the order in which the job types are declared."""
    return [_registered[kind] for kind in JobType if kind in _registered]


def find(job_type: str) -> Pipeline | None:
    """Return the pipeline of a type, None where it is not installed."""
    return _registered.get(job_type)


def get(job_type: str) -> Pipeline:
    """Return the pipeline of a type. Raises `KeyError` where none is installed."""
    return _registered[job_type]


SAME_STATUS = {"status": "b.status", "error_message": "b.error", "updated_at": "b.updated_at"}
