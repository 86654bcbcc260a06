"""Starting crawls: everything that can be checked is checked before a job exists."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

from django.db import transaction

from jobtracker import lifecycle
from jobtracker.catalogue.models import Supplier
from jobtracker.causes import mask
from jobtracker.lifecycle import Created
from jobtracker.models import JobSchedule, User
from jobtracker.sources import check_url, supplier_name
from jobtracker.states import LIVE, JobType, Priority
from jobtracker.uploads import SourceRefused
from scraping.models import ScrapingPage, ScrapingSession
from scraping.options import Options
from scraping.wishes import pause, resume, stop

__all__ = [
    "Request",
    "by_site",
    "pause",
    "resume",
    "retry_failed",
    "start_crawls",
    "start_scheduled",
    "stop",
]

URL_CHARS = 2000
SHOWN = 100  # characters of a refused address


@dataclass(frozen=True)
class Request:
    """One crawl that a person asks for: the addresses of one site where it begins. Without a
    supplier the site's host gives the name. Raises `SourceRefused` for what can be no crawl's."""

    urls: Sequence[str]
    supplier: str = ""
    options: Options = field(default_factory=Options)
    priority: Priority = Priority.NORMAL
    created_by: User | None = None

    def __post_init__(self) -> None:
        urls = list(dict.fromkeys(url.strip() for url in self.urls))
        if not urls:
            raise SourceRefused("Give the address of the site to read.")
        hosts = [_host(url) for url in urls]
        for url, host in zip(urls, hosts, strict=True):
            if host != hosts[0]:
                raise SourceRefused(
                    f"{url[:SHOWN]} is of another site than {hosts[0]}: start a crawl for each."
                )
        object.__setattr__(self, "urls", urls)
        if trouble := self.options.trouble():
            raise SourceRefused(trouble)
        object.__setattr__(self, "supplier", supplier_name(self.supplier) or hosts[0])


def by_site(urls: Sequence[str]) -> list[list[str]]:
    """Part addresses by their host, in order. Raises `SourceRefused` for what is no address."""
    sites: dict[str, list[str]] = {}
    for url in urls:
        sites.setdefault(_host(url.strip()), []).append(url.strip())
    return list(sites.values())


def start_crawls(requests: Sequence[Request]) -> list[Created]:
    """Check the addresses against the outbound guard and create the jobs: all or none of them.
    Raises `SourceRefused`.

    The same addresses for the same supplier with the same options while an earlier job on them
    still runs are that job.
    """
    for request in requests:
        for url in request.urls:
            check_url(url)
    with transaction.atomic():
        return [_create(request) for request in requests]


def start_scheduled(schedule: JobSchedule, *, metadata: dict[str, Any], **common: Any) -> Created:
    """Create the crawl of a schedule; the job judges the addresses itself. Raises
    `SourceRefused`."""
    options = Options.from_json(schedule.spec)
    request = Request(schedule.spec["urls"], options=options)
    return lifecycle.create(
        JobType.SCRAPING,
        filename=_host(request.urls[0]),
        metadata=metadata | {"urls": list(request.urls)},
        detail={"source_url": request.urls[0], "scraping_config": options.to_json()},
        **common,
    )


def retry_failed(session: ScrapingSession, user: User | None, cause: str = "") -> Created:
    """Start a crawl of only the pages that failed, with the session's own options; of those of one
    `cause` (a masked message) where it is given. Where no page could be read and all are asked
    for, it is the whole crawl again. Raises `SourceRefused` where nothing failed."""
    job = session.background_job
    if job.status in LIVE:
        raise SourceRefused("The crawl still runs; failed pages can be retried once it has ended.")
    pages = ScrapingPage.objects.filter(session=session)
    failed = pages.filter(status=ScrapingPage.Status.FAILED).order_by("pk")
    if cause:
        messages = failed.order_by().values_list("error", flat=True).distinct()
        failed = failed.filter(error__in=[each for each in messages if mask(each) == cause])
    urls = list(failed.values_list("url", flat=True))
    if not urls:
        raise SourceRefused(f"No page of this session failed{' for that reason' if cause else ''}.")
    options = Options.from_json(session.scraping_config)
    if cause or pages.filter(status=ScrapingPage.Status.COMPLETED).exists():
        options = replace(options, mode="page")
    else:
        urls = job.metadata.get("urls") or [session.source_url]
    return lifecycle.create(
        JobType.SCRAPING,
        filename=job.filename,
        supplier_id=job.supplier_id,
        metadata={"urls": urls},
        priority=job.priority,
        unique_key=f"crawl again:{session.pk}:{sha256(cause.encode()).hexdigest()[:16]}",
        created_by=user,
        parent_id=job.pk,
        detail={"source_url": session.source_url, "scraping_config": options.to_json()},
    )


def _create(request: Request) -> Created:
    supplier = Supplier.objects.get_or_create(name=request.supplier)[0]
    options = request.options.to_json()
    asked: dict[str, Any] = {"urls": list(request.urls), "options": options}
    same = sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()
    return lifecycle.create(
        JobType.SCRAPING,
        filename=_host(request.urls[0]),
        supplier_id=supplier.pk,
        metadata={"urls": list(request.urls)},
        priority=request.priority,
        unique_key=f"crawl:{supplier.pk}:{same}",
        created_by=request.created_by,
        detail={"source_url": request.urls[0], "scraping_config": options},
    )


def _host(url: str) -> str:
    """Return the host of a web address. Raises `SourceRefused` with a sentence."""
    if len(url) > URL_CHARS or not url.isprintable():
        raise SourceRefused(f"{url[:SHOWN]!r} is no web address.")
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise SourceRefused(f"{url[:SHOWN]} is no web address: {error}.") from error
    if parts.scheme.lower() not in ("http", "https") or not host:
        raise SourceRefused(
            f"{url[:SHOWN]} is no http or https address; write it as https://host/path."
        )
    return host.lower()
