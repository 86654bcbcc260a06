"""What readers take and give, the same for every type of feed."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

Fields = dict[str, str | list[str]]

KEY = "@key"
"""The field of a JSON record that is the name under which its object stands."""


def put(fields: Fields, path: str, value: str) -> None:
    """Add a value to a record's fields; what occurs more than once becomes a list."""
    known = fields.get(path)
    if known is None:
        fields[path] = value
    elif isinstance(known, list):
        known.append(value)
    else:
        fields[path] = [known, value]


class UnreadableFeed(ValueError):
    """The file, or the rest of it, cannot be read; the message is a sentence for a person."""


class MalformedXml(UnreadableFeed):
    """XML that is whole and breaks its rules somewhere, which can perhaps be repaired."""


class UnknownEncoding(UnreadableFeed):
    """Text of which no encoding is found that it keeps to: a person may know it."""


@dataclass(frozen=True)
class Dialect:
    """How a CSV file separates its cells.

    `quotechar` is None where quotes are ordinary characters; `header_line` is the file line of
    the row that names the columns, None where no row does.
    """

    delimiter: str
    quotechar: str | None
    header_line: int | None


class Mended(NamedTuple):
    """A place where malformed XML is mended, and how, for a sentence."""

    line: int
    done: str


@dataclass(frozen=True)
class Source:
    """All that is needed to read a file again: `read(path, source)`, once it is unpacked.

    `entry` is which file of an archive, or sheet of a workbook, it is: `tiles.xml`,
    `lists/prices.xlsx/Sheet1`. `join` is a second file whose rows complete the records; `repair`
    says that XML is malformed and read all the same, `mended` the first places.
    """

    type: str
    encoding: str
    dialect: Dialect | None = None
    record_path: str | None = None
    entry: str | None = None
    join: "Join | None" = None
    repair: bool = False
    mended: tuple[Mended, ...] = ()

    @property
    def stored_type(self) -> str:
        """The type by which imports are told apart: xml, csv (any table) or json."""
        return self.type if self.type in ("xml", "json") else "csv"

    def as_json(self) -> dict[str, Any]:
        """The description as plain values, for a JSON column."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Source":
        """The reverse of `as_json`."""
        dialect, join = data.get("dialect"), data.get("join")
        told = {
            "dialect": Dialect(**dialect) if dialect else None,
            "join": Join(**join | {"source": cls.from_json(join["source"])}) if join else None,
            "mended": tuple(Mended(*each) for each in data.get("mended", ())),
        }
        return cls(**data | told)


@dataclass(frozen=True)
class Join:
    """A second file of a feed: how it is read, and what a person knows it by. A row of it whose
    `other` has the value of a record's `key` joins that record."""

    source: Source
    name: str
    key: str
    other: str


@dataclass(frozen=True)
class Candidate:
    """What may be the record of an XML or JSON feed: the higher the score, the likelier."""

    path: str
    count: int
    score: float
    reason: str


@dataclass(frozen=True)
class Inspection:
    """What a file is found to be.

    `candidates` are best first (none for CSV); `columns` are the field paths of a record in the
    order of the file; `warnings` are sentences for a person.
    """

    source: Source
    candidates: tuple[Candidate, ...]
    columns: tuple[str, ...]
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Record:
    """One record of a feed.

    `number` counts from 1, `line` is the file line where the record starts. `fields` maps a
    path below the record (`price`, `PRICES/PRICE/AMOUNT`, `@id`, `offers.0.price`, `.` for the
    record's own text) to its text as written, or to a list where it occurs more than once. `error`
    says why the record cannot be used, `skip` why it is no product and need not be; `warnings` say
    what was mended in reading it. `only_in` names the second file of a joined feed where nothing
    in the first is joined by the record; `line` is of that file then.
    """

    number: int
    line: int
    fields: Fields
    written: str | Callable[[], str]
    error: str | None = None
    warnings: tuple[str, ...] = ()
    skip: str | None = None
    only_in: str = ""

    @property
    def raw(self) -> str:
        """The record as it stands in the source; of JSON without blanks, and made when asked for:
        few records ever are, and it takes as long as the reading."""
        return self.written if isinstance(self.written, str) else self.written()
