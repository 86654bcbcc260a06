"""How the pages say what a schedule is, when it runs and how its last run went."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Q, QuerySet
from django.urls import reverse

from jobtracker import pipelines
from jobtracker.models import JobSchedule
from jobtracker.monitor import words
from jobtracker.monitor.filters import State, state_of
from jobtracker.plans import Plan, PlanError
from jobtracker.schedules import PAUSE_AFTER, plan_of

STATES = {
    state.word: state
    for state in (
        State("on", "On", "clock", Q(paused=False, failures=0)),
        State("failing", "Failing", "warn", Q(paused=False, failures__gt=0)),
        State("stopped", "Paused itself", "x", Q(paused=True) & ~Q(paused_because="")),
        State("paused", "Paused", "pause", Q(paused=True, paused_because="")),
    )
}
LOOKS = {"on": "pending", "failing": "retry", "stopped": "failed", "paused": "cancelled"}


@dataclass(frozen=True)
class Look:
    """A state as `state.html` draws it."""

    word: str
    label: str
    icon: str


def state_counts() -> dict[str, int]:
    """Return how many schedules are in each state."""
    counted = {word: Count("pk", filter=state.rows) for word, state in STATES.items()}
    return JobSchedule.objects.aggregate(**counted)


def found(state: str, text: str) -> QuerySet[JobSchedule]:
    """Return the schedules in a state ("" for all) whose name or supplier has the text, those that
    need someone first."""
    rows = JobSchedule.objects.select_related("supplier", "last_job", "created_by")
    if state:
        rows = rows.filter(STATES[state].rows)
    if text:
        rows = rows.filter(Q(name__icontains=text) | Q(supplier__name__icontains=text))
    return rows.order_by("-failures", "name")


class Line:
    """A schedule as a row of the list and as the head of its page."""

    def __init__(self, schedule: JobSchedule, now: datetime) -> None:
        self.schedule = schedule
        self._now = now

    @property
    def word(self) -> str:
        schedule = self.schedule
        if schedule.paused:
            return "stopped" if schedule.paused_because else "paused"
        return "failing" if schedule.failures else "on"

    @property
    def state(self) -> Look:
        state = STATES[self.word]
        return Look(LOOKS[state.word], state.label, state.icon)

    @property
    def url(self) -> str:
        return reverse("schedule", args=[self.schedule.pk])

    @property
    def kind(self) -> str:
        pipeline = pipelines.find(self.schedule.job_type)
        return pipeline.label if pipeline else self.schedule.get_job_type_display()

    @property
    def source(self) -> str:
        pipeline = pipelines.find(self.schedule.job_type)
        return pipeline.scheduled_source(self.schedule.spec) if pipeline else ""

    @property
    def plan(self) -> Plan | None:
        try:
            return plan_of(self.schedule)
        except PlanError:
            return None

    @property
    def said(self) -> str:
        return self.plan.said if self.plan else self.schedule.cron

    @property
    def next_in(self) -> str:
        """ "in 3 h", "now" where it is due, "" while paused."""
        if self.schedule.next_run_at is None:
            return ""
        left = self.schedule.next_run_at - self._now
        return f"in {words.rough(left.total_seconds())}" if left > timedelta() else "now"

    @property
    def next_at(self) -> str:
        """The next run in the schedule's own zone."""
        if self.schedule.next_run_at is None or self.plan is None:
            return ""
        return at(self.plan.local(self.schedule.next_run_at), self._now)

    @property
    def last_state(self) -> State | None:
        return state_of(self.schedule.last_job) if self.schedule.last_job else None

    @property
    def last_url(self) -> str:
        return reverse("job", args=[self.schedule.last_job_id])

    @property
    def started(self) -> str:
        moment = self.schedule.last_started_at
        return words.ago(moment, self._now) if moment else ""

    @property
    def trouble(self) -> str:
        """What a person should know of the last run."""
        schedule = self.schedule
        if schedule.failures and not schedule.paused_because:
            return f"Failure {schedule.failures} of {PAUSE_AFTER} in a row: {schedule.last_error}"
        return schedule.last_error or schedule.last_note


def runs(cron: str, zone: str, now: datetime, first: datetime | None = None) -> dict[str, Any]:
    """Return the context of the next runs, or the sentence that says why there are none. `first`
    is the run that comes next where an earlier one was put off."""
    try:
        plan = Plan(cron, zone)
    except PlanError as error:
        return {"wrong": str(error) if cron.strip() else ""}
    since = first - timedelta(seconds=1) if first and first > now else now
    coming = [
        (at(run, now), f"in {words.rough((run - now).total_seconds())}")
        for run in plan.upcoming(since)
    ]
    return {"plan": plan, "coming": coming}


def at(moment: datetime, now: datetime) -> str:
    """Write a run by the clock of its zone, with the year where that is another one."""
    year = f" {moment:%Y}" if moment.year != now.year else ""
    return f"{moment:%a %-d %b}{year}, {moment:%H:%M %Z}"
