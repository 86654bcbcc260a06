"""The tracker's own tables. Each module holds one part of a job's story."""

from jobtracker.models.attempts import AttemptSession, JobAttempt
from jobtracker.models.audit import AuditEntry
from jobtracker.models.files import FileToRemove
from jobtracker.models.jobs import BackgroundJob, JobCheckpoint, JobEvent, JobQueue
from jobtracker.models.metrics import JobMetricsHour
from jobtracker.models.schedules import JobSchedule
from jobtracker.models.users import User
from jobtracker.models.workers import Worker

__all__ = [
    "AttemptSession",
    "AuditEntry",
    "BackgroundJob",
    "FileToRemove",
    "JobAttempt",
    "JobCheckpoint",
    "JobEvent",
    "JobMetricsHour",
    "JobQueue",
    "JobSchedule",
    "User",
    "Worker",
]
