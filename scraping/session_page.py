"""What the pages of a crawl say about it: its pages, why some failed, and what it found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import Count, Q, QuerySet

from jobtracker.catalogue import export
from jobtracker.catalogue.models import Material
from jobtracker.causes import mask
from jobtracker.states import Status as JobStatus
from scraping.models import ScrapingPage, ScrapingRow, ScrapingSession

PAGE = 50
CARDS = 12
CAUSES = 20
MESSAGES = 500  # different messages that are put together to causes
RULES = 20

Status = ScrapingPage.Status
FILTERS = {
    Status.FAILED: ("Failed", "failed", "x"),
    Status.SKIPPED: ("Skipped", "cancelled", "ban"),
    Status.COMPLETED: ("Completed", "completed", "check"),
    Status.FETCHING: ("Fetching", "scraping", "dots"),
    Status.PENDING: ("Queued", "pending", "circle"),
}
"""For each status its word, and the state whose colour and glyph it takes."""


@dataclass(frozen=True)
class Line:
    """A page as words; `status` is how it stands."""

    page: ScrapingPage
    status: Status

    @property
    def label(self) -> str:
        return FILTERS[self.status][0]

    @property
    def state(self) -> str:
        return FILTERS[self.status][1]

    @property
    def icon(self) -> str:
        return FILTERS[self.status][2]

    @property
    def link(self) -> str:
        return web_address(self.page.url)

    @property
    def marks(self) -> list[str]:
        """Short words beside the address."""
        status = self.page.http_status or 0
        moved = 300 <= status < 400 and status != HTTPStatus.NOT_MODIFIED
        return [
            word
            for word, there in (("redirect", moved), ("unchanged", self.page.unchanged))
            if there
        ]

    @property
    def reason(self) -> str:
        """Why it failed, or the rule that skipped it; a queued one's last trouble."""
        return self.page.skip_rule if self.page.status == Status.SKIPPED else self.page.error


@dataclass(frozen=True)
class Answered:
    """How many pages were answered with an HTTP status (0: none came)."""

    code: int
    number: int
    percent: float

    @property
    def label(self) -> str:
        if not self.code:
            return "No answer"
        try:
            return f"{self.code} {HTTPStatus(self.code).phrase}"
        except ValueError:
            return str(self.code)

    @property
    def state(self) -> str:
        if 200 <= self.code < 300 or self.code == HTTPStatus.NOT_MODIFIED:
            return "completed"
        return "retry" if 300 <= self.code < 400 else "failed"


@dataclass(frozen=True)
class Cause:
    """Pages that failed alike: `key` is their message without what differs."""

    key: str
    message: str
    hint: str
    number: int


@dataclass(frozen=True)
class Tally:
    """One group of a session's pages."""

    status: str
    http_status: int | None
    unchanged: bool
    number: int


def web_address(url: str) -> str:
    """Return `url` where a page may link to it, else nothing: a site can name any scheme."""
    return url if url.lower().startswith(("http://", "https://")) else ""


def page_of_pages(job_id: UUID, query: Mapping[str, str]) -> dict[str, Any]:
    """Return one page of a job's addresses: those of the status `pages`, answered with `http`,
    with the text `q` in their address, after the id `after`. Three statements.

    Without any choice the failed ones are shown, else all.
    """
    sessions = ScrapingSession.objects.filter(background_job_id=job_id)
    session = sessions.only("background_job__status").select_related("background_job").first()
    # What an attempt was fetching when it ended is fetched by nobody, and queued for the next one.
    fetches = bool(session and session.background_job.status == JobStatus.PROCESSING)
    tally = _tally(session.pk, fetches) if session else []
    by_status: Counter[str] = Counter()
    for group in tally:
        by_status[group.status] += group.number
    text = query.get("q", "").replace("\x00", "").strip()[:200]
    http = query.get("http", "")
    http = http if http.isascii() and http.isdigit() else ""
    chosen = query.get("pages", "")
    if chosen not in (*FILTERS, "all"):
        chosen = "failed" if by_status["failed"] and not (text or http) else "all"
    wanted = {"pages": chosen, "http": http, "q": text}
    rows = _filtered(session.pk, wanted, fetches) if session else ScrapingPage.objects.none()
    after = query.get("after", "")
    if after.isascii() and after.isdigit():
        rows = rows.filter(pk__gt=min(int(after), 2**63 - 1))
    shown = list(rows[: PAGE + 1]) if tally else []
    answered = {group.http_status or 0 for group in tally if _answered(group)}
    return {
        "tally": tally,
        "pages_total": sum(by_status.values()),
        "page_filters": [
            (status, label, state, icon, by_status[status], _query(wanted, pages=status))
            for status, (label, state, icon) in FILTERS.items()
            if by_status[status] or chosen == status
        ],
        "all_query": _query(wanted, pages="all"),
        "http_choices": [(str(code), Answered(code, 0, 0).label) for code in sorted(answered)],
        "chosen": chosen,
        "chosen_http": http,
        "page_text": text,
        "lines": [Line(page, _standing(page.status, fetches)) for page in shown[:PAGE]],
        "next_query": _query(wanted, after=str(shown[PAGE - 1].pk)) if len(shown) > PAGE else "",
        "first_query": _query(wanted) if after else "",
        "clear_query": _query({}, pages="all"),
    }


def overview(session: ScrapingSession, query: Mapping[str, str]) -> dict[str, Any]:
    """Return what the session's own page shows below its head, its table of pages included."""
    context = page_of_pages(session.background_job_id, query)
    return {
        **context,
        "answers": _answers(context["tally"]),
        "unchanged": sum(group.number for group in context["tally"] if group.unchanged),
        "causes": _causes(session.pk) if _has(context["tally"], Status.FAILED) else [],
        "rules": _rules(session.pk) if _has(context["tally"], Status.SKIPPED) else [],
        **_materials(session.background_job_id, query),
    }


def session_facts(config: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the options of a crawl in words, those alone that say something."""
    facts = [
        ("Mode", str(config.get("mode", ""))),
        ("Pages at most", f"{config.get('max_pages', 0):,}"),
        ("Depth at most", f"{config.get('max_depth', 0):,}"),
        ("Only", ", ".join(config.get("include", []))),
        ("Not", ", ".join(config.get("exclude", []))),
        ("Categories", ", ".join(config.get("categories", []))),
        ("Delay", f"{config['delay']:g} s" if config.get("delay") is not None else ""),
        ("robots.txt", "ignored" if config.get("ignore_robots") else ""),
    ]
    return [(label, value) for label, value in facts if value and value != "0"]


def _standing(status: str, fetches: bool) -> Status:
    """Return how a page of that status stands, by whether an attempt fetches now."""
    return Status.PENDING if status == Status.FETCHING and not fetches else Status(status)


def _tally(session_id: UUID, fetches: bool) -> list[Tally]:
    columns = ("status", "http_status", "unchanged")
    found = ScrapingPage.objects.filter(session_id=session_id).order_by().values_list(*columns)
    return [
        Tally(_standing(status, fetches), *rest)
        for status, *rest in found.annotate(number=Count("pk"))
    ]


def _filtered(session_id: UUID, wanted: Mapping[str, str], fetches: bool) -> QuerySet[ScrapingPage]:
    rows = ScrapingPage.objects.filter(session_id=session_id).order_by("pk")
    if wanted["pages"] != "all":
        rows = rows.filter(
            status__in=[each for each in Status if _standing(each, fetches) == wanted["pages"]]
        )
    http = wanted["http"]
    if http == "0":
        rows = rows.filter(http_status__isnull=True, status__in=(Status.COMPLETED, Status.FAILED))
    elif http:
        rows = rows.filter(http_status=min(int(http), 999))
    if wanted["q"]:
        text = wanted["q"]
        rows = rows.filter(Q(url__icontains=text) | Q(canonical_url__icontains=text))
    return rows


def _query(wanted: Mapping[str, str], **changed: str) -> str:
    """Return the address of a view of the table; `tab` is what the job page asks for."""
    told = {"tab": "items"} | {key: value for key, value in {**wanted, **changed}.items() if value}
    return f"?{urlencode(told)}"


def _answered(group: Tally) -> bool:
    """Tell whether these pages were asked for: skipped and waiting ones may never have been."""
    return group.http_status is not None or group.status in (Status.COMPLETED, Status.FAILED)


def _has(tally: list[Tally], status: str) -> bool:
    return any(group.status == status for group in tally)


def _answers(tally: list[Tally]) -> list[Answered]:
    numbers: Counter[int] = Counter()
    for group in tally:
        if _answered(group):
            numbers[group.http_status or 0] += group.number
    most = max(numbers.values(), default=1)
    return [
        Answered(code, number, round(100 * number / most, 1))
        for code, number in sorted(numbers.items())
    ]


def _causes(session_id: UUID) -> list[Cause]:
    """Return why pages failed, the commonest first; messages that differ in an address or a
    number alone are one cause."""
    failed = ScrapingPage.objects.filter(session_id=session_id, status=Status.FAILED)
    found = failed.order_by().values_list("error", "hint").annotate(number=Count("pk"))
    causes: dict[str, Cause] = {}
    for message, hint, number in found.order_by("-number", "error")[:MESSAGES]:
        key = mask(message)
        known = causes.get(key, Cause(key, message, hint, 0))
        causes[key] = replace(known, hint=known.hint or hint, number=known.number + number)
    return sorted(causes.values(), key=lambda cause: -cause.number)[:CAUSES]


def _rules(session_id: UUID) -> list[tuple[str, int]]:
    """Return the rules that skipped pages, with how many, the commonest first."""
    skipped = ScrapingPage.objects.filter(session_id=session_id, status=Status.SKIPPED)
    found = skipped.order_by().values_list("skip_rule").annotate(number=Count("pk"))
    return list(found.order_by("-number", "skip_rule")[:RULES])


def _materials(job_id: UUID, query: Mapping[str, str]) -> dict[str, Any]:
    """Return the cards of the materials that a job met, after the row number `cards`."""
    rows = ScrapingRow.objects.filter(job_id=job_id, material_id__isnull=False).order_by("number")
    after = query.get("cards", "")
    if after.isascii() and after.isdigit():
        rows = rows.filter(number__gt=min(int(after), 2**31 - 1))
    met = list(rows.values_list("number", "material_id")[: CARDS + 1])
    ids = {material for _, material in met[:CARDS] if material}
    found = export.lines(materials=Material.objects.filter(pk__in=ids).values("pk")) if ids else []
    return {
        "cards": [card(line) for line in found],
        "cards_next": met[CARDS - 1][0] if len(met) > CARDS else None,
        "cards_after": after,
    }


def card(line: Mapping[str, Any]) -> dict[str, Any]:
    """Return a materials line as its card shows it: `title`, `said`, `link`, `url`, and `fields`
    as (field, value as written, method, address)."""
    provenance = line.get("provenance") or {}
    fields = []
    for name, entries in provenance.items():
        for entry in entries if isinstance(entries, list) else [entries]:
            raw = entry.get("raw")
            if raw not in (None, ""):
                url = entry.get("url") or ""
                fields.append((name, str(raw), entry.get("method") or "", url, web_address(url)))
    url = (line.get("source") or {}).get("url") or (line.get("attributes") or {}).get("url") or ""
    price = [line.get("price"), line.get("currency")]
    size = (line.get("size") or {}).get("raw")
    said = [" ".join(str(part) for part in price if part), size, line.get("finish")]
    return {
        "title": line.get("name") or line.get("sku") or line.get("key") or "Without a name",
        "sku": line.get("sku"),
        "said": " · ".join(str(part) for part in [*said, line.get("colour")] if part),
        "url": url,
        "link": web_address(url),
        "fields": fields,
    }
