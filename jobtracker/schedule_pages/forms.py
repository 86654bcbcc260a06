"""The form of a schedule: when, whose and how urgent. What it starts, its pipeline's form says."""

from collections.abc import Mapping
from typing import Any

from django import forms

from jobtracker import pipelines, schedules
from jobtracker.hub.forms import SupplierField
from jobtracker.models import JobSchedule
from jobtracker.plans import CRON_CHARS, Plan, PlanError, zones
from jobtracker.schedules import Wanted
from jobtracker.states import Priority

USUAL = {
    "0 6 * * *": "every day at 06:00",
    "0 6 * * MON-FRI": "on weekdays at 06:00",
    "0 * * * *": "every hour",
    "*/15 * * * *": "every 15 minutes",
    "0 3 * * SUN": "on Sundays at 03:00",
    "0 3 1 * *": "on the first of the month at 03:00",
}


class ScheduleForm(forms.Form):
    """`schedule` is the one that is changed, None for a new one; `seen` is its version."""

    name = forms.CharField(max_length=120, label="Name")
    supplier = SupplierField()
    cron = forms.CharField(
        max_length=CRON_CHARS,
        label="When",
        help_text="five fields",
        widget=forms.TextInput(
            attrs={
                "list": "jt-usual",
                "placeholder": "0 6 * * MON-FRI",
                "autocomplete": "off",
                "spellcheck": "false",
            }
        ),
    )
    time_zone = forms.CharField(max_length=64, label="Time zone", widget=forms.Select())
    priority = forms.TypedChoiceField(
        coerce=int, choices=Priority.choices, initial=Priority.NORMAL, label="Priority"
    )
    seen = forms.CharField(required=False, widget=forms.HiddenInput())

    def __init__(self, *args: Any, schedule: JobSchedule | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._schedule = schedule
        current = str(self["time_zone"].value() or "UTC")
        known = {zone for zone in zones() if "/" in zone} | {"UTC", current}
        field: Any = self.fields["time_zone"]
        field.widget.choices = [(zone, zone.replace("_", " ")) for zone in sorted(known)]

    @property
    def usual(self) -> dict[str, str]:
        return USUAL

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if not name.isprintable():
            raise forms.ValidationError("A name is one line of readable characters.")
        others = JobSchedule.objects.filter(name=name)
        if self._schedule:
            others = others.exclude(pk=self._schedule.pk)
        if others.exists():
            raise forms.ValidationError(f"There is a schedule {name!r} already.")
        return name

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if "cron" in cleaned and "time_zone" in cleaned:
            try:
                cleaned["plan"] = Plan(cleaned["cron"], cleaned["time_zone"])
            except PlanError as error:
                wrong = "cron" if cleaned["time_zone"] in zones() else "time_zone"
                self.add_error(wrong, str(error))
        return cleaned

    def wanted(self, spec: Mapping[str, Any]) -> Wanted:
        """Return what the valid form asks for."""
        data = self.cleaned_data
        return Wanted(data["name"], data["supplier"], data["plan"], spec, data["priority"])


def initial_of(schedule: JobSchedule) -> dict[str, Any]:
    """Return what the forms show of a schedule."""
    names = ("name", "cron", "time_zone", "priority")
    shown = {name: getattr(schedule, name) for name in names}
    known = {"supplier": schedule.supplier.name, "seen": schedules.version(schedule)}
    return {**schedule.spec, **shown, **known}


def spec_of(form: forms.Form) -> dict[str, Any]:
    """Return what a pipeline's valid form took, without what is empty."""
    return {
        name: value
        for name, value in form.cleaned_data.items()
        if value is not False and value not in (None, "", [])
    }


def schedulable() -> dict[str, pipelines.Pipeline]:
    """Return the pipelines whose jobs can be scheduled, by job type."""
    return {each.job_type: each for each in pipelines.registered() if each.schedule_form()}
