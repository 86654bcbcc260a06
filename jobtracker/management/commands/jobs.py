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
    priority_of,
)
from jobtracker.models import BackgroundJob
from jobtracker.models.jobs import MOST_AT_ONCE
from jobtracker.monitor import queries
from jobtracker.states import JobType, Priority, Status, Waiting
from jobtracker.why_waiting import why_waiting


class Command(TrackerCommand):
    help = (
        "List, show, wait for, cancel, retry, answer and repair jobs and change their priority;"
        " pause, resume and cap types."
    )

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
        how = retry.add_mutually_exclusive_group()
        how.add_argument("--from-stage", metavar="STAGE", help="undo this stage and the later")
        how.add_argument(
            "--failed-items", action="store_true", help="only what failed, as a job of its own"
        )
        retry.add_argument("--reason", default="")

        answer = acts.add_parser("answer", help="give a job what it waits for")
        answer.add_argument("id")
        answer.add_argument("--mapping", metavar="FILE.json")
        answer.add_argument("--currency", metavar="CODE")
        answer.add_argument("--password", metavar="TEXT")
        answer.add_argument("--again", action="store_true", help="process a known file again")
        answer.add_argument(
            "--go-on",
            action="store_true",
            help="go on past what it asks about, or with what it offers",
        )
        answer.add_argument("--stop", action="store_true", help="do not")

        mark = acts.add_parser("mark", help="repair a status by hand")
        mark.add_argument("id")
        mark.add_argument("status", choices=[Status.FAILED, Status.COMPLETED])
        mark.add_argument("--reason", required=True)

        priority = acts.add_parser("priority", help="change the priority of a job that waits")
        priority.add_argument("id")
        priority.add_argument("priority", choices=Priority.labels)
        priority.add_argument("--reason", default="")

        for act in ("pause", "resume"):
            queue = acts.add_parser(act, help=f"{act} a type of jobs")
            queue.add_argument("type", choices=JobType.values)

        cap = acts.add_parser("cap", help="limit how many jobs of a type run at once")
        cap.add_argument("type", choices=JobType.values)
        cap.add_argument("most", type=_cap, metavar="N|none")

        queues = acts.add_parser("queues", help="how the types stand: paused, caps, what waits")
        add_json_option(queues)

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
        if not found:
            print("No jobs.")
        for job in found:
            supplier = job.supplier.name if job.supplier else "-"
            print(f"{job.pk}  {job.status:10}  {job.progress:3} %  {supplier:20}  {job.filename}")

    def _show(self, options: dict[str, Any]) -> None:
        job = _job(options["id"])
        if options["json"]:
            self._print(job_as_json(job))
            return
        print(waiting.sentence(job))
        if why := why_waiting(job):
            print(f"  waits: {why.said}")
        for stage in job_as_json(job)["stages"]:
            seconds = f"{stage['seconds']:.1f} s" if stage["seconds"] is not None else ""
            print(f"  {stage['name']:20} {stage['status']:9} {stage['items']:>10,}  {seconds}")
        for attempt in job.attempts.order_by("number"):
            print(f"  attempt {attempt.number}: {attempt.outcome or 'running'} {attempt.error}")
        for line in waiting.failed_items(job):
            print(f"  {line}")
        for warning in job.warnings:
            where = f" ({warning['where']})" if warning.get("where") else ""
            print(f"  warning: {warning['message']}{where}")

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
        if options["failed_items"]:
            self._retry_failed(job)
            return
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
            if standing := lifecycle.standing_for(job.pk):
                raise Refused(f"Job {job.pk} is not retried: job {standing} does the same already.")
            which = (
                "ended jobs can run again" if stage else "failed and cancelled jobs can be retried"
            )
            raise Refused(f"Job {job.pk} is {job.status}; only {which}.")
        print("Pending again.")

    def _retry_failed(self, job: BackgroundJob) -> None:
        try:
            created = lifecycle.retry_failed(job.pk, None)
        except ValueError as error:
            raise Refused(f"Job {job.pk}: {error}") from error
        if created.existing:
            print(f"They are being done again already: job {created.job_id}.")
        else:
            print(f"Started job {created.job_id} of its {job.failed_items:,} failed items alone.")

    def _priority(self, options: dict[str, Any]) -> None:
        job = _job(options["id"])
        wanted = priority_of(options["priority"])
        if not lifecycle.prioritise([job.pk], wanted, None, options["reason"]):
            raise Refused(
                f"Job {job.pk} is {job.status}; only the priority of a pending job matters."
            )
        print(f"Priority: {wanted.label}.")

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
        kind = options["type"]
        changed = lifecycle.set_queue(kind, None, paused=True)
        print(f"Paused {kind}; running jobs go on." if changed else f"{kind} was paused already.")

    def _resume(self, options: dict[str, Any]) -> None:
        kind = options["type"]
        changed = lifecycle.set_queue(kind, None, paused=False)
        print(f"Resumed {kind}." if changed else f"{kind} was not paused.")

    def _cap(self, options: dict[str, Any]) -> None:
        kind, most = options["type"], options["most"]
        lifecycle.set_queue(kind, None, max_running=most)
        print(f"{kind}: {f'at most {most:,} run at once' if most else 'no cap'}.")

    def _queues(self, options: dict[str, Any]) -> None:
        found = queries.queues()
        if options["json"]:
            keys = ("job_type", "paused", "max_running", "running", "waiting", "paused_by")
            self._print([{key: getattr(queue, key) for key in keys} for queue in found])
            return
        for queue in found:
            cap = f" of {queue.max_running:,}" if queue.max_running is not None else ""
            by = f" by {queue.paused_by}" if queue.paused_by else ""
            state = f", paused{by}" if queue.paused else ""
            waits = f"{queue.running:,}{cap} running, {queue.waiting_said} waiting{state}"
            print(f"{queue.job_type:15}  {waits}")

    def _print(self, data: Any) -> None:
        print(json.dumps(data, ensure_ascii=False, indent=2))


def _count(text: str) -> int:
    """Read a number of jobs, for argparse."""
    if not text.isdecimal():
        raise ArgumentTypeError(f"{text!r} is no number of jobs")
    return int(text)


def _cap(text: str) -> int | None:
    """Read how many jobs may run at once, None for any number, for argparse."""
    if text == "none":
        return None
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= MOST_AT_ONCE):
        raise ArgumentTypeError(f"{text!r} is neither a number from 1 to {MOST_AT_ONCE:,} nor none")
    return int(text)


def _job(text: str) -> BackgroundJob:
    """Find a job by its id. Raises `Refused`."""
    try:
        return BackgroundJob.objects.get(pk=UUID(text))
    except ValueError:
        raise Refused(f"{text!r} is not a job's id.") from None
    except BackgroundJob.DoesNotExist:
        raise Refused(f"There is no job {text}.") from None
