"""The addresses of the queue monitor and the job page, each with and without a final slash."""

from django.urls import path, re_path

from jobtracker.monitor import views

ROOT = "admin/async-queue-monitor"
JOB = f"{ROOT}/jobs/<uuid:job_id>"

urlpatterns = [
    re_path(rf"^{ROOT}/?$", views.monitor, name="monitor"),
    path(f"{ROOT}/changes", views.changes, name="monitor-changes"),
    path(f"{ROOT}/causes/<str:fingerprint>/retry", views.retry_cause, name="retry-cause"),
    path(JOB, views.job, name="job"),
    path(f"{JOB}/", views.job),
    path(f"{JOB}/panel", views.panel, name="job-panel"),
    path(f"{JOB}/cancel", views.cancel, name="job-cancel"),
    path(f"{JOB}/retry", views.retry, name="job-retry"),
    path(f"{JOB}/mark-failed", views.mark_failed, name="job-mark-failed"),
    path(f"{JOB}/mark-completed", views.mark_completed, name="job-mark-completed"),
    path(f"{JOB}/run-again", views.run_again, name="job-run-again"),
]
