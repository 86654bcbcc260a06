"""What the live path sends to the pages: the same HTML fragments that the pages are made of.

Each fragment has an id and `hx-swap-oob="morph"`; a page takes those that it shows. They are the
same for every viewer: what a viewer may not do is hidden by the page and refused by the server.
"""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.template.loader import render_to_string

from jobtracker.live import views
from jobtracker.monitor import queries, summary
from jobtracker.monitor.job import JobPage


def render_rows(job_ids: Iterable[UUID]) -> dict[UUID, str]:
    """Return the table row of each job that still exists, by one statement."""
    return {
        row.job.pk: render_to_string("jobtracker/row.html", {"row": row, "oob": True})
        for row in queries.by_ids(job_ids)
    }


def render_summary() -> str:
    """Return what stands above the list, and the tab's title, by five statements."""
    above = summary.context()
    title = summary.tab_title(above["facts"])
    return render_to_string("jobtracker/summary.html", {**above, "tab_title": title, "oob": True})


def render_jobs(job_ids: Iterable[UUID]) -> dict[UUID, str]:
    """Return the changing parts of the job page of each job that still exists.

    The tab panel is not among them: it depends on the viewer's address and is fetched by the page.
    """
    pages = (JobPage.of(job_id) for job_id in job_ids)
    return {
        page.job.pk: render_to_string(
            "jobtracker/job_parts.html", {"page": page, "job": page.job, "oob": True}
        )
        for page in pages
        if page
    }


def watch() -> None:
    """Make monitor and job page watchable; called once by each web process."""
    views.register(
        "monitor", views.View(render_rows, summary=render_summary, listing=views.listing)
    )
    views.register("job", views.View(render_jobs, shown=views.one_job))
