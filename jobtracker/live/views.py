"""What can be watched at `/ws/live/<view>`. Apps register their views in `ready()`."""

from collections.abc import Callable, Collection, Hashable, Mapping
from dataclasses import dataclass
from uuid import UUID

Ids = Collection[UUID]


def told_by_the_page(key: str) -> Ids:
    """Show no job by address: the page says what it shows. Raises ValueError for any key."""
    if key:
        raise ValueError(key)
    return ()


def one_job(key: str) -> Ids:
    """Show the job that the address names. Raises ValueError if it names none."""
    return (UUID(key),)


def listing(ids: Ids) -> Mapping[UUID, Hashable]:
    """Return what decides in which lists and counts each of these jobs stands."""
    from jobtracker.models import BackgroundJob

    columns = ("status", "waiting_for", "run_after", "priority", "supplier_id", "stalled_at")
    rows = BackgroundJob.objects.filter(pk__in=ids).values_list("pk", *columns)
    return {pk: tuple(values) for pk, *values in rows}


@dataclass(frozen=True)
class View:
    """How one kind of page is kept live. Its functions run in the live path's database thread.

    render: out-of-band HTML of those of these jobs that exist, by one query. An element that also
        comes by ordinary requests carries `data-version`, a number that grows with the moment of
        the query (microseconds since 1970), so that a late answer cannot undo a newer frame.
    summary: what the page shows besides jobs, the same for every viewer; asked at most each second.
    shown: the jobs that the rest of the address stands for; raises ValueError if for none.
    listing: for pages with a list: what places a job in it. When it changes, the page is told so.
    """

    render: Callable[[Ids], Mapping[UUID, str]]
    summary: Callable[[], str] | None = None
    shown: Callable[[str], Ids] = told_by_the_page
    listing: Callable[[Ids], Mapping[UUID, Hashable]] | None = None


_views: dict[str, View] = {}


def register(name: str, view: View) -> None:
    """Make `view` watchable at `/ws/live/<name>` and below."""
    _views[name] = view


def resolve(path: str) -> tuple[View, str] | None:
    """Return the view that a socket's path names, and the rest of the path; None for no view."""
    before, _, rest = path.strip("/").partition("ws/live/")
    name, _, key = rest.partition("/")
    view = None if before else _views.get(name)
    return (view, key) if view else None
