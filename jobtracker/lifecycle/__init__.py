"""A job's life, one verb a transition. The only package that writes a job's `status`.

Each verb is one statement guarded by the old status (and by the attempt's token where a process
acts for itself), and returns what it changed: nothing means that another won the race, which is
an answer and no error. The detail row, the attempt, the log line and the audit line go with it
in the same transaction.

    create                       ->  pending
    claim              pending   ->  processing
    complete         processing  ->  completed
    fail             processing  ->  pending (retryable, attempts left) | failed
    crash            processing  ->  pending (crashes left) | failed
    hand_back, rescue processing ->  pending (failed after too many without progress)
    wait             processing  ->  pending, waiting for a person
    finish_cancelled processing  ->  cancelled
    answer             pending   ->  pending, ready
    cancel             pending   ->  cancelled; processing -> asked to stop
    retry     failed | cancelled ->  pending
    rerun_from          terminal ->  pending, the later stages undone
    mark_failed, mark_completed: repair by hand

Whatever ends an attempt obeys a cancel that was asked for before, so that cancel beats retry;
only work that is done all the same completes its job.

`creation` and `attempts` hold the verbs of processes, `people` those of persons, `recovery` what
the lifeline asks. All are used from here.
"""

from jobtracker.lifecycle.attempts import (
    IDLE_HAND_BACK_LIMIT,
    Beat,
    Claimed,
    Failure,
    Report,
    Session,
    beat,
    claim,
    complete,
    crash,
    fail,
    fail_retryably,
    fence,
    finish_cancelled,
    flush,
    hand_back,
    note_sentry_event,
    note_session,
    own_session,
    ready,
    rescue,
    wait,
)
from jobtracker.lifecycle.creation import (
    Created,
    create,
)
from jobtracker.lifecycle.people import (
    answer,
    cancel,
    edit,
    mark_completed,
    mark_failed,
    prioritise,
    rerun_from,
    retry,
    retry_failed,
    set_queue,
    standing_for,
)
from jobtracker.lifecycle.recovery import (
    expired,
    mark_stalled,
    promote_due,
)

__all__ = [
    "IDLE_HAND_BACK_LIMIT",
    "Beat",
    "Claimed",
    "Created",
    "Failure",
    "Report",
    "Session",
    "answer",
    "beat",
    "cancel",
    "claim",
    "complete",
    "crash",
    "create",
    "edit",
    "expired",
    "fail",
    "fail_retryably",
    "fence",
    "finish_cancelled",
    "flush",
    "hand_back",
    "mark_completed",
    "mark_failed",
    "mark_stalled",
    "note_sentry_event",
    "note_session",
    "own_session",
    "prioritise",
    "promote_due",
    "ready",
    "rerun_from",
    "rescue",
    "retry",
    "retry_failed",
    "set_queue",
    "standing_for",
    "wait",
]
