"""Turns changes into frames: each changed job rendered once for all who see it."""

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Mapping
from contextlib import suppress
from itertools import islice
from uuid import UUID

from django.db import Error

from jobtracker.live import BEAT, CHANGED, MAX_SHOWN, database
from jobtracker.live.listener import EVERYTHING, Change
from jobtracker.live.views import View

FRAME_SECONDS = 0.2
SUMMARY_SECONDS = 1.0
AGED_SECONDS = 10.0  # after which a summary is sent though nothing changed: it tells of time too
AFTER_ERROR_SECONDS = 1.0
MAX_ASKED = 500  # jobs in one query
MAX_REMEMBERED = 20_000  # jobs whose place in the lists is known

logger = logging.getLogger(__name__)


class Viewer:
    """One open page: what it shows, and what it has not been sent yet.

    At most one frame is on its way. What comes meanwhile replaces what waits, row by row, so a
    slow reader costs one frame of memory and always gets the newest.
    """

    def __init__(self, view: View, send: Callable[[str], None]) -> None:
        self.view = view
        self.shown: frozenset[UUID] = frozenset()
        self._send = send
        self._rows: dict[UUID, str] = {}
        self._summary = ""
        self._changed = False
        self._ready = False

    def show(self, ids: Collection[UUID]) -> None:
        """Note which jobs the page shows, MAX_SHOWN at most; what waits of others is dropped."""
        self.shown = frozenset(islice(ids, MAX_SHOWN))
        self._rows = {job: row for job, row in self._rows.items() if job in self.shown}

    def offer(self, rows: Mapping[UUID, str], summary: str = "", changed: bool = False) -> None:
        """Send this, now or as soon as the page has seen the frame before."""
        self._rows.update(rows)
        self._summary = summary or self._summary
        self._changed |= changed
        self._send_next()

    def seen(self) -> None:
        """Note that the page is ready for another frame."""
        self._ready = True
        self._send_next()

    def beat(self) -> None:
        """Let an idle page know that all is well."""
        if self._ready:
            self._ready = False
            self._send(BEAT)

    def _send_next(self) -> None:
        if not self._ready or not (self._rows or self._summary or self._changed):
            return
        frame = "".join((CHANGED if self._changed else "", *self._rows.values(), self._summary))
        self._rows, self._summary, self._changed, self._ready = {}, "", False, False
        self._send(frame)


class Hub:
    """Knows the viewers and what is due to them. Lives in the event loop; needs no lock."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._viewers: set[Viewer] = set()
        self._showing: defaultdict[UUID, set[Viewer]] = defaultdict(set)
        self._due: dict[UUID, set[Viewer]] = {}
        self._heard: set[UUID] = set()
        self._everything = False
        self._summary_due = False
        self._summary_at = -SUMMARY_SECONDS
        self._listed: dict[View, dict[UUID, Hashable]] = {}
        self._woken = asyncio.Event()

    def join(self, viewer: Viewer) -> None:
        """Take in a page. It is sent nothing before it says what it shows."""
        self._viewers.add(viewer)

    def leave(self, viewer: Viewer) -> None:
        """Forget a page; harmless when it is forgotten already."""
        self._viewers.discard(viewer)
        self._stop_showing(viewer)
        viewer.show(())

    def show(self, viewer: Viewer, ids: Collection[UUID]) -> None:
        """Note which jobs the page shows, and bring it up to date.

        It is sent those jobs and the summary as they are now, and told CHANGED: what it knows of
        its list was true when it was loaded, or before it paused.
        """
        self._stop_showing(viewer)
        viewer.show(ids)
        for job in viewer.shown:
            self._showing[job].add(viewer)
            self._due.setdefault(job, set()).add(viewer)
        self._summary_due = True
        self._woken.set()
        viewer.offer({}, changed=viewer.view.listing is not None)

    def hear(self, change: Change) -> None:
        """Take an announcement of the database."""
        self._heard |= change.jobs
        self._everything |= change.everything or len(self._heard) > MAX_ASKED
        for job in self._showing if change.everything else change.jobs & self._showing.keys():
            self._due.setdefault(job, set()).update(self._showing[job])
        self._summary_due = True
        self._woken.set()

    def beat(self) -> None:
        """Let idle pages know that the way from the database to them is open."""
        for viewer in self._viewers:
            viewer.beat()

    async def run(self) -> None:
        """Flush at the first change and then at most every FRAME_SECONDS, until cancelled."""
        while True:
            await self._wait()
            try:
                news = await self.flush()
            except Error as error:
                logger.warning("Pages could not be brought up to date: %s", error)
                self.hear(EVERYTHING)
                await asyncio.sleep(AFTER_ERROR_SECONDS)
            else:
                # A summary that was put off holds up no change that comes right after it.
                await asyncio.sleep(FRAME_SECONDS if news else 0)

    async def _wait(self) -> None:
        """Return when something changed, or when the next summary is due."""
        with suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, self._next_summary - self._clock())):
                await self._woken.wait()
        self._woken.clear()

    async def flush(self) -> bool:
        """Render what is due, MAX_ASKED jobs at most, and send it.

        Return whether there was more than a summary to do. Raises django.db.Error, and then may
        have sent nothing.
        """
        due = {job: self._due.pop(job) for job in list(islice(self._due, MAX_ASKED))}
        if self._due:
            self._woken.set()
        heard, everything = self._heard, self._everything
        self._heard, self._everything = set(), False
        is_time = self._is_summary_time()

        watched: defaultdict[View, list[Viewer]] = defaultdict(list)
        for viewer in self._viewers:
            watched[viewer.view].append(viewer)
        # What was learnt for a view that nobody watches is not kept up to date: forget it.
        self._listed = {view: self._listed.get(view, {}) for view in watched}
        for view, viewers in watched.items():
            jobs = [job for job, waiting in due.items() if not waiting.isdisjoint(viewers)]
            try:
                rows = await database.run(view.render, jobs) if jobs else {}
                summary = await database.run(view.summary) if view.summary and is_time else ""
                changed = await self._is_list_changed(view, heard, everything)
            except Error:
                raise
            except Exception:
                logger.exception("A view cannot be shown; the others go on")
                continue
            for viewer in self._viewers.intersection(viewers):
                theirs = {job: row for job, row in rows.items() if viewer in due[job]}
                viewer.offer(theirs, summary, changed)
        return bool(due or heard or everything)

    @property
    def _next_summary(self) -> float:
        """When a summary is due: soon after a change, and else when the last one has aged. A host
        that fell silent changes nothing, and must be missed all the same."""
        return self._summary_at + (SUMMARY_SECONDS if self._summary_due else AGED_SECONDS)

    def _is_summary_time(self) -> bool:
        now = self._clock()
        if now < self._next_summary:
            return False
        self._summary_due, self._summary_at = False, now
        return True

    async def _is_list_changed(self, view: View, heard: set[UUID], everything: bool) -> bool:
        """Tell whether a job came into a list of this view, left it or moved in it.

        Progress alone does not change a list; asking for it each time would make every viewer
        ask for the whole list again as long as anything runs.
        """
        if view.listing is None or not (heard or everything):
            return False
        listed = self._listed[view]
        if everything or len(listed) > MAX_REMEMBERED:
            listed.clear()
            return True
        now = await database.run(view.listing, heard)
        changed = any(job not in listed or listed[job] != now.get(job) for job in heard)
        listed.update((job, now.get(job)) for job in heard)
        return changed

    def _stop_showing(self, viewer: Viewer) -> None:
        for job in viewer.shown:
            self._showing[job].discard(viewer)
            if not self._showing[job]:
                del self._showing[job]
