"""`manage.py jobs`: look at jobs and act on them."""

import json
from argparse import ArgumentTypeError
from typing import Any
from uuid import UUID

from django.core.management.base import CommandParser

from jobtracker import lifecycle, pipelines, waiting
from jobtracker.job_json import job_as_json
from jobtracker.management.options import (
    OneSentenceParser,
    Refused,
    TrackerCommand,
    add_json_option,
)
from jobtracker.models import BackgroundJob
from jobtracker.states import JobType, Status, Waiting


class Command(TrackerCommand):
    help = "List, show, wait for, cancel, retry, answer and repair jobs; pause and resume types."

    def add_arguments(self, parser: CommandParser) -> None:
        acts = parser.add_subparsers(
            dest="act", required=True, metavar="ACT", parser_class=OneSentenceParser
        )

        listing = acts.add_parser("list", help="the newest jobs")
        listing.add_argument("--type", choices=JobType.values)
        listing.add_argument("--status", choices=Status.values)
        listing.add_argument("--limit", type=_count, default=20)
        add_json_option(listing)

        show = acts.add_parser("show", help="one job, whole")
        show.add_argument("id")
        add_json_option(show)

        wait = acts.add_parser("wait", help="wait for jobs; exit code of their outcome")
        wait.add_argument("ids", nargs="+", metavar="ID")
        wait.add_argument("--timeout", type=float, metavar="SECONDS")
        add_json_option(wait)

        cancel = acts.add_parser("cancel", help="stop a job, or never start it; what it made stays")
        cancel.add_argument("id")

        retry = acts.add_parser("retry", help="run a failed or cancelled job again")
        retry.add_argument("id")
        retry.add_argument("--from-stage", metavar="STAGE", help="undo this stage and the later")
        retry.add_argument("--reason", default="")

        answer = acts.add_parser("answer", help="give a job what it waits for")
        answer.add_argument("id")
        answer.add_argument("--mapping", metavar="FILE.json")
        answer.add_argument("--currency", metavar="CODE")
        answer.add_argument("--password", metavar="TEXT")
        answer.add_argument("--again", action="store_true", help="process a known file again")

        mark = acts.add_parser("mark", help="repair a status by hand")
        mark.add_argument("id")
        mark.add_argument("status", choices=[Status.FAILED, Status.COMPLETED])
        mark.add_argument("--reason", required=True)

        for act in ("pause", "resume"):
            queue = acts.add_parser(act, help=f"{act} a type of jobs")
            queue.add_argument("type", choices=JobType.values)

    def run(self, **options: Any) -> int | None:
        return getattr(self, f"_{options['act']}")(options)

    def _list(self, options: dict[str, Any]) -> None:
        jobs = BackgroundJob.objects.select_related("supplier").order_by("-id")
        if options["type"]:
            jobs = jobs.filter(job_type=options["type"])
        if options["status"]:
            jobs = jobs.filter(status=options["status"])
        found = list(jobs[: options["limit"]])
        if options["json"]:
            self._print([job_as_json(job) for job in found])
            return
        for job in found:
            supplier = job.supplier.name if job.supplier else "-"
            print(f"{job.pk}  {job.status:10}  {job.progress:3} %  {supplier:20}  {job.filename}")

    def _show(self, options: dict[str, Any]) -> None:
        job = _job(options["id"])
        if options["json"]:
            self._print(job_as_json(job))
            return
        print(waiting.sentence(job))
        for stage in job_as_json(job)["stages"]:
            seconds = f"{stage['seconds']:.1f} s" if stage["seconds"] is not None else ""
            print(f"  {stage['name']:20} {stage['status']:9} {stage['items']:>10,}  {seconds}")
        for attempt in job.attempts.order_by("number"):
            print(f"  attempt {attempt.number}: {attempt.outcome or 'running'} {attempt.error}")
        for line in waiting.failed_items(job):
            print(f"  {line}")

    def _wait(self, options: dict[str, Any]) -> int:
        ids = [_job(each).pk for each in options["ids"]]
        code = waiting.wait_for_jobs(ids, timeout=options["timeout"])
        waiting.print_jobs(ids, as_json=options["json"])
        return code

    def _cancel(self, options: dict[str, Any]) -> None:
        job = _job(options["id"])
        changed = lifecycle.cancel([job.pk], None)
        if not changed:
            raise Refused(f"Job {job.pk} is {job.status} already; there is nothing to cancel.")
        asked = changed[job.pk] == Status.PROCESSING
        print("Asked to stop." if asked else "Cancelled.")

    def _retry(self, options: dict[str, Any]) -> None:
        job = _job(options["id"])
        stage = options["from_stage"]
        try:
            changed = (
                lifecycle.rerun_from(job.pk, stage, None, options["reason"])
                if stage
                else bool(lifecycle.retry([job.pk], None, options["reason"]))
            )
        except ValueError as error:
            raise Refused(f"--from-stage: {error}.") from error
        if not changed:
            raise Refused(
                f"Job {job.pk} is {job.status}; only failed and cancelled jobs can be retried."
            )
        print("Pending again.")

    def _answer(self, options: dict[str, Any]) -> None:
        job = _job(options["id"])
        if not job.waiting_for:
            raise Refused(f"Job {job.pk} waits for nobody.")
        try:
            reply = pipelines.get(job.job_type).parse_answer(job, options)
        except ValueError as error:
            raise Refused(str(error)) from error
        if not lifecycle.answer(job.pk, Waiting(job.waiting_for), reply, None):
            raise Refused(f"Job {job.pk} no longer waits for {job.waiting_for}.")
        print("Answered; the job goes on.")

    def _mark(self, options: dict[str, Any]) -> None:
        job = _job(options["id"])
        mark = (
            lifecycle.mark_failed
            if options["status"] == Status.FAILED
            else lifecycle.mark_completed
        )
        if not mark(job.pk, options["reason"], None):
            raise Refused(f"Job {job.pk} is {job.status} and cannot be marked {options['status']}.")
        print(f"Marked {options['status']}.")

    def _pause(self, options: dict[str, Any]) -> None:
        lifecycle.set_queue(options["type"], None, paused=True)
        print(f"Paused {options['type']}; running jobs go on.")

    def _resume(self, options: dict[str, Any]) -> None:
        lifecycle.set_queue(options["type"], None, paused=False)
        print(f"Resumed {options['type']}.")

    def _print(self, data: Any) -> None:
        print(json.dumps(data, ensure_ascii=False, indent=2))


def _count(text: str) -> int:
    """Read a number of jobs, for argparse."""
    if not text.isdecimal():
        raise ArgumentTypeError(f"{text!r} is no number of jobs")
    return int(text)


def _job(text: str) -> BackgroundJob:
    """Find a job by its id. Raises `Refused`."""
    try:
        return BackgroundJob.objects.get(pk=UUID(text))
    except ValueError:
        raise Refused(f"{text!r} is not a job's id.") from None
    except BackgroundJob.DoesNotExist:
        raise Refused(f"There is no job {text}.") from None
