"""What an attempt has told its nurse and the database does not know yet."""

from collections.abc import Iterable, Mapping
from typing import Any

from jobtracker.lifecycle import Report
from jobtracker.workers.ending import Ending

LINES_MOST = 2_000  # kept while the database is away; what comes after is counted


class Diary:
    """Takes the child's messages (`progress`, `event`, `warning`, `end`); gives reports."""

    def __init__(self) -> None:
        self.ending: Ending | None = None
        self._progress: Mapping[str, Any] | None = None
        self._written: Mapping[str, Any] | None = None
        self._events: list[Mapping[str, Any]] = []
        self._warnings: list[Mapping[str, Any]] = []

    def note(self, messages: Iterable[Mapping[str, Any]]) -> None:
        """Take what the child said, in order."""
        for message in messages:
            for kind, value in message.items():
                match kind:
                    case "progress":
                        self._progress = value
                    case "event" if len(self._events) < LINES_MOST:
                        self._events.append(value)
                    case "warning" if len(self._warnings) < LINES_MOST:
                        self._warnings.append(value)
                    case "end":
                        self.ending = Ending.told(value)

    @property
    def unwritten(self) -> bool:
        """Whether there is something to write. Lines wait for the first progress message, since
        counters of nought would overwrite those of the attempt before."""
        if self._progress is None:
            return False
        return bool(self._events or self._warnings) or self._progress != self._written

    def report(self) -> Report:
        """Return all that is new. Only while something is `unwritten`."""
        progress = self._progress or {}
        return Report(
            **progress,
            advanced=self._work(progress) != self._work(self._written or {}),
            events=tuple(self._events),
            warnings=tuple(self._warnings),
        )

    def forget(self, report: Report) -> None:
        """Drop what `report` held: it is written, or never will be."""
        self._written = self._progress
        del self._events[: len(report.events)]
        del self._warnings[: len(report.warnings)]

    @staticmethod
    def _work(progress: Mapping[str, Any]) -> dict[str, Any]:
        """The part of a progress message that changes only when work was done."""
        return {name: value for name, value in progress.items() if name != "left"}
