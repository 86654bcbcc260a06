"""The hub renders each change once and sends each page only what it shows, newest last."""

import asyncio
from collections.abc import Collection, Hashable
from dataclasses import dataclass, field
from uuid import UUID, uuid4

import pytest
from django.db import OperationalError

from jobtracker.live import BEAT, CHANGED, MAX_SHOWN
from jobtracker.live.hub import Hub, Viewer
from jobtracker.live.listener import EVERYTHING, Change
from jobtracker.live.views import View


@dataclass
class Jobs:
    """Stands for the table: what each job shows and where it is listed."""

    text: dict[UUID, str] = field(default_factory=dict)
    place: dict[UUID, Hashable] = field(default_factory=dict)
    asked: list[list[UUID]] = field(default_factory=list)
    summaries: int = 0

    def add(self, text: str) -> UUID:
        job = uuid4()
        self.text[job], self.place[job] = text, "pending"
        return job

    def render(self, ids: Collection[UUID]) -> dict[UUID, str]:
        self.asked.append(list(ids))
        return {job: f"[{self.text[job]}]" for job in ids if job in self.text}

    def summary(self) -> str:
        self.summaries += 1
        return f"({self.summaries})"

    def listing(self, ids: Collection[UUID]) -> dict[UUID, Hashable]:
        return {job: self.place[job] for job in ids if job in self.place}


class Page:
    """A page that keeps what it is sent; it says `seen` only when told to."""

    def __init__(self, hub: Hub, view: View, *ids: UUID) -> None:
        self.frames: list[str] = []
        self.viewer = Viewer(view, self.frames.append)
        hub.join(self.viewer)
        hub.show(self.viewer, ids)
        self.viewer.seen()

    def see(self) -> list[str]:
        """Take the frames that came, and be ready for another."""
        frames = self.frames.copy()
        self.frames.clear()
        self.viewer.seen()
        return frames


@pytest.fixture
def jobs() -> Jobs:
    return Jobs()


async def test_each_row_is_rendered_once_for_two_hundred_viewers(jobs: Jobs) -> None:
    hub, view = Hub(), View(jobs.render)
    shown = [jobs.add(str(number)) for number in range(50)]
    pages = [Page(hub, view, *shown) for _ in range(200)]

    await hub.flush()

    assert [sorted(ids) for ids in jobs.asked] == [sorted(shown)]
    assert {frame.count("[") for page in pages for frame in page.see()} == {50}


async def test_a_page_is_sent_only_what_it_shows(jobs: Jobs) -> None:
    hub, view = Hub(), View(jobs.render)
    one, two, nobodys = jobs.add("one"), jobs.add("two"), jobs.add("three")
    pages = [Page(hub, view, one), Page(hub, view, two)]
    await hub.flush()
    for page in pages:
        page.see()
    jobs.asked.clear()

    hub.hear(Change(frozenset({one, nobodys})))
    await hub.flush()

    assert jobs.asked == [[one]]
    assert [page.see() for page in pages] == [["[one]"], []]


async def test_a_slow_reader_gets_only_the_newest(jobs: Jobs) -> None:
    hub, view = Hub(), View(jobs.render)
    job = jobs.add("0")
    page = Page(hub, view, job)
    await hub.flush()
    for number in range(1, 100):
        jobs.text[job] = str(number)
        hub.hear(Change(frozenset({job})))
        await hub.flush()

    assert page.see() == ["[0]"]
    assert page.see() == ["[99]"]
    assert page.see() == []


async def test_a_page_that_shows_other_jobs_gets_those_as_they_are(jobs: Jobs) -> None:
    hub, view = Hub(), View(jobs.render)
    before, after = jobs.add("before"), jobs.add("after")
    page = Page(hub, view, before)
    await hub.flush()
    jobs.text[before] = "changed"
    hub.hear(Change(frozenset({before})))
    await hub.flush()

    hub.show(page.viewer, [after])
    await hub.flush()

    assert page.see() == ["[before]"]
    assert page.see() == ["[after]"]


async def test_a_page_that_joins_again_is_brought_up_to_date(jobs: Jobs) -> None:
    now = [100.0]
    hub = Hub(clock=lambda: now[0])
    view = View(jobs.render, summary=jobs.summary, listing=jobs.listing)
    job = jobs.add("x")
    page = Page(hub, view, job)
    await hub.flush()
    assert "".join(page.see() + page.see()) == f"{CHANGED}[x](1)"

    now[0] += 1
    hub.show(page.viewer, [job])
    await hub.flush()
    assert "".join(page.see() + page.see()) == f"{CHANGED}[x](2)"


async def test_a_page_that_left_is_sent_nothing(jobs: Jobs) -> None:
    hub, view = Hub(), View(jobs.render)
    job = jobs.add("x")
    page = Page(hub, view, job)
    hub.leave(page.viewer)
    hub.hear(EVERYTHING)
    await hub.flush()
    hub.beat()
    assert page.frames == []
    assert jobs.asked == []


async def test_after_a_gap_every_shown_job_is_refreshed_in_bounded_queries(jobs: Jobs) -> None:
    hub, view = Hub(), View(jobs.render)
    pages = []
    for _ in range(4):
        shown = [jobs.add("x") for _ in range(MAX_SHOWN)]
        pages.append(Page(hub, view, *shown))
    await hub.flush()
    await hub.flush()
    for page in pages * 2:
        page.see()
    jobs.asked.clear()

    hub.hear(EVERYTHING)
    await hub.flush()
    await hub.flush()

    assert [len(ids) for ids in jobs.asked] == [500, 300]
    rows = "".join(frame for page in pages * 2 for frame in page.see())
    assert rows.count("[x]") == 4 * MAX_SHOWN


async def test_a_page_cannot_show_more_than_the_limit(jobs: Jobs) -> None:
    hub, view = Hub(), View(jobs.render)
    Page(hub, view, *(jobs.add("x") for _ in range(MAX_SHOWN + 1)))
    await hub.flush()
    assert [len(ids) for ids in jobs.asked] == [MAX_SHOWN]


async def test_the_summary_is_renewed_though_nothing_changes(
    jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobtracker.live.hub.AGED_SECONDS", 0.01)
    hub = Hub()
    page = Page(hub, View(jobs.render, summary=jobs.summary))
    turning = asyncio.create_task(hub.run())
    async with asyncio.timeout(5):
        while jobs.summaries < 3:
            await asyncio.sleep(0)
            page.see()
    turning.cancel()


async def test_the_summary_comes_with_the_rows_and_at_most_each_second(jobs: Jobs) -> None:
    now = [100.0]
    hub, view = Hub(clock=lambda: now[0]), View(jobs.render, summary=jobs.summary)
    job = jobs.add("x")
    page = Page(hub, view, job)
    await hub.flush()
    assert page.see() == ["[x](1)"]

    frames = []
    for now[0] in (100.2, 100.4, 101.0, 101.2):
        hub.hear(Change(frozenset({job})))
        await hub.flush()
        frames += page.see()
    assert frames == ["[x]", "[x]", "[x](2)", "[x]"]


async def test_a_list_is_told_of_changes_of_place_and_not_of_progress(jobs: Jobs) -> None:
    hub, view = Hub(), View(jobs.render, listing=jobs.listing)
    job = jobs.add("0 %")
    page = Page(hub, view)
    assert page.see() == [CHANGED]  # it may have changed since the page was loaded

    async def told() -> list[str]:
        hub.hear(Change(frozenset({job})))
        await hub.flush()
        return page.see()

    assert await told() == [CHANGED]  # first heard of
    jobs.text[job] = "50 %"
    assert await told() == []
    jobs.place[job] = "completed"
    assert await told() == [CHANGED]
    del jobs.text[job], jobs.place[job]
    assert await told() == [CHANGED]


async def test_a_page_without_a_list_hears_nothing_of_other_jobs(jobs: Jobs) -> None:
    hub, view = Hub(), View(jobs.render)
    page = Page(hub, view)
    hub.hear(Change(frozenset({jobs.add("x")})))
    await hub.flush()
    assert page.see() == []


async def test_an_idle_page_hears_a_beat_and_a_busy_one_does_not(jobs: Jobs) -> None:
    hub, view = Hub(), View(jobs.render)
    idle, busy = Page(hub, view), Page(hub, view, jobs.add("x"))
    await hub.flush()
    hub.beat()
    assert idle.see() == [BEAT]
    assert busy.see() == ["[x]"]


async def test_a_lost_database_costs_no_change(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobtracker.live.hub.AFTER_ERROR_SECONDS", 0)
    job = jobs.add("x")
    failures = [OperationalError("the server closed the connection")]

    def render(ids: Collection[UUID]) -> dict[UUID, str]:
        if failures:
            raise failures.pop()
        return jobs.render(ids)

    hub = Hub()
    came: asyncio.Queue[str] = asyncio.Queue()
    viewer = Viewer(View(render), came.put_nowait)
    hub.join(viewer)
    hub.show(viewer, [job])
    viewer.seen()
    running = asyncio.create_task(hub.run())
    try:
        assert await asyncio.wait_for(came.get(), 10) == "[x]"
    finally:
        running.cancel()
    assert not failures


async def test_a_broken_view_leaves_the_others_alone(jobs: Jobs) -> None:
    def broken(ids: Collection[UUID]) -> dict[UUID, str]:
        raise KeyError("a mistake of ours")

    hub, job = Hub(), jobs.add("x")
    page, other = Page(hub, View(jobs.render), job), Page(hub, View(broken), job)
    await hub.flush()
    assert page.see() == ["[x]"]
    assert other.see() == []


async def test_a_summary_that_was_put_off_comes_by_itself(
    jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobtracker.live.hub.SUMMARY_SECONDS", 0.05)
    monkeypatch.setattr("jobtracker.live.hub.FRAME_SECONDS", 0)
    hub = Hub()
    came: asyncio.Queue[str] = asyncio.Queue()
    viewer = Viewer(View(jobs.render, summary=jobs.summary), came.put_nowait)
    hub.join(viewer)
    hub.show(viewer, ())
    viewer.seen()
    running = asyncio.create_task(hub.run())
    try:
        assert await asyncio.wait_for(came.get(), 10) == "(1)"
        viewer.seen()
        hub.hear(Change())
        assert await asyncio.wait_for(came.get(), 10) == "(2)"
    finally:
        running.cancel()
