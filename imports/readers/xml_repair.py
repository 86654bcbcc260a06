"""What libxml2 mends of malformed XML when a person asks for it, and what it may not.

It leaves out what is wrong within a text. With wrong tags elements come to stand in each other or
further out, or it ends early: so nothing is taken as mended where a record might not be read.
"""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from .model import Mended, Record, UnreadableFeed
from .record_path import PathNode, PathTree

SHOWN = 20
LOGGED = 100  # faults that lxml keeps; beyond them it only mends
PIECE_CHARACTERS = 65_536
MARK_CHARACTERS = 300  # of a tag's start, at most

_TAGS = ("ERR_TAG_NAME_MISMATCH", "ERR_TAG_NOT_FINISHED", "ERR_GT_REQUIRED", "ERR_DOCUMENT_END")
_WORDS = {
    "ERR_NAME_REQUIRED": "an & or < that begins nothing was left out",
    "ERR_ENTITYREF_SEMICOL_MISSING": "an & without its ; was left out, and the word behind it",
    "ERR_INVALID_CHAR": "a character that XML does not allow was left out",
    "ERR_INVALID_ENCODING": "bytes that are no text in its encoding were replaced",
    "ERR_ATTRIBUTE_REDEFINED": "an attribute that an element has twice was left out once",
    "ERR_TAG_NAME_MISMATCH": "an end tag that fits no start tag was taken for the right one",
}
_ENDS = {"<!--": "-->", "<![CDATA[": "]]>"}
_UNDEFINED = re.compile(r"Entity '(.+)' not defined")


@dataclass(frozen=True)
class Fault:
    """A place where the document is malformed, as libxml2 tells of it."""

    line: int
    column: int
    kind: str
    message: str

    @property
    def opens_a_tag(self) -> bool:
        """Whether a < may have been taken for the start of an element that the text goes on in."""
        return self.kind == "ERR_NAME_REQUIRED" and "EntityRef" not in self.message

    @property
    def done(self) -> str:
        """What was done, for a sentence."""
        if undefined := _UNDEFINED.search(self.message):
            return f"the entity {undefined[1]}, which the file does not define, was left out"
        return _WORDS.get(self.kind) or f"{self.message.strip()} (what is wrong was left out)"

    @property
    def mended(self) -> str:
        """What was done and where, as a sentence for a person."""
        return f"Repaired at line {self.line:,}, column {self.column:,}: {self.done}."


@dataclass
class Repairs:
    """What was mended of a document that was read to its end."""

    faults: list[Fault] = field(default_factory=list)
    all_known: bool = True

    def note(self, log: Sequence[Any]) -> None:
        """Take over the places that a parser's log tells of, each once."""
        found = (Fault(each.line, each.column, each.type_name, each.message) for each in log)
        self.faults = list({(each.line, each.column): each for each in reversed([*found])}.values())
        self.faults.reverse()
        self.all_known = len(log) < LOGGED

    @property
    def of_tags(self) -> list[Fault]:
        """Those after which elements may stand in each other that did not."""
        return [each for each in self.faults if each.kind in _TAGS or each.opens_a_tag]

    @property
    def mended(self) -> tuple[Mended, ...]:
        """The places, as a source keeps them."""
        return tuple(Mended(fault.line, fault.done) for fault in self.faults)

    def told(self) -> tuple[str, ...]:
        """The repairs as sentences, the first `SHOWN` of them."""
        sentences = [fault.mended for fault in self.faults[:SHOWN]]
        if more := len(self.faults) - len(sentences):
            at_least = "" if self.all_known else "at least "
            sentences.append(f"Repaired in {at_least}{more:,} more places.")
        return tuple(sentences)


def check(path: Path, codec: str, tree: PathTree, record: PathNode, repairs: Repairs) -> None:
    """Raise UnreadableFeed where a record was lost, or got to another place, in the repair."""
    name = _local(record.name)
    first = (repairs.of_tags or repairs.faults)[0]
    alike = [node for node in tree.root.descendants() if _local(node.name) == name]
    read, written = sum(node.count for node in alike), _written(path, codec, name)
    if written != read:
        raise UnreadableFeed(
            f"The XML cannot be repaired: <{name}> stands in it {written:,} times, and {read:,} of"
            f" them would be read, for it is malformed at {_place(first)}."
        )
    if len(alike) > 1 and (repairs.of_tags or not repairs.all_known):
        raise UnreadableFeed(
            f"The XML cannot be repaired: a <{name}> may have come to stand elsewhere or within"
            f" another, for the tags do not fit at {_place(first)}."
        )


def told_of(records: Iterator[Record], mended: Sequence[Mended]) -> Iterator[Record]:
    """Give each record a warning of what was mended from its line to that of the next. Where
    several start on the line of a place, nobody can tell which of them it is in."""
    line_before = 0
    record = next(records, None)
    while record is not None:
        following = next(records, None)
        begin = record.line + (record.line == line_before)
        end = following.line if following else math.inf
        done = dict.fromkeys(each.done for each in mended if begin <= each.line < end)
        warnings = tuple(f"Repaired: {each}." for each in done)
        yield replace(record, warnings=warnings) if warnings else record
        line_before, record = record.line, following


def _place(fault: Fault) -> str:
    return f"line {fault.line:,}, column {fault.column:,}"


def _local(name: str) -> str:
    return name.rpartition(":")[2]


def _written(path: Path, codec: str, name: str) -> int:
    """How many start tags of a name a file has, but for those in comments and CDATA sections."""
    mark = re.compile(rf"<!--|<!\[CDATA\[|<(?:[^\s<>/:!?]+:)?{re.escape(name)}(?=[\s/>])")
    found, rest, end_mark = 0, "", ""
    with path.open(encoding=codec, errors="replace") as text:
        while piece := text.read(PIECE_CHARACTERS):
            rest += piece
            at = 0
            while True:
                if end_mark:
                    end = rest.find(end_mark, at)
                    if end < 0:
                        at = max(at, len(rest) - len(end_mark))
                        break
                    at, end_mark = end + len(end_mark), ""
                begun = mark.search(rest, at)
                if begun is None:
                    at = max(at, len(rest) - MARK_CHARACTERS)
                    break
                at, end_mark = begun.end(), _ENDS.get(begun.group(), "")
                found += not end_mark
            rest = rest[at:]
    return found
