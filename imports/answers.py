"""What a person answers on the command line to an import that waits."""

from collections.abc import Mapping as MappingOf
from dataclasses import replace
from typing import Any

from imports import guardrails
from imports.feed_source import survey_from_json
from imports.mapping import Mapping, MappingError
from imports.mapping_choice import mapping_in_file, obeyable
from imports.mapping_lines import mapping_of
from imports.mapping_page import page_for
from jobtracker.catalogue.normalise import is_code
from jobtracker.models import BackgroundJob, JobCheckpoint
from jobtracker.states import Waiting


def answer_from_options(job: BackgroundJob, options: MappingOf[str, Any]) -> dict[str, Any]:
    """Read `--go-on` or `--stop`, else `--mapping FILE.json`, or `--go-on` for the mapping that is
    offered, and `--currency CODE`; the mapping is to be remembered for the supplier's next feed
    with these fields. Raises `ValueError` with a sentence."""
    if job.waiting_for == Waiting.THRESHOLD:
        go_on, stop = options.get("go_on"), options.get("stop")
        if bool(go_on) == bool(stop):
            raise ValueError("The job waits for a decision: give it with --go-on or --stop.")
        return guardrails.reply(job, go_on=bool(go_on))
    currency = (options.get("currency") or "").upper()
    if currency and not is_code(currency):
        raise ValueError(f"--currency: {options['currency']} is no ISO 4217 currency code.")
    if job.waiting_for == Waiting.CURRENCY and not currency:
        raise ValueError("The job waits for a currency: give it with --currency CODE.")
    mapping = _mapping(job, options.get("mapping"), as_offered=options.get("go_on", False))
    if currency:
        mapping = replace(mapping, defaults=mapping.defaults | {"currency": currency})
    return mapping.to_json() | {"remember": True}


def _mapping(job: BackgroundJob, path: str | None, *, as_offered: bool) -> Mapping:
    """Return the mapping in the file if it fits the feed, else the one that the job asks about: of
    a mapping that is to be confirmed what the page offers, where that is said."""
    if path:
        parsed = JobCheckpoint.objects.get(job=job, stage="feed_parsed").data
        try:
            return obeyable(mapping_in_file(path), survey_from_json(parsed["survey"]))
        except ValueError as error:
            raise ValueError(f"--mapping: {error}") from error
    if job.waiting_for == Waiting.MAPPING:
        page = page_for(job.data_import, job) if as_offered else None
        if page is None:
            raise ValueError(
                "The job waits for a mapping: give it with --mapping FILE.json, or take the one"
                " that its page offers with --go-on."
            )
        try:
            return mapping_of(page)
        except MappingError as error:
            raise ValueError(f"--go-on: {error} Give one with --mapping FILE.json.") from error
    return Mapping.from_json(job.question["mapping"])
