"""The monitor's filters: what the address says, and the rows that it means.

A job's *state* is what a person sees; `status` and a few columns decide it. The states are
disjoint, so the counts beside the filters add up to the tab's.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from urllib.parse import urlencode

from django.db.models import Q, QuerySet
from django.http import QueryDict

from jobtracker import pipelines
from jobtracker.models import BackgroundJob
from jobtracker.states import JobType, Status


@dataclass(frozen=True)
class State:
    """A state as the pages show it. `rows` selects the jobs that are in it."""

    word: str
    label: str
    icon: str
    rows: Q


class _RunningAs:
    """The job types whose running jobs have a state, asked when a query is made: the pipelines are
    known only then."""

    def __init__(self, state: str) -> None:
        self._state = state

    def __iter__(self) -> Iterator[str]:
        return iter([p.job_type for p in pipelines.registered() if p.running == self._state])


_HELD = Q(status=Status.PROCESSING)
_FREE = Q(status=Status.PENDING, waiting_for__isnull=True)
_TRIED = Q(retry_count__gt=0) | Q(crash_count__gt=0)

STATES = {
    state.word: state
    for state in (
        State("pending", "Pending", "circle", _FREE & ~_TRIED),
        State(
            "processing",
            "Processing",
            "arc",
            _HELD & Q(stalled_at__isnull=True) & ~Q(job_type__in=_RunningAs("scraping")),
        ),
        State(
            "scraping",
            "Scraping",
            "dots",
            _HELD & Q(stalled_at__isnull=True, job_type__in=_RunningAs("scraping")),
        ),
        State("retry", "Waiting to retry", "clock", _FREE & _TRIED),
        State("person", "Waiting for a person", "hand", Q(waiting_for__isnull=False)),
        State("stalled", "Stalled", "pause", _HELD & Q(stalled_at__isnull=False)),
        State("completed", "Completed", "check", Q(status=Status.COMPLETED)),
        State("failed", "Failed", "x", Q(status=Status.FAILED)),
        State("cancelled", "Cancelled", "ban", Q(status=Status.CANCELLED)),
    )
}


def state_of(job: BackgroundJob) -> State:
    """Return the state of a job; agrees with `State.rows` (a test compares the two)."""
    if job.status == Status.PROCESSING:
        if job.stalled_at:
            return STATES["stalled"]
        pipeline = pipelines.find(job.job_type)
        return STATES[pipeline.running if pipeline else "processing"]
    if job.status == Status.PENDING:
        if job.waiting_for:
            return STATES["person"]
        return STATES["retry" if job.retry_count or job.crash_count else "pending"]
    return STATES[job.status]


TABS = {kind.label.lower(): kind for kind in JobType}


def _type_of(word: str) -> JobType | None:
    """Return the job type that a word means: a tab's, the type itself, or a pipeline's own."""
    named = {word: each.job_type for each in pipelines.registered() for word in each.words}
    return (named | {str(kind): kind for kind in JobType} | TABS).get(word)


def type_word(kind: str) -> str:
    """Return the word that stands for a job type in addresses: pdf, scraping or import."""
    return next(word for word, value in TABS.items() if value == kind)


@dataclass(frozen=True)
class Filter:
    """What the list shows. `kind` is a job type or "", `state` a state's word or "".

    `unknown` holds the qualifiers that mean nothing here; such a filter matches no row, because
    ignoring a part of what was asked would show rows that nobody asked for.
    """

    kind: str = ""
    state: str = ""
    supplier: str = ""
    q: str = ""
    terms: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    suppliers: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    unknown: tuple[str, ...] = field(default=())

    @classmethod
    def from_query(cls, query: QueryDict) -> Filter:
        """Read `type`, `status`, `supplier` and `q`. Never raises; see `unknown`."""
        q = query.get("q", "").replace("\x00", "").strip()[:200]
        found: dict[str, list[str]] = {
            name: [] for name in ("terms", "errors", "suppliers", "kinds", "states", "unknown")
        }
        for word in _words(q):
            _read_word(word, found)
        kind, state = query.get("type", ""), query.get("status", "")
        job_type = _type_of(kind)
        if kind and not job_type:
            found["unknown"].append(f"type:{kind}")
        if state and state not in STATES:
            found["unknown"].append(f"status:{state}")
        return cls(
            kind=job_type or "",
            state=state if state in STATES else "",
            supplier=query.get("supplier", "").replace("\x00", "").strip()[:200],
            q=q,
            **{name: tuple(values) for name, values in found.items()},
        )

    @property
    def narrowed(self) -> bool:
        """Whether more than the type and the state decides."""
        return bool(self.q or self.supplier or self.unknown)

    @property
    def active(self) -> bool:
        """Whether anything is filtered at all."""
        return bool(self.kind or self.state or self.narrowed)

    def without_tab(self) -> Filter:
        """Return the filter that tabs and states are counted under."""
        return replace(self, kind="", state="")

    def query(self, **changes: str) -> str:
        """Return the query string of this filter with `changes` (empty: left out), with "?"."""
        parts = {
            "type": type_word(self.kind) if self.kind else "",
            "status": self.state,
            "supplier": self.supplier,
            "q": self.q,
            **changes,
        }
        text = urlencode({name: value for name, value in parts.items() if value})
        return f"?{text}" if text else ""

    def rows(self) -> QuerySet[BackgroundJob]:
        """Return the matching jobs, in no order yet."""
        jobs = BackgroundJob.objects.all()
        if self.unknown:
            return jobs.none()
        if self.kind:
            jobs = jobs.filter(job_type=self.kind)
        if self.kinds:
            jobs = jobs.filter(job_type__in=self.kinds)
        if self.state:
            jobs = jobs.filter(STATES[self.state].rows)
        if self.states:
            wanted = Q()
            for word in self.states:
                wanted |= STATES[word].rows
            jobs = jobs.filter(wanted)
        if self.supplier:
            jobs = jobs.filter(supplier__name__iexact=self.supplier)
        for name in self.suppliers:
            jobs = jobs.filter(supplier__name__icontains=name)
        for text in self.errors:
            jobs = jobs.filter(error__icontains=text)
        for term in self.terms:
            jobs = jobs.filter(Q(filename__icontains=term) | Q(id__icontains=term))
        return jobs


def _words(q: str) -> list[str]:
    """Split a search at spaces; quotes keep words together, a stray quote is a letter."""
    lexer = shlex.shlex(q, posix=True)
    lexer.whitespace_split = True
    lexer.commenters = ""
    lexer.escape = ""
    lexer.quotes = '"'
    try:
        return list(lexer)
    except ValueError:
        return q.split()


def _read_word(word: str, found: dict[str, list[str]]) -> None:
    """Sort one word of a search into `found` by its qualifier."""
    name, colon, value = word.partition(":")
    if not (colon and value) or name not in {"status", "type", "supplier", "error"}:
        found["terms"].append(word)
    elif name == "status" and value in STATES:
        found["states"].append(value)
    elif name == "type" and (job_type := _type_of(value)):
        found["kinds"].append(job_type)
    elif name == "supplier":
        found["suppliers"].append(value)
    elif name == "error":
        found["errors"].append(value)
    else:
        found["unknown"].append(word)
