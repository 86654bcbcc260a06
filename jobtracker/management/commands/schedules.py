"""`manage.py schedules`: make schedules, look at them and act on them."""

import json
from argparse import ArgumentParser
from typing import Any

from django import forms
from django.core.exceptions import NON_FIELD_ERRORS
from django.core.management.base import CommandParser

from jobtracker import pipelines, schedules
from jobtracker.management.options import (
    OneSentenceParser,
    Refused,
    TrackerCommand,
    add_json_option,
    add_waiting_options,
    finish,
    priority_of,
)
from jobtracker.models import JobSchedule
from jobtracker.plans import PlanError
from jobtracker.schedule_pages.forms import ScheduleForm, schedulable, spec_of
from jobtracker.states import Priority


class Command(TrackerCommand):
    help = "List, add, pause, resume, run and delete schedules: jobs that start again and again."

    def add_arguments(self, parser: CommandParser) -> None:
        acts = parser.add_subparsers(
            dest="act", required=True, metavar="ACT", parser_class=OneSentenceParser
        )

        listing = acts.add_parser("list", help="all schedules, with their next runs")
        add_json_option(listing)

        adding = acts.add_parser("add", help="start a job again and again")
        kinds = adding.add_subparsers(
            dest="type", required=True, metavar="TYPE", parser_class=OneSentenceParser
        )
        for pipeline in schedulable().values():
            kind = kinds.add_parser(pipeline.job_type, help=f"{pipeline.label} jobs")
            kind.add_argument("name")
            kind.add_argument("--cron", required=True, help="minute hour day month weekday")
            kind.add_argument("--zone", default="UTC", help="IANA time zone of the plan (UTC)")
            kind.add_argument("--supplier", required=True)
            kind.add_argument("--priority", choices=Priority.labels, default=Priority.NORMAL.label)
            _add_fields(kind, _spec_form(pipeline)())
            add_json_option(kind)

        for act, what in (
            ("pause", "start nothing until it is resumed"),
            ("resume", "go on with the first run after now"),
            ("delete", "take it away; its jobs stay"),
        ):
            one = acts.add_parser(act, help=what)
            one.add_argument("id", help="its number or its name")
            add_json_option(one)

        run = acts.add_parser("run", help="start its job now; the plan stays as it is")
        run.add_argument("id", help="its number or its name")
        add_waiting_options(run)

    def run(self, **options: Any) -> int | None:
        return getattr(self, f"_{options['act']}")(options)

    def _list(self, options: dict[str, Any]) -> None:
        found = JobSchedule.objects.select_related("supplier", "last_job").order_by("name")
        if options["json"]:
            self._print([as_json(schedule) for schedule in found])
            return
        if not found:
            print("No schedules.")
        for each in found:
            coming = f"{each.next_run_at:%Y-%m-%d %H:%MZ}" if each.next_run_at else "paused"
            last = each.last_job.status if each.last_job else "-"
            print(
                f"{each.pk:5}  {coming:17}  {each.cron:20}  {each.time_zone:20}  {last:10}"
                f"  {each.name}"
            )
            if each.paused_because:
                print(f"       {each.paused_because}")

    def _add(self, options: dict[str, Any]) -> None:
        data = {
            "name": options["name"],
            "supplier": options["supplier"],
            "cron": options["cron"],
            "time_zone": options["zone"],
            "priority": str(priority_of(options["priority"])),
        }
        pipeline = schedulable()[options["type"]]
        kind = _spec_form(pipeline)
        data |= _data_of(kind(), options)
        form, spec_form = ScheduleForm(data), kind(data)
        _refuse_errors(form, spec_form)
        made = schedules.add(pipeline.job_type, form.wanted(spec_of(spec_form)), None)
        self._say(made.pk, options, f"Added schedule {made.pk}.")

    def _pause(self, options: dict[str, Any]) -> None:
        found = _schedule(options["id"])
        if not schedules.pause(found.pk, None):
            raise Refused(f"Schedule {found.pk} is paused already.")
        self._say(found.pk, options, f"Paused {found.name}; a job that runs goes on.")

    def _resume(self, options: dict[str, Any]) -> None:
        found = _schedule(options["id"])
        try:
            if not schedules.resume(found.pk, None):
                raise Refused(f"Schedule {found.pk} is not paused.")
        except PlanError as error:
            raise Refused(str(error)) from error
        self._say(found.pk, options, f"Resumed {found.name}.")

    def _run(self, options: dict[str, Any]) -> int:
        found = _schedule(options["id"])
        created = schedules.run_now(found.pk, None)
        if created is None:
            raise Refused(f"There is no schedule {options['id']}.")
        if created.existing:
            self.stderr.write(f"Its job {created.job_id} has not ended yet; no second one started.")
        return finish([created.job_id], options)

    def _delete(self, options: dict[str, Any]) -> None:
        found = _schedule(options["id"])
        told = as_json(found)
        schedules.delete(found.pk, None)
        if options["json"]:
            self._print(told)
        else:
            print(f"Deleted {found.name}; its jobs stay.")

    def _say(self, pk: int, options: dict[str, Any], sentence: str) -> None:
        found = JobSchedule.objects.select_related("supplier", "last_job").get(pk=pk)
        if options["json"]:
            self._print(as_json(found))
            return
        print(sentence)
        if found.next_run_at:
            plan = schedules.plan_of(found)
            print(f"{plan.said} ({plan.zone}). The next run: {plan.local(found.next_run_at)}")

    def _print(self, data: Any) -> None:
        print(json.dumps(data, ensure_ascii=False, indent=2))


def as_json(schedule: JobSchedule) -> dict[str, Any]:
    """Return a schedule as JSON; `next_runs` are the next five in its own zone."""
    coming: list[str] = []
    if schedule.next_run_at:
        plan = schedules.plan_of(schedule)
        first = plan.local(schedule.next_run_at)
        coming = [run.isoformat() for run in [first, *plan.upcoming(first, 4)]]
    job = schedule.last_job
    return {
        "id": schedule.pk,
        "name": schedule.name,
        "job_type": schedule.job_type,
        "supplier": schedule.supplier.name,
        "cron": schedule.cron,
        "time_zone": schedule.time_zone,
        "spec": schedule.spec,
        "priority": schedule.get_priority_display(),
        "paused": schedule.paused,
        "paused_because": schedule.paused_because,
        "next_runs": coming,
        "failures": schedule.failures,
        "last_started_at": schedule.last_started_at and schedule.last_started_at.isoformat(),
        "last_job": job and {"id": str(job.pk), "status": job.status},
        "last_error": schedule.last_error,
        "last_note": schedule.last_note,
    }


def _spec_form(pipeline: pipelines.Pipeline) -> type[forms.Form]:
    form = pipeline.schedule_form()
    assert form
    return form


def _add_fields(parser: ArgumentParser, form: forms.Form) -> None:
    """Give each field of a pipeline's form an option; one with many lines is repeatable."""
    for name, field in form.fields.items():
        option = f"--{name.replace('_', '-')}"
        said = f"{field.label} ({field.help_text})" if field.help_text else str(field.label)
        said = said.replace("%", "%%")
        if isinstance(field, forms.BooleanField):
            parser.add_argument(option, action="store_true", help=said)
        elif isinstance(field.widget, forms.Textarea):
            parser.add_argument(option, action="append", metavar="TEXT", help=f"{said}; repeatable")
        else:
            parser.add_argument(option, metavar="TEXT", help=said)


def _data_of(form: forms.Form, options: dict[str, Any]) -> dict[str, str]:
    """Return the options as a browser would send the form; what was not given is as it begins."""
    data = {}
    for name, field in form.fields.items():
        value = options[name]
        if value is None or value is False:
            value = field.initial
        if value not in (None, False):
            data[name] = "\n".join(value) if isinstance(value, list) else str(value)
    return data


def _refuse_errors(*checked: forms.Form) -> None:
    """Refuse with what is wrong, each named by its option, in one line."""
    options = {"time_zone": "zone", "name": "NAME"}
    said = []
    for form in checked:
        for name, errors in form.errors.items():
            option = options.get(name, name).replace("_", "-")
            where = "" if name == NON_FIELD_ERRORS else f"--{option}: "
            said += [f"{where}{error}".replace("--NAME", "NAME") for error in errors]
    if said:
        raise Refused(" ".join(said))


def _schedule(text: str) -> JobSchedule:
    """Find a schedule by its number or its name. Raises `Refused`."""
    rows = JobSchedule.objects.select_related("supplier", "last_job")
    by_number = rows.filter(pk=int(text)) if text.isdecimal() and len(text) < 19 else rows.none()
    found = by_number.first() or rows.filter(name=text).first()
    if found is None:
        raise Refused(f"There is no schedule {text!r}. `manage.py schedules list` shows them.")
    return found
