"""The addresses of the schedules, each page with and without a final slash."""

from django.urls import path, re_path

from jobtracker.schedule_pages import views

ROOT = "admin/schedules"
ONE = rf"^{ROOT}/(?P<pk>\d{{1,18}})"

urlpatterns = [
    re_path(rf"^{ROOT}/?$", views.schedules, name="schedules"),
    re_path(rf"^{ROOT}/new/?$", views.new, name="schedule-new"),
    path(f"{ROOT}/plan", views.plan, name="schedule-plan"),
    re_path(rf"{ONE}/?$", views.schedule, name="schedule"),
    re_path(rf"{ONE}/run$", views.run, name="schedule-run"),
    re_path(rf"{ONE}/pause$", views.pause, name="schedule-pause"),
    re_path(rf"{ONE}/resume$", views.resume, name="schedule-resume"),
    re_path(rf"{ONE}/delete$", views.delete, name="schedule-delete"),
]
