"""How pages show a job's rows of a queue: what became of each, and what can be done."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Case, QuerySet, Value, When

LINES = 50
STATES = {  # status: the state whose colour and glyph it takes, the glyph, the word
    "pending": ("pending", "clock", "Waits"),
    "retrying": ("retry", "retry", "Tried again"),
    "success": ("completed", "check", "Delivered"),
    "stored": ("completed", "check", "Stored"),
    "failed": ("failed", "x", "Failed"),
}
FAILED_FIRST = Case(
    When(status="failed", then=Value(0)), When(status="retrying", then=Value(1)), default=Value(2)
)


@dataclass(frozen=True)
class Line:
    """A row with its words."""

    row: Any

    @property
    def state(self) -> str:
        return STATES[self.row.status][0]

    @property
    def icon(self) -> str:
        return STATES[self.row.status][1]

    @property
    def label(self) -> str:
        return STATES[self.row.status][2]

    @property
    def tries(self) -> int:
        """How often it was tried."""
        tried = self.row.status != "pending" or self.row.retry_count
        return self.row.retry_count + (self.row.status != "retrying") if tried else 0


def lines(rows: QuerySet[Any]) -> list[Line]:
    """Return the first rows, the failed ones first."""
    return [Line(row) for row in rows.order_by(FAILED_FIRST, "pk")[:LINES]]
