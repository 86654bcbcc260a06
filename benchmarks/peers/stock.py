"""The same project with django-q2 as it comes: its ORM broker, and the time-out below `retry`
that its documentation asks for. Everything else is at its default."""

from jobtracker.settings import *  # noqa: F403

# The name signs the packages, so it is that of the process that enqueues; the queue is its own.
Q_CLUSTER = {
    "name": "jobtracker",
    "cluster_name": "stock",
    "orm": "default",
    "workers": 2,
    "timeout": 50,
    "retry": 60,
}
