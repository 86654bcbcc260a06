"""A job as JSON: the one shape of commands and pages."""

from typing import Any

from jobtracker import pipelines
from jobtracker.models import BackgroundJob, JobCheckpoint
from jobtracker.states import StageState, Status
from jobtracker.why_waiting import why_waiting

FAILURES = 20  # failed items shown with a job


def job_as_json(job: BackgroundJob) -> dict[str, Any]:
    """Return all that scripts may read of a job; times are ISO 8601 in UTC."""
    pipeline = pipelines.get(job.job_type)
    why = why_waiting(job)
    return {
        "id": str(job.pk),
        "job_type": job.job_type,
        "status": job.status,
        "waiting_for": job.waiting_for,
        "question": job.question or None,
        "why_waiting": why.as_json() if why else None,
        "progress": job.progress,
        "current_stage": job.current_stage,
        "supplier": job.supplier.name if job.supplier else None,
        "filename": job.filename,
        "source": pipeline.source(job.pk),
        "priority": job.get_priority_display(),
        "total": job.total_items,
        "done": job.done_items,
        "failed": job.failed_items,
        "skipped": job.skipped_items,
        "materials": job.result.get("materials", 0),
        "created": job.result.get("created", 0),
        "updated": job.result.get("updated", 0),
        "unchanged": job.result.get("unchanged", 0),
        "deactivated": job.result.get("deactivated", 0),
        "note": job.result.get("note"),
        "attempts": [
            {
                "number": attempt.number,
                "outcome": attempt.outcome,
                "error": attempt.error,
                "worker": attempt.host,
                "pid": attempt.pid,
                "started_at": _iso(attempt.started_at),
                "finished_at": _iso(attempt.finished_at),
            }
            for attempt in job.attempts.order_by("number")
        ],
        "stages": stages(job),
        "error": job.error or None,
        "failures": pipeline.failures(job.pk, FAILURES) if job.failed_items else [],
        "warnings": job.warnings,
        "cost_usd": str(job.cost_usd) if job.cost_usd is not None else None,
        "created_at": _iso(job.created_at),
        "started_at": _iso(job.started_at),
        "completed_at": _iso(job.completed_at),
        "failed_at": _iso(job.failed_at),
    }


def stages(job: BackgroundJob) -> list[dict[str, Any]]:
    """Return the job's stages in order: {name, status, items, seconds, warnings}."""
    kept: dict[str, JobCheckpoint] = {c.stage: c for c in job.checkpoints.all()}
    warned = list(
        job.events.filter(level="warning").values_list("stage", "message").order_by("id")[:200]
    )
    found = []
    for stage in pipelines.get(job.job_type).stages:
        checkpoint = kept.get(stage.name)
        here = stage.name == job.current_stage
        if checkpoint and checkpoint.state != StageState.RUNNING:
            status = checkpoint.state
        elif here and job.status == Status.FAILED:
            status = "failed"
        else:
            status = "running" if here and job.status == Status.PROCESSING else "pending"
        found.append(
            {
                "name": stage.name,
                "status": status,
                "items": checkpoint.items if checkpoint else 0,
                "seconds": round(checkpoint.seconds, 3) if checkpoint else None,
                "warnings": [message for name, message in warned if name == stage.name],
            }
        )
    return found


def _iso(moment: Any) -> str | None:
    return moment.isoformat() if moment else None
