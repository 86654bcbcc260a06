"""How an attempt ended: told by the child, or read from the way it died."""

import os
import signal
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from jobtracker import lifecycle
from jobtracker.lifecycle import Failure
from jobtracker.pipelines import Counts
from jobtracker.states import Outcome, Status, Waiting


@dataclass(frozen=True)
class Ending:
    """An outcome with what its transition needs; `write` does it."""

    outcome: Outcome
    failure: Failure
    counts: Counts | None = None
    waiting_for: Waiting | None = None
    question: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def told(cls, end: Mapping[str, Any]) -> "Ending":
        """Read the child's last message. One that makes no sense is a crash."""
        try:
            outcome = Outcome(end["outcome"])
            return cls(
                outcome,
                Failure(end["message"], end["error_type"], end["traceback"], end["stage"]),
                counts=Counts(**end["counts"]) if "counts" in end else None,
                waiting_for=Waiting(end["reason"]) if outcome is Outcome.WAITING else None,
                question=end.get("question", {}),
            )
        except (KeyError, TypeError, ValueError) as error:
            return cls.crashed(f"Its last message makes no sense: {error!r}")

    @classmethod
    def crashed(cls, message: str) -> "Ending":
        return cls(Outcome.CRASHED, Failure(message, error_type="Crashed"))

    @classmethod
    def handed_back(cls, reason: str) -> "Ending":
        return cls(Outcome.HANDED_BACK, Failure(reason))

    def write(self, token: UUID) -> Status | None:
        """Close the attempt; returns the job's status, None when the job is another's now."""
        match self.outcome:
            case Outcome.COMPLETED:
                return lifecycle.complete(token, self.counts or Counts())
            case Outcome.FAILED:
                return lifecycle.fail(token, self.failure, counts=self.counts)
            case Outcome.RETRYABLE:
                return lifecycle.fail_retryably(token, self.failure)
            case Outcome.CANCELLED:
                return lifecycle.finish_cancelled(token)
            case Outcome.WAITING if self.waiting_for:
                return lifecycle.wait(token, self.waiting_for, self.question)
            case Outcome.CRASHED:
                return lifecycle.crash(token, self.failure)
            case _:
                return lifecycle.hand_back(token, self.failure.message)


def of_a_dead_child(status: int, *, stopped: Ending | None, out_of_memory: bool) -> Ending:
    """Return how a child ended that told nothing.

    `status` is what waitpid gave; `stopped` the ending that the nurse had in mind when it killed
    the child, `out_of_memory` whether the kernel killed some process for memory meanwhile.
    """
    code = os.waitstatus_to_exitcode(status)
    if stopped and code == -signal.SIGKILL:
        return stopped
    if code >= 0:
        return Ending.crashed(f"The process ended with code {code} and told no result.")
    name = signal.Signals(-code).name
    if code == -signal.SIGKILL and out_of_memory:
        return Ending.crashed("The process was killed for lack of memory (SIGKILL).")
    if code == -signal.SIGXCPU:
        return Ending.crashed("The process used up its processor time (SIGXCPU).")
    return Ending.crashed(f"The process was killed by {name}.")
