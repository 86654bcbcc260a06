"""The addresses of the queue monitor and the job page, each with and without a final slash."""

from django.urls import path, re_path

from jobtracker.monitor import acts, views

ROOT = "admin/async-queue-monitor"
JOB = f"{ROOT}/jobs/<uuid:job_id>"
QUEUE = f"{ROOT}/queues/<str:job_type>"

urlpatterns = [
    re_path(rf"^{ROOT}/?$", views.monitor, name="monitor"),
    path(f"{ROOT}/changes", views.changes, name="monitor-changes"),
    path(f"{ROOT}/asking", views.asking, name="asking"),
    path(f"{ROOT}/causes/<str:fingerprint>/retry", acts.retry_cause, name="retry-cause"),
    path(f"{QUEUE}/pause", acts.pause, name="queue-pause"),
    path(f"{QUEUE}/resume", acts.resume, name="queue-resume"),
    path(f"{QUEUE}/cap", acts.cap, name="queue-cap"),
    path(JOB, views.job, name="job"),
    path(f"{JOB}/", views.job),
    path(f"{JOB}/panel", views.panel, name="job-panel"),
    path(f"{JOB}/said", views.said, name="job-said"),
    path(f"{JOB}/answer", views.answer, name="job-answer"),
    path(f"{JOB}/cancel", acts.cancel, name="job-cancel"),
    path(f"{JOB}/retry", acts.retry, name="job-retry"),
    path(f"{JOB}/retry-failed", acts.retry_failed, name="job-retry-failed"),
    path(f"{JOB}/calls/retry", acts.retry_calls, name="job-calls-retry"),
    path(f"{JOB}/images/retry", acts.retry_images, name="job-images-retry"),
    path(f"{JOB}/priority", acts.prioritise, name="job-priority"),
    path(f"{JOB}/mark-failed", acts.mark_failed, name="job-mark-failed"),
    path(f"{JOB}/mark-completed", acts.mark_completed, name="job-mark-completed"),
    path(f"{JOB}/run-again", acts.run_again, name="job-run-again"),
]
