"""What a person may do to jobs from the admin, each with a reason: one verb of the lifecycle."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django import forms
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget

from jobtracker import lifecycle, pipelines
from jobtracker.models import BackgroundJob, User
from jobtracker.states import Priority

REASON_CHARS = 500


class ReasonForm(forms.Form):
    """Why, which the audit log keeps."""

    reason = forms.CharField(
        max_length=REASON_CHARS,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text="Kept in the audit log.",
    )

    def __init__(self, jobs: Sequence[BackgroundJob], data: Any = None) -> None:
        super().__init__(data)
        self.jobs = jobs


class StageForm(ReasonForm):
    """From which stage. Jobs of one type share their stages, others do not."""

    stage = forms.ChoiceField(widget=UnfoldAdminSelectWidget())
    field_order = ("stage", "reason")

    def __init__(self, jobs: Sequence[BackgroundJob], data: Any = None) -> None:
        super().__init__(jobs, data)
        stages = pipelines.get(jobs[0].job_type).stages
        self.fields["stage"].choices = [(stage.name, stage.label) for stage in stages]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        if len({job.job_type for job in self.jobs}) > 1:
            raise forms.ValidationError("Choose jobs of one type: stages differ between types.")
        return self.cleaned_data


class PriorityForm(ReasonForm):
    """Which priority."""

    priority = forms.TypedChoiceField(
        choices=Priority.choices,
        coerce=int,
        initial=Priority.NORMAL,
        widget=UnfoldAdminSelectWidget(),
    )
    field_order = ("priority", "reason")


@dataclass(frozen=True)
class Repair:
    """A manual fix. `act` gets the jobs' ids, who acts and the form's values, and returns how
    many jobs it changed; `done` says so of them."""

    label: str
    note: str
    done: str
    act: Callable[[list[UUID], User, dict[str, Any]], int]
    form: type[ReasonForm] = ReasonForm


def _retry_failed(ids: list[UUID], user: User, said: dict[str, Any]) -> int:
    """Start a job for each whose failed items can be done again; returns how many."""
    number = 0
    for job_id in ids:
        with suppress(ValueError):
            number += not lifecycle.retry_failed(job_id, user, said["reason"]).existing
    return number


REPAIRS = {
    "cancel": Repair(
        "Cancel",
        "A pending job ends at once, a running one is asked to stop. What it made stays.",
        "cancelled or asked to stop",
        lambda ids, user, said: len(lifecycle.cancel(ids, user, said["reason"])),
    ),
    "retry": Repair(
        "Retry",
        "A failed or cancelled job becomes pending and goes on after its last finished stage.",
        "pending again",
        lambda ids, user, said: len(lifecycle.retry(ids, user, said["reason"])),
    ),
    "retry-failed": Repair(
        "Retry failed items",
        "A new job for each ended one that has failed items does those alone, with the same"
        " options. One that is under way already is not started again.",
        "given a new one for what failed",
        _retry_failed,
    ),
    "run-again": Repair(
        "Run again from a stage",
        "What that stage and the later ones noted is dropped, and an ended job becomes pending.",
        "pending again",
        lambda ids, user, said: sum(
            lifecycle.rerun_from(job_id, said["stage"], user, said["reason"]) for job_id in ids
        ),
        StageForm,
    ),
    "mark-failed": Repair(
        "Mark failed",
        "A pending or running job is declared failed; a running attempt can write no more.",
        "marked failed",
        lambda ids, user, said: sum(
            lifecycle.mark_failed(job_id, said["reason"], user) for job_id in ids
        ),
    ),
    "mark-completed": Repair(
        "Mark completed",
        "A job that does not run is declared completed, whatever it has done.",
        "marked completed",
        lambda ids, user, said: sum(
            lifecycle.mark_completed(job_id, said["reason"], user) for job_id in ids
        ),
    ),
    "priority": Repair(
        "Change priority",
        "Among ready jobs, those of a higher priority start first. Only of pending ones.",
        "changed",
        lambda ids, user, said: len(
            lifecycle.prioritise(ids, Priority(said["priority"]), user, said["reason"])
        ),
        PriorityForm,
    ),
}
