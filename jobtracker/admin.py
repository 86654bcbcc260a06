"""The tracker's tables in the admin. Jobs and queues are changed through the lifecycle only."""

from functools import partial
from typing import Any, cast
from uuid import UUID

from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.text import Truncator
from django_q.models import Failure, OrmQ, Schedule, Success
from unfold.decorators import display
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm
from unfold.widgets import UnfoldAdminTextareaWidget

from jobtracker import lifecycle, metrics
from jobtracker.access import OPERATE
from jobtracker.models import (
    AttemptSession,
    AuditEntry,
    BackgroundJob,
    FileToRemove,
    JobAttempt,
    JobCheckpoint,
    JobEvent,
    JobMetricsHour,
    JobQueue,
    JobSchedule,
    User,
    Worker,
)
from jobtracker.monitor.words import counted
from jobtracker.repairs import REASON_CHARS, REPAIRS
from jobtracker.site import ReadOnlyAdmin, TableAdmin
from jobtracker.states import Status

# The queue's payloads are signed pickles, and whoever may add a schedule may call any function.
admin.site.unregister([Failure, OrmQ, Schedule, Success])

COLOURS = {
    Status.PROCESSING: "info",
    Status.COMPLETED: "success",
    Status.FAILED: "danger",
    Status.CANCELLED: "warning",
}


class JobForm(forms.ModelForm):
    """What of a job can be edited. A change needs a reason."""

    reason = forms.CharField(
        required=False,
        max_length=REASON_CHARS,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
        help_text="Needed for a change; kept in the audit log.",
    )

    class Meta:
        model = BackgroundJob
        fields = ("supplier", "priority", "metadata")

    def clean_metadata(self) -> dict[str, Any]:
        metadata = self.cleaned_data["metadata"] or {}
        if not isinstance(metadata, dict):
            raise forms.ValidationError('It must be an object, such as {"note": "urgent"}.')
        return metadata

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if set(self.changed_data) - {"reason"} and not cleaned.get("reason"):
            self.add_error("reason", "Say why: it is kept.")
        return cleaned


class LifecycleAdmin(TableAdmin):
    """Rows of which only the lifecycle changes what the form says was changed in it."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def formfield_for_dbfield(self, *args: Any, **kwargs: Any) -> Any:
        """Let the form carry what it showed: one that is out of date takes nothing back."""
        field = super().formfield_for_dbfield(*args, **kwargs)
        if field:
            field.show_hidden_initial = True
        return field

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> None:
        """The lifecycle has written it."""


@admin.register(BackgroundJob)
class JobAdmin(LifecycleAdmin):
    """Jobs, and the manual fixes of them."""

    form = JobForm
    subject = "job"
    list_display = ("__str__", "job_type", "supplier", "state", "priority", "created_at")
    list_filter = ("job_type", "status", "waiting_for", "priority")
    list_select_related = ("supplier",)
    search_fields = ("^filename",)
    search_help_text = "A job's id, or the start of a file name"
    autocomplete_fields = ("supplier",)
    actions = ()
    change_form_outer_before_template = "admin/jobtracker/backgroundjob/acts.html"

    @display(description="status", label={str(key): word for key, word in COLOURS.items()})
    def state(self, job: BackgroundJob) -> tuple[str, str]:
        waits = f": waits for {job.get_waiting_for_display().lower()}" if job.waiting_for else ""
        return job.status, f"{job.get_status_display()}{waits}"

    def has_operate_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(OPERATE)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        edited = list(JobForm.Meta.fields)
        if self.has_change_permission(request, obj):
            edited.append("reason")
        return [
            (None, {"fields": edited}),
            ("As the tracker wrote it", {"fields": self.get_readonly_fields(request, obj)}),
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        names = [field.name for field in self.opts.concrete_fields]
        return [name for name in names if name not in JobForm.Meta.fields]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[BackgroundJob], search_term: str
    ) -> tuple[QuerySet[BackgroundJob], bool]:
        if job_id := _uuid(search_term):
            return queryset.filter(pk=job_id), False
        return super().get_search_results(request, queryset, search_term)

    def save_model(self, request: HttpRequest, obj: BackgroundJob, form: Any, change: bool) -> None:
        columns = {"supplier": "supplier_id"}
        changed = {
            column: getattr(obj, column)
            for name in form.changed_data
            if name in JobForm.Meta.fields and (column := columns.get(name, name))
        }
        if changed:
            lifecycle.edit([obj.pk], _user(request), form.cleaned_data["reason"], **changed)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        if not self.has_operate_permission(request):
            return {}
        return {
            name: (partial(_ask, name=name), name, repair.label) for name, repair in REPAIRS.items()
        }

    def get_custom_urls(self) -> tuple[Any, ...]:
        return (("repair/<slug:name>/", "repair-jobs", self.repair),)

    def repair(
        self, request: HttpRequest, name: str, model_admin: Any | None = None
    ) -> HttpResponse:
        """Ask for the reason of a manual fix of the jobs in the query, then do it."""
        if not self.has_operate_permission(request):
            raise PermissionDenied
        if name not in REPAIRS:
            raise Http404
        repair = REPAIRS[name]
        wanted = [job_id for text in request.GET.getlist("job") if (job_id := _uuid(text))]
        jobs = list(BackgroundJob.objects.filter(pk__in=wanted[: self.list_per_page]))
        back = HttpResponseRedirect(reverse("admin:jobtracker_backgroundjob_changelist"))
        if not jobs:
            messages.warning(request, "No job was chosen, or it was pruned.")
            return back
        form = repair.form(jobs, request.POST if request.method == "POST" else None)
        if form.is_valid():
            count = repair.act([job.pk for job in jobs], _user(request), form.cleaned_data)
            if count:
                messages.success(request, f"{counted(count, 'jobs')} {repair.done}.")
            if left := len(jobs) - count:
                messages.warning(
                    request, f"{counted(left, 'jobs')} left as found: the state forbids it."
                )
            return back
        context = {
            **self.admin_site.each_context(request),
            "title": repair.label,
            "subtitle": counted(len(jobs), "jobs"),
            "opts": self.opts,
            "repair": repair,
            "jobs": jobs,
            "form": form,
        }
        return TemplateResponse(request, "admin/jobtracker/backgroundjob/repair.html", context)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        acts = {
            "repairs": REPAIRS if self.has_operate_permission(request) else {},
            "tables": [
                (
                    model._meta.verbose_name_plural,
                    f"{_list_of(model)}?{urlencode({'q': object_id})}",
                )
                for model in (JobAttempt, JobCheckpoint, JobEvent)
            ],
        }
        return super().change_view(request, object_id, form_url, acts | (extra_context or {}))


def _ask(
    table: JobAdmin, request: HttpRequest, queryset: QuerySet[BackgroundJob], name: str
) -> HttpResponse:
    """Lead from the chosen rows of the list to the page that asks for the reason."""
    chosen = [("job", str(job_id)) for job_id in queryset.values_list("pk", flat=True)]
    query = urlencode(chosen[: table.list_per_page])
    return HttpResponseRedirect(f"{reverse('admin:repair-jobs', args=[name])}?{query}")


@admin.register(JobQueue)
class QueueAdmin(LifecycleAdmin):
    """What the claim obeys. The rows are the types; they are neither added nor removed."""

    list_display = ("job_type", "paused", "max_running")
    readonly_fields = ("job_type",)
    ordering = ("job_type",)

    def save_model(self, request: HttpRequest, obj: JobQueue, form: Any, change: bool) -> None:
        values = {name: form.cleaned_data[name] for name in form.changed_data}
        if values:
            lifecycle.set_queue(obj.job_type, _user(request), **values)


@admin.register(JobAttempt)
class AttemptAdmin(ReadOnlyAdmin):
    list_display = ("number", "job", "outcome", "stage", "host", "claimed_at", "finished_at")
    list_filter = ("outcome",)
    list_select_related = ("job",)
    found_by = "job"
    search_help_text = "A job's id"


@admin.register(AttemptSession)
class SessionAdmin(ReadOnlyAdmin):
    list_display = ("pid", "attempt", "backend_start")
    list_select_related = ("attempt",)


@admin.register(JobCheckpoint)
class CheckpointAdmin(ReadOnlyAdmin):
    list_display = ("stage", "job", "state", "items", "seconds", "updated_at")
    list_filter = ("state",)
    list_select_related = ("job",)
    found_by = "job"
    search_help_text = "A job's id"


@admin.register(JobEvent)
class EventAdmin(ReadOnlyAdmin):
    list_display = ("at", "job", "attempt", "level", "stage", "message")
    list_filter = ("level",)
    list_select_related = ("job",)
    found_by = "job"
    search_help_text = "A job's id"


@admin.register(JobSchedule)
class ScheduleAdmin(ReadOnlyAdmin):
    """The schedules as rows; their own pages change them."""

    list_display = ("name", "job_type", "supplier", "cron", "time_zone", "paused", "next_run_at")
    list_filter = ("job_type", "paused")
    list_select_related = ("supplier",)
    search_fields = ("^name",)


@admin.register(JobMetricsHour)
class MetricsAdmin(ReadOnlyAdmin):
    list_display = (
        "hour", "job_type", "completed", "failed", "cancelled", "retries", "crashes", "half", "most"
    )  # fmt: skip
    list_filter = ("job_type",)
    ordering = ("-hour",)

    @display(description="p50 s")
    def half(self, hour: JobMetricsHour) -> str:
        return _seconds(metrics.percentile(hour.durations, 0.5))

    @display(description="p95 s")
    def most(self, hour: JobMetricsHour) -> str:
        return _seconds(metrics.percentile(hour.durations, 0.95))


@admin.register(FileToRemove)
class FileToRemoveAdmin(ReadOnlyAdmin):
    list_display = ("name", "storage", "at")


@admin.register(Worker)
class WorkerAdmin(ReadOnlyAdmin):
    list_display = ("__str__", "slots", "busy", "draining", "started_at", "last_seen")


@admin.register(AuditEntry)
class AuditAdmin(ReadOnlyAdmin):
    list_display = ("at", "actor_name", "action", "subject", "subject_id", "said", "why")
    found_by = "subject_id"
    search_help_text = "The id of what was changed"

    def get_fields(self, request: HttpRequest, obj: AuditEntry | None = None) -> list[str]:
        # The actor's name says who; the account, which the key leads to, is not everyone's to see.
        return [name for name in super().get_fields(request, obj) if name != "actor"]

    @display(description="What was set")
    def said(self, entry: AuditEntry) -> str:
        return Truncator(", ".join(f"{k}: {v}" for k, v in entry.details.items())).chars(80)

    @display(description="Reason")
    def why(self, entry: AuditEntry) -> str:
        return Truncator(entry.reason).chars(80)


@admin.register(User)
class UserAdmin(DjangoUserAdmin, TableAdmin):  # type: ignore[misc]
    """Accounts. One that is not needed any more is made inactive: its acts stay on record."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("username", "first_name", "last_name", "email", "is_active", "is_staff")
    list_filter = ("is_active", "is_staff", "is_superuser", "groups")
    ordering = ("username",)  # type: ignore[misc]
    fieldsets = (
        (None, {"fields": ("username", "password", "first_name", "last_name", "email")}),
        (
            "What they may do",
            {
                "fields": ("is_active", "is_staff", "is_superuser", "groups"),
                "description": "To enter, someone needs staff status and a group: Viewers see,"
                " Operators act, Administrators do all.",
            },
        ),
        ("How they see the pages", {"fields": ("time_zone",)}),
        ("Dates", {"fields": ("last_login", "date_joined")}),
    )
    readonly_fields = ("last_login", "date_joined")


admin.site.unregister(Group)


@admin.register(Group)
class GroupAdmin(ReadOnlyAdmin):
    """The roles, which are what the code says, after each migration anew."""

    list_display = ("name",)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["name", "permissions"]


@admin.register(AccessAttempt, AccessFailureLog)
class LogInAdmin(ReadOnlyAdmin):
    """Failed log-ins, kept by django-axes."""

    list_display = ("attempt_time", "username", "ip_address", "path_info")


@admin.register(AccessLog)
class LogInHistoryAdmin(LogInAdmin):
    list_display = ("attempt_time", "logout_time", "username", "ip_address")


def _list_of(model: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


def _user(request: HttpRequest) -> User:
    return cast(User, request.user)


def _seconds(number: float | None) -> str:
    return "-" if number is None else f"{number:.3g}"


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text.strip())
    except ValueError:
        return None
