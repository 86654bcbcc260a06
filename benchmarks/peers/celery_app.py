"""Celery with the settings that its documentation names for tasks that must not be lost."""

import os

from celery import Celery

from benchmarks.peers import bodies

app = Celery("bench", broker=os.environ.get("BENCH_REDIS"))
app.conf.update(
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    task_ignore_result=True,
    worker_prefetch_multiplier=1,
    broker_connection_retry_on_startup=True,
)
run = app.task(name="run")(bodies.run)
