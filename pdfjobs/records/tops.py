"""The head of a table: which rows they are and what each column holds."""

from dataclasses import dataclass
from itertools import pairwise

from pdfjobs.reading.model import Box

from .grid import HEAD_ROWS, Row, distinct, line_of
from .heads import Title, attribute_of, is_foreign, read_title, side_of
from .layout import around
from .model import Head

IDENTITY = {"sku", "ean", "name"}
EVIDENCE = {"sku", "ean", "price", "size", "width", "height", "thickness"}


@dataclass
class Top:
    """A head with the box of each title (None on a page that goes on) and how many are known."""

    head: Head
    boxes: list[Box | None]
    known: int


def find_head(rows: list[Row]) -> tuple[Top, int] | None:
    """The head, and the first row below it."""
    for index, row in enumerate(rows[:HEAD_ROWS]):
        if len(distinct(row)) < 2:
            continue
        one = top_of(row, None)
        below = rows[index + 1] if index + 1 < len(rows) else None
        two = top_of(row, below) if below and not _has_values(below, one) else None
        if two and below and (one is None or two.known > one.known - _are_joined(row, below)):
            return two, index + 2
        if one:
            return one, index + 1
    return None


def _are_joined(row: Row, below: Row) -> bool:
    """Whether merged cells tie two rows to one head."""
    deep = any(cell is not None and cell is under for cell, under in zip(row, below, strict=True))
    wide = any(cell is not None and cell is right for cell, right in pairwise(row))
    return deep or wide


def _has_values(row: Row, top: Top | None) -> bool:
    """Whether a row below a head holds values, not more titles."""
    if top is None:
        return False
    texts = [cell.text for cell in row if cell and cell.text.strip()]
    return sum(map(_holds_digit, texts)) > len(texts) / 2 or any(
        cell is not None and target in ("sku", "price") and _holds_digit(cell.text)
        for cell, target in zip(row, top.head.targets, strict=True)
    )


def _holds_digit(text: str) -> bool:
    return any(character.isdigit() for character in text)


def top_of(row: Row, below: Row | None) -> Top | None:
    """The head that `row` is, together with the row `below` it."""
    titles: list[str] = []
    boxes: list[Box | None] = []
    for index, cell in enumerate(row):
        under = below[index] if below and below[index] is not cell else None
        titles.append(f"{line_of(cell)}\n{line_of(under)}".strip())
        parts = [part.box for part in (cell, under) if part and part.text.strip()]
        boxes.append(around(parts) if parts else None)
    if any(is_foreign(title) for title in titles if title):
        return None
    reads = [read_lines(title) for title in titles]
    known = {read.target for read in reads if read}
    if len(known) < 2 or not known & IDENTITY or not known & EVIDENCE:
        return None
    if len(known) < 0.4 * len({title for title in titles if title}):
        return None
    targets: list[str | None] = []
    for title, read in zip(titles, reads, strict=True):
        target = read.target if read else None
        if title and (target is None or target in targets):
            target = _second(target, title, targets)
        targets.append(target)
    price = next((read for read in reads if read and read.target == "price"), None)
    named = {"currency": price.currency, "unit": price.unit} if price else {}
    defaults = {name: value for name, value in named.items() if value and name not in targets}
    return Top(Head(targets, titles, defaults), boxes, sum(read is not None for read in reads))


def read_lines(title: str) -> Title | None:
    """A title of one or two lines; below "Size" and "Price" the second line says which."""
    upper, _, lower = title.partition("\n")
    group, read = read_title(upper), read_title(lower)
    if group and group.target == "size" and (side := side_of(lower)):
        return side
    if whole := read_title(f"{upper} {lower}".strip()):
        return whole
    if group and group.target == "price" and (read is None or read.target in ("finish", "size")):
        return group
    return read


def _second(target: str | None, title: str, taken: list[str | None]) -> str | None:
    """Where a title is unknown or its target taken: an attribute under the title's own words."""
    if target == "name" and "description" not in taken:
        return "description"
    words = attribute_of(title)
    return None if words in taken else words


def goes_on(edges: list[float], carried: Head) -> bool:
    """Whether columns stand as those of the carried head, perhaps shifted."""
    if not edges or len(edges) != len(carried.columns):
        return False
    shift = edges[0] - carried.columns[0]
    pairs = zip(edges, carried.columns, strict=True)
    return all(abs(here - there - shift) < 4 for here, there in pairs)
