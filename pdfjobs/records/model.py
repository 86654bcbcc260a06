"""What the record reader takes and gives: pure data."""

from dataclasses import dataclass, field

from pdfjobs.reading.model import Box, Table, Word


@dataclass
class PageContent:
    """All that was read of a page. `pictures` are the boxes of images that are no decoration."""

    number: int
    width: float
    height: float
    text: str
    words: list[Word]
    tables: list[Table] = field(default_factory=list)
    pictures: list[Box] = field(default_factory=list)
    lines: int = 0


@dataclass
class Head:
    """A table's recognised head: the target of each column (None where unknown), the head's own
    words, and what holds for all rows (a currency in the price column's head, a unit of length).
    A table that goes on over pages carries it."""

    targets: list[str | None]
    titles: list[str]
    defaults: dict[str, str] = field(default_factory=dict)
    columns: list[float] = field(default_factory=list)  # left edges in points


@dataclass
class Record:
    """One product of a page: raw texts by target (those of `catalogue.normalise.TARGETS`), the box
    of each, and the index of its picture in `PageContent.pictures`, where one belongs to it."""

    values: dict[str, str]
    boxes: dict[str, Box]
    picture: int | None = None
    confidence: float = 1.0


@dataclass
class Found:
    """What a page gave: `head` is to be handed to the next page, `warnings` are sentences."""

    records: list[Record] = field(default_factory=list)
    head: Head | None = None
    warnings: list[str] = field(default_factory=list)
