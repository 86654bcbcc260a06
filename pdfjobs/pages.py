"""Takes a stage through the pages of a document: one commit a page, a page's failure its own."""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from django.db.models import Count, F, QuerySet
from django.db.models.functions import Now

from jobtracker.catalogue.write import in_transaction
from jobtracker.context import JobContext
from jobtracker.pipelines import Counts
from jobtracker.states import Cancelled, HandBack, StageState
from pdfjobs.models import PdfDocument, PdfPage
from pdfjobs.sandbox import PageFailed

TRIES = 2  # attempts that may die over a page before it is left alone
State = PdfPage.State


@dataclass
class Done:
    """What a stage made of a page: `columns` of its row, `made` whether it gave anything,
    `lacking` whether it should have and could not; `save` runs in the page's transaction."""

    columns: dict[str, Any] = field(default_factory=dict)
    made: bool = False
    lacking: bool = False
    warnings: Sequence[str] = ()
    save: Callable[[], None] = lambda: None


@dataclass
class Tally:
    """How far a stage is, as its checkpoint keeps it: pages that ended in it, and of these the
    ones that gave something, failed, or lacked what they should have."""

    pages: int = 0
    made: int = 0
    failed: int = 0
    lacking: int = 0

    @property
    def state(self) -> StageState:
        if self.failed or self.lacking:
            return StageState.DEGRADED
        return StageState.DONE if self.made else StageState.EMPTY


def each(
    context: JobContext,
    document: PdfDocument,
    stage: str,
    work: Callable[[PdfPage], Done],
    *,
    fields: Sequence[str] = (),
    last: bool = False,
    before_end: Callable[[], None] = lambda: None,
) -> Tally:
    """Run `work` on every page that this stage has not finished, and end the stage.

    `fields` are the page's columns that `work` reads; `last` says that the page is done after it;
    `before_end` runs before the stage ends, in transactions of its own: one that was done by an
    attempt that died then is done again.
    What `work` raises as `PageFailed` fails the page alone. A page that began `TRIES` times and
    never ended fails as well: it takes the attempt down with it.
    """
    tally = Tally(**context.resumed)
    todo = list(waiting(document).exclude(stage=stage).values_list("pk", flat=True))
    of = tally.pages + len(todo)
    counts = count(document)
    for pk in todo:
        context.advance(tally.pages, of, counts=counts)
        page = PdfPage.objects.only("number", "attempts", "warnings", *fields).get(pk=pk)
        began = time.monotonic()
        try:
            if page.attempts >= TRIES:
                raise PageFailed(
                    f"The process that read this page died {TRIES} times over it.",
                    "Retry the page alone; if it dies again, the page cannot be read here.",
                )
            _begin(context, page)
            done = work(page)
            columns = done.columns | {"stage": stage, "attempts": 0}
            if done.warnings:
                columns["warnings"] = [*page.warnings, *done.warnings]
            if last:
                columns["state"] = State.DONE
            step = Tally(1, int(done.made), 0, int(done.lacking))
        except (Cancelled, HandBack):
            PdfPage.objects.filter(pk=pk).update(attempts=page.attempts)
            raise
        except PageFailed as error:
            done, step = Done(), Tally(1, 0, 1, 0)
            columns = {
                "state": State.FAILED, "error": error.reason, "hint": error.hint, "attempts": 0,
            }  # fmt: skip
            context.warn("page", f"Page {page.number}: {error.reason}", f"page {page.number}")
        tally = Tally(*(a + b for a, b in zip(_values(tally), _values(step), strict=True)))
        columns |= {"seconds": F("seconds") + (time.monotonic() - began), "updated_at": Now()}
        _commit(context, pk, columns, done.save, tally)
        counts = Counts(
            counts.total,
            counts.done + int(last and not step.failed),
            counts.failed + step.failed,
            counts.skipped,
        )
    context.advance(tally.pages, of, fraction=1.0, counts=counts)
    before_end()
    context.checkpoint(tally.pages, asdict(tally), tally.state)
    return tally


def waiting(document: PdfDocument) -> QuerySet[PdfPage]:
    """Return the pages that still take part, in order."""
    return PdfPage.objects.filter(document=document, state=State.PENDING).order_by("number")


def count(document: PdfDocument) -> Counts:
    """Count the pages by state."""
    found = dict(document.pages.order_by().values_list("state").annotate(Count("pk")))
    return Counts(
        sum(found.values()),
        found.get(State.DONE, 0),
        found.get(State.FAILED, 0),
        found.get(State.SKIPPED, 0),
    )


def _begin(context: JobContext, page: PdfPage) -> None:
    with context.transaction():
        PdfPage.objects.filter(pk=page.pk).update(attempts=page.attempts + 1)


def _commit(
    context: JobContext,
    pk: int,
    columns: dict[str, Any],
    save: Callable[[], None],
    tally: Tally,
) -> None:
    """Commit one page with the stage's checkpoint."""

    def commit() -> None:
        context.fence()
        save()
        PdfPage.objects.filter(pk=pk).update(**columns)
        context.checkpoint(tally.pages, asdict(tally), StageState.RUNNING)

    in_transaction(commit)


def _values(tally: Tally) -> tuple[int, int, int, int]:
    return tally.pages, tally.made, tally.failed, tally.lacking
