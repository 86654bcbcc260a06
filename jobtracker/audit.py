"""Writes the audit log: who did what, to which row, and why."""

from collections.abc import Iterable
from typing import Any

from jobtracker.models import AuditEntry, User


def record(
    actor: User | None,
    action: str,
    subject: str,
    subject_ids: Iterable[Any],
    reason: str = "",
    **details: Any,
) -> None:
    """Add one entry a subject, in the caller's transaction. No actor means the command line."""
    AuditEntry.objects.bulk_create(
        AuditEntry(
            actor_id=actor.pk if actor else None,
            actor_name=actor.get_username() if actor else "command line",
            action=action,
            subject=subject,
            subject_id=str(subject_id),
            reason=reason,
            details=details,
        )
        for subject_id in subject_ids
    )
