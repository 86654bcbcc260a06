"""Whether a feed is so unlike its supplier's last one that a person should look before it is
written: prices that leapt, a mapped field that vanished, far fewer rows, more rows that fail, are
changed or are unknown than usual.

Nothing is written and nobody is locked out: the start of the feed is read as the run reads it and
held against the source rows that are there. What comes after the first `LOOKED_AT` rows is only
counted.
"""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import islice
from typing import Any

from imports import prices
from imports.batches import BATCH, Batch
from imports.feed_source import survey_from_json
from imports.mapping import Mapping
from imports.models import DataImportJob
from imports.readers import Survey
from jobtracker.catalogue.models import CatalogueSource, MaterialSource
from jobtracker.catalogue.normalise import content_hash
from jobtracker.catalogue.write import Row, seen_before
from jobtracker.models import BackgroundJob, JobCheckpoint
from jobtracker.monitor.words import counted
from jobtracker.states import Permanent, Status, Waiting

ABOUT = "guardrails"
LOOKED_AT = 5_000  # rows: a twentieth of the cost of 100,000, and a wrong column shows in far fewer
LEAST = 5  # rows; a share of fewer says nothing
LEAST_LEAPS = 3  # one product in a small list may well be new under an old key
LEAP = 3  # times, up or down: above any rise or sale of a whole range, below a wrong decimal sign
LEAPT = 0.05  # of the prices
SHIFTED = 0.01  # of the prices, by the same power of ten: nothing but a mistake does that
NEAR = Decimal("0.005")  # a price is rounded after it was shifted
FEWER = 0.3  # of the rows gone: seasons and clearances stay below
FILLED = 0.5  # of the records had a value; what few have may have gone rightly
FAILED_MORE = 0.1  # of the rows beyond the share of the last run
CHANGED = 0.5  # of the rows, and
CHANGED_MORE = 2  # times the largest share among the last runs
RUNS = 5  # that tell what is usual
SAMPLES = 5


@dataclass(frozen=True)
class Concern:
    """One thing that is unlike the last run, in a sentence, with rows that show it."""

    kind: str
    text: str
    samples: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class Leap:
    """A price that changed out of proportion."""

    row: Row
    old: str
    new: str
    power: int | None  # of ten, where it is just that


@dataclass
class Look:
    """What the start of a feed would do to what is known of its source."""

    rows: int = 0
    known: int = 0
    changed: int = 0
    failed: int = 0
    priced: int = 0
    leaps: list[Leap] = field(default_factory=list)
    failures: list[dict[str, Any]] = field(default_factory=list)
    changes: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class Run:
    """A completed import of the same source: what is usual."""

    detail: DataImportJob
    survey: Survey

    @property
    def failed_share(self) -> float:
        return self.detail.failed_products / self.detail.total_products

    @property
    def changed_share(self) -> float | None:
        """The share of its rows that changed; None where most were new, which tells nothing."""
        result = self.detail.background_job.result
        known = result.get("updated", 0) + result.get("unchanged", 0)
        return result.get("updated", 0) / known if known > result.get("created", 0) else None


def last_runs(detail: DataImportJob, *, price_only: bool) -> list[Run]:
    """Return the last completed imports of the same source, the newest first: not those of some
    rows only, nor those of prices only for a whole feed, nor what was undone."""
    same = (
        {"source_url": detail.source_url}
        if detail.source_url
        else {"source_url": "", "source_name": detail.source_name}
    )
    details = (
        DataImportJob.objects.filter(
            **same,
            background_job__supplier=detail.background_job.supplier_id,
            status=Status.COMPLETED,
            total_products__gt=0,
        )
        .exclude(background_job__result__has_key="undone")
        .exclude(background_job__metadata__has_key="failed_rows_only")
        .select_related("background_job")
        .order_by("-pk")[: RUNS * 2]
    )
    parsed = dict(
        JobCheckpoint.objects.filter(
            job__in=[each.background_job_id for each in details], stage="feed_parsed"
        ).values_list("job_id", "data")
    )
    found = []
    for each in details:
        data = parsed.get(each.background_job_id, {})
        said = each.background_job.metadata.get("price_only") or data.get("price_only")
        if bool(said) == price_only and "survey" in data:
            found.append(Run(each, survey_from_json(data["survey"])))
    return found[:RUNS]


def reply(job: BackgroundJob, *, go_on: bool) -> dict[str, Any]:
    """Return what a person answers to the question of a waiting job. "Stop" is meant for the
    next attempt alone: whoever retries the job later is asked anew."""
    about = job.question.get("about", "")
    if go_on:
        return {"about": about, "go_on": True}
    return {
        "about": about,
        "go_on": False,
        "attempt": job.attempts.count() + 1,
        "message": job.question.get("message", ""),
    }


def words(question: dict[str, Any]) -> dict[str, str]:
    """Return what the page says around a question: title, what was compared, the two answers."""
    return {
        "title": "This feed is unlike the last one",
        "compared": f"nothing is written yet; the first {counted(question['looked_at'], 'rows')}"
        f" of {question['rows']:,} were held against the last run",
        "go_on": "It is right: import it",
        "stop": "Stop this import",
    }


def allowed(answer: MappingOf[str, Any], attempt: int) -> bool:
    """Whether a person let this job pass. Raises `Permanent` where it was stopped."""
    given = answer.get(Waiting.THRESHOLD.value) or {}
    if given.get("about") != ABOUT:
        return False
    if not given["go_on"] and given["attempt"] == attempt:
        raise Permanent(f"Stopped by a person. {given['message']}")
    return bool(given["go_on"])


def question(
    detail: DataImportJob,
    source: CatalogueSource,
    survey: Survey,
    batches: Iterable[Batch],
    *,
    price_only: bool,
) -> dict[str, Any] | None:
    """Return what a person must be asked before the feed is written, None where it is as usual or
    was never imported before. `batches` are read as far as `LOOKED_AT`; of a joined feed they hold
    the rows of the first file (`readers.read_own`)."""
    runs = last_runs(detail, price_only=price_only)
    if not runs or not (price_only or MaterialSource.objects.filter(source=source).exists()):
        return None
    look = Look()
    for batch in islice(batches, LOOKED_AT // BATCH):
        _look_at(batch, look, source, price_only=price_only)
    last = runs[0]
    concerns = [
        each
        for each in (
            _leapt(look),
            _vanished(survey, last),
            _fewer(survey.own, last),
            _failed(look, last),
            None if price_only else _unknown(look, last),
            None if price_only else _changed(look, runs),
        )
        if each
    ]
    if not concerns:
        return None
    return {
        "about": ABOUT,
        "message": "Nothing is written yet: " + " ".join(each.text for each in concerns),
        "concerns": [vars(each) for each in concerns],
        "looked_at": look.rows,
        "rows": survey.own,
        "compared_with": str(last.detail.pk),
    }


def _look_at(batch: Batch, look: Look, source: CatalogueSource, *, price_only: bool) -> None:
    look.rows += len(batch)
    same = set() if price_only else seen_before(source, batch.seen())
    look.known += len(same)
    rows, rejected = batch.rows(known=same)
    for each in rejected:
        if each.outcome == "f":
            look.failed += 1
            _keep(look.failures, {"line": each.line, "key": each.key} | _told(each.detail))
    look.priced += len(same)  # those without a price are few, and make the share smaller only
    found = _priced(source, rows) if price_only else _stored(source, rows)
    for row in rows:
        if row.key not in found:
            if price_only:
                look.failed += 1
                _keep(look.failures, {"line": row.line, "key": row.key, "reason": "not known"})
            continue
        look.known += 1
        vals, digest = found[row.key]
        if digest != content_hash(row.values):
            look.changed += 1
            _keep(look.changes, _change(row, vals))
        _compare(look, row, vals.get("price") or {}, row.values.get("price") or {})


def _compare(look: Look, row: Row, old: dict[str, str], new: dict[str, str]) -> None:
    if not (old.get("amount") and new.get("amount")):
        return
    look.priced += 1
    before, after = Decimal(old["amount"]), Decimal(new["amount"])
    same_currency = old.get("currency") == new.get("currency")
    if before <= 0 or (same_currency and before < after * LEAP and after < before * LEAP):
        return
    power = None
    if after > 0 and same_currency:
        ratio = after / before
        nearest = round(ratio.log10())
        if nearest and abs(ratio / Decimal(10) ** nearest - 1) <= NEAR:
            power = nearest
    look.leaps.append(Leap(row, _money(old), _money(new), power))


def _leapt(look: Look) -> Concern | None:
    powers = Counter(each.power for each in look.leaps if each.power)
    shifted = max(powers.values(), default=0)
    least = min(LEAST_LEAPS, look.priced)
    if shifted >= max(least, look.priced * SHIFTED, 1):
        power = max(powers, key=lambda each: powers[each])
        leaps = [each for each in look.leaps if each.power == power]
        way = f"{10**power:,} times" if power > 0 else f"a {_ordinal(-power)} of"
        text = (
            f"{counted(shifted, 'prices')} of {look.priced:,} would be {way} what they were: a"
            " decimal sign may be misread."
        )
    elif len(look.leaps) >= max(least, look.priced * LEAPT, 1):
        leaps = look.leaps
        text = (
            f"{counted(len(leaps), 'prices')} of {look.priced:,} would change more than {LEAP}"
            " times, or their currency."
        )
    else:
        return None
    samples = [
        {"line": each.row.line, "key": each.row.key, "old": each.old, "new": each.new}
        for each in leaps[:SAMPLES]
    ]
    return Concern("prices", text, samples)


def _vanished(survey: Survey, last: Run) -> Concern | None:
    filled = {each.source for each in survey.fields if each.coverage}
    before = {each.source: each for each in last.survey.fields if each.coverage >= FILLED}
    gone = [
        each
        for each in Mapping.from_json(last.detail.field_mappings).fields
        if each.source in before and each.source not in filled
    ]
    if not gone:
        return None
    names = ", ".join(f"{each.source} ({each.target})" for each in gone)
    samples = [
        {"key": each.source, "old": "".join(before[each.source].samples[:1]), "new": ""}
        for each in gone
    ]
    which = "This field has" if len(gone) == 1 else "These fields have"
    return Concern("columns", f"{which} no value any more: {names}.", samples[:SAMPLES])


def _fewer(count: int, last: Run) -> Concern | None:
    before = last.survey.own
    if before < LEAST or count >= before * (1 - FEWER):
        return None
    return Concern("rows", f"The feed has {counted(count, 'rows')}; it had {before:,}.")


def _failed(look: Look, last: Run) -> Concern | None:
    share = look.failed / look.rows if look.rows else 0
    # Where all fail there is nothing to guard: the run ends failed and says why.
    if look.failed < LEAST or look.failed == look.rows or share <= last.failed_share + FAILED_MORE:
        return None
    text = (
        f"{counted(look.failed, 'rows')} of {look.rows:,} would fail ({share:.0%}); last time"
        f" {last.failed_share:.0%} did."
    )
    return Concern("failed", text, look.failures)


def _unknown(look: Look, last: Run) -> Concern | None:
    expected = min(look.rows, last.survey.own)
    if expected < LEAST or look.known + look.failed >= expected * (1 - CHANGED):
        return None
    text = (
        f"Only {look.known:,} of {counted(look.rows, 'rows')} have a key of the last import: the"
        " key may be another now."
    )
    return Concern("keys", text)


def _changed(look: Look, runs: Sequence[Run]) -> Concern | None:
    shares = [share for run in runs if (share := run.changed_share) is not None]
    share = look.changed / look.known if look.known else 0
    if look.changed < LEAST or not shares or share <= max(CHANGED, CHANGED_MORE * max(shares)):
        return None
    text = (
        f"{counted(look.changed, 'rows')} of {look.known:,} would change ({share:.0%}); of the last"
        f" runs none changed more than {max(shares):.0%}."
    )
    return Concern("changed", text, look.changes)


Stored = dict[str, tuple[dict[str, Any], bytes]]


def _stored(source: CatalogueSource, rows: Sequence[Row]) -> Stored:
    """Return the values and content hashes of the source rows that are there, by key."""
    held = MaterialSource.objects.filter(source=source, source_key__in=[row.key for row in rows])
    kept = held.values_list("source_key", "vals", "content_hash")
    return {key: (vals, bytes(digest)) for key, vals, digest in kept}


def _priced(source: CatalogueSource, rows: Sequence[Row]) -> Stored:
    """Return the values of the products that prices are for, by the rows' keys."""
    held = prices.held_values(source.supplier_id, rows)
    return {row.key: (vals, b"") for row, vals in zip(rows, held, strict=True) if vals is not None}


def _change(row: Row, vals: dict[str, Any]) -> dict[str, Any]:
    names = [name for name in vals | row.values if vals.get(name) != row.values.get(name)]
    old, new = ({name: each.get(name) for name in names[:3]} for each in (vals, row.values))
    return {"line": row.line, "key": row.key, "old": _short(old), "new": _short(new)}


def _short(values: dict[str, Any]) -> str:
    return json.dumps(values, ensure_ascii=False)[:120]


def _told(detail: dict[str, Any]) -> dict[str, Any]:
    return {"reason": detail.get("reason", ""), "new": str(detail.get("raw", ""))[:120]}


def _keep(samples: list[dict[str, Any]], one: dict[str, Any]) -> None:
    if len(samples) < SAMPLES:
        samples.append(one)


def _money(price: dict[str, str]) -> str:
    return f"{price['amount']} {price.get('currency', '')}".strip()


def _ordinal(power: int) -> str:
    return {1: "tenth", 2: "hundredth", 3: "thousandth"}.get(power, f"1/{10**power:,}")
