"""What the attempt tells the crawl process to do: its first line of input."""

import json
from dataclasses import asdict, dataclass, field
from uuid import UUID

from scraping.options import Options


@dataclass(frozen=True)
class Pace:
    """Times in seconds and sizes in bytes. `backoff` is the wait before the second try, four times
    that before the third; `reading` bounds the extraction of one page."""

    backoff: float = 5.0
    retry_after_most: float = 600.0
    timeout: float = 30.0
    reading: float = 30.0
    max_bytes: int = 10 << 20
    concurrency: int = 8


STANDARD = Pace()


@dataclass(frozen=True)
class Order:
    """`source` is the key of the catalogue source, `defaults` fill the gaps of products."""

    session: UUID
    job: UUID
    token: UUID
    source: int
    options: Options
    defaults: dict[str, str] = field(default_factory=dict)
    pace: Pace = STANDARD

    def to_line(self) -> str:
        return json.dumps(asdict(self), default=str) + "\n"

    @classmethod
    def from_line(cls, line: str) -> "Order":
        data = json.loads(line)
        for name in ("session", "job", "token"):
            data[name] = UUID(data[name])
        options = Options.from_json(data.pop("options"))
        return cls(options=options, pace=Pace(**data.pop("pace")), **data)
