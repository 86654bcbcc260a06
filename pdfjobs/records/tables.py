"""Products from tables with a recognised head."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from jobtracker.catalogue.normalise import is_empty, word_set
from pdfjobs.reading.model import Box, Cell, Table

from .grid import Row, distinct, left_edges, line_of, spread, texts_of
from .heads import fold
from .model import Head, Record
from .tops import EVIDENCE, IDENTITY, Top, find_head, goes_on, read_lines, top_of
from .values import is_amount, is_code

_LONGEST = {"sku": 40, "name": 200, "price": 40, "size": 60}
_SUMS = word_set("total|totals|sum|summe|gesamt|totale|razem|celkem|suma|summa|итого")


@dataclass
class TableRead:
    """What a table gave. `head` is None where it is no table of products."""

    head: Head | None = None
    records: list[Record] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def read_table(table: Table, family: Cell | None, carried: Head | None) -> TableRead:
    """The products of `table`. `family` is the heading above it; `carried` the head of a table
    that may go on here."""
    rows = spread(table)
    edges = left_edges(table)
    found = find_head(rows)
    if found is not None:
        top, after = found
        family = _banner(rows[: after - 1]) or family
    elif carried is not None and goes_on(edges, carried):
        top, after, family = Top(replace(carried), [None] * len(edges), 0), 0, None
    else:
        return TableRead()
    titles = {texts_of(row) for row in rows[:after]}
    read = TableRead()
    for row in rows[after:]:
        filled = distinct(row)
        if not filled or texts_of(row) in titles or fold(filled[0].text).split(" ")[0] in _SUMS:
            continue
        if (again := top_of(row, None)) is not None:
            top = again
        elif len(filled) == 1 and len(row) > 1:
            family = filled[0] if _is_section(filled[0]) else family
        else:
            for part in _split(row, top.head, read.warnings):
                if (record := _record(part, top, family)) is not None:
                    read.records.append(record)
    read.head = top.head
    read.head.columns = edges
    _set_family(read.head, family)
    return read if _is_catalogue(read) else TableRead()


# Families


def _banner(rows: list[Row]) -> Cell | None:
    """The last one-cell row above the head, which names the table."""
    for row in reversed(rows):
        filled = distinct(row)
        if len(filled) == 1 and _is_section(filled[0]):
            return filled[0]
    return None


def _is_section(cell: Cell) -> bool:
    text = line_of(cell)
    letters = sum(character.isalpha() for character in text)
    return letters >= 3 and len(text) <= 60 and not text.endswith((".", ";", ","))


def _family_target(head: Head) -> str | None:
    """A family names the products of a table without names, else it is their category."""
    target = "category" if "name" in head.targets else "name"
    return None if target in head.targets else target


def _set_family(head: Head, family: Cell | None) -> None:
    """Hand the family on with the head, for the page where the table goes on."""
    if family is not None and (target := _family_target(head)):
        head.defaults[target] = line_of(family)


# Rows


def _split(row: Row, head: Head, warnings: list[str]) -> Iterator[Row]:
    """One row for each product: cells of several lines are several products only where all such
    cells have equally many and the codes are of one make."""
    if "sku" not in head.targets:
        yield row
        return
    codes = row[head.targets.index("sku")]
    lines = [line.strip() for line in codes.text.splitlines() if line.strip()] if codes else []
    if len(lines) < 2 or not _alike(lines):
        yield row
        return
    counts = {len(cell.text.strip().splitlines()) for cell in row if cell} - {0, 1}
    if counts != {len(lines)}:
        warnings.append(f"Several codes in one row that cannot be told apart: {', '.join(lines)}")
        return
    for number in range(len(lines)):
        yield [_nth_line(cell, number) for cell in row]


def _alike(codes: list[str]) -> bool:
    """Whether lines are whole codes, not one code broken over lines."""
    if not all(is_code(code) and len(code) > 2 and not code.endswith("-") for code in codes):
        return False
    return len({len(code) for code in codes}) == 1 or len({code[:2] for code in codes}) == 1


def _nth_line(cell: Cell | None, number: int) -> Cell | None:
    lines = cell.text.strip().splitlines() if cell else []
    if cell is None or len(lines) < 2:
        return cell
    x0, top, x1, bottom = cell.box
    height = (bottom - top) / len(lines)
    return Cell(lines[number], [x0, top + number * height, x1, top + (number + 1) * height])


def _record(row: Row, top: Top, family: Cell | None) -> Record | None:
    """The product of a row, None where it has neither code nor name, or no evidence."""
    head = top.head
    values: dict[str, str] = {}
    boxes: dict[str, Box] = {}
    for cell, target, title in zip(row, head.targets, head.titles, strict=True):
        if cell is None or target is None or target in values:
            continue
        text = _code(cell.text) if target in ("sku", "ean") else line_of(cell)
        if is_empty(text) or len(text) > _LONGEST.get(target, 500) or not _fits(target, text):
            continue
        values[target] = _scaled(text, target, title)
        boxes[target] = list(cell.box)
    if not values.keys() & IDENTITY or not values.keys() & EVIDENCE:
        return None
    if family is not None and (named := _family_target(head)):
        values[named], boxes[named] = line_of(family), list(family.box)
    for target, value in head.defaults.items():
        if target in values or (target in ("currency", "unit") and "price" not in values):
            continue
        values[target] = value
        box = top.boxes[head.targets.index("price")] if target in ("currency", "unit") else None
        if box is not None:
            boxes[target] = list(box)
    certain = values.keys() & {"sku", "ean"} and values.keys() & {"price", "size"}
    return Record(values, boxes, confidence=1.0 if certain else 0.8)


def _fits(target: str, text: str) -> bool:
    if target == "price":
        return is_amount(text)
    if target == "sku":
        return len(text.split()) <= 4
    return target != "name" or any(character.isalpha() for character in text)


def _code(text: str) -> str:
    """A code broken over lines is one word again."""
    return "".join(line.strip() for line in text.splitlines())


def _scaled(text: str, target: str, title: str) -> str:
    """A bare number with the unit that its column's title gives."""
    read = read_lines(title)
    if read is None or not read.scale or read.target != target:
        return text
    bare = not any(character.isalpha() and character not in "xх×" for character in text.lower())
    return f"{text} {read.scale}" if bare and '"' not in text else text


def _is_catalogue(read: TableRead) -> bool:
    """Whether the rows bear out what the head promises. Code and name alone are also how error
    codes and certificates are listed: then the codes must look like article codes."""
    if not read.records:
        return False
    strong = {"price", "ean", "size", "width", "thickness"}
    if sum(bool(record.values.keys() & strong) for record in read.records) * 2 >= len(read.records):
        return True
    coded = [record for record in read.records if is_code(record.values.get("sku", ""))]
    long = sum(
        any(c.isdigit() for c in r.values["sku"]) and len(r.values["sku"]) > 3 for r in coded
    )
    return long * 3 >= len(read.records) * 2
