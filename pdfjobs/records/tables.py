"""Products from tables with a recognised head."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import pairwise

from jobtracker.catalogue.normalise import is_empty, word_set
from pdfjobs.reading.model import Box, Cell, Table

from .heads import Title, attribute_of, fold, is_foreign, read_title, side_of
from .layout import around
from .model import Head, Record
from .values import is_amount, is_code

Row = list[Cell | None]
_IDENTITY = {"sku", "ean", "name"}
_EVIDENCE = {"sku", "ean", "price", "size", "width", "height", "thickness"}
_HEAD_ROWS = 6  # how far down a head is looked for
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
    rows = _spread(table)
    edges = _left_edges(table)
    found = _find_head(rows)
    if found is not None:
        top, after = found
        family = _banner(rows[: after - 1]) or family
    elif carried is not None and _goes_on(edges, carried):
        top, after, family = _Top(replace(carried), [None] * len(edges), 0), 0, None
    else:
        return TableRead()
    titles = {_texts(row) for row in rows[:after]}
    read = TableRead()
    for row in rows[after:]:
        filled = _distinct(row)
        if not filled or _texts(row) in titles or fold(filled[0].text).split(" ")[0] in _SUMS:
            continue
        if (again := _top(row, None)) is not None:
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


# Finding the head


@dataclass
class _Top:
    """A head with the box of each title (None on a page that goes on) and how many are known."""

    head: Head
    boxes: list[Box | None]
    known: int


def _find_head(rows: list[Row]) -> tuple[_Top, int] | None:
    """The head, and the first row below it."""
    for index, row in enumerate(rows[:_HEAD_ROWS]):
        if len(_distinct(row)) < 2:
            continue
        one = _top(row, None)
        below = rows[index + 1] if index + 1 < len(rows) else None
        two = _top(row, below) if below and not _has_values(below, one) else None
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


def _has_values(row: Row, top: _Top | None) -> bool:
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


def _top(row: Row, below: Row | None) -> _Top | None:
    """The head that `row` is, together with the row `below` it."""
    titles: list[str] = []
    boxes: list[Box | None] = []
    for index, cell in enumerate(row):
        under = below[index] if below and below[index] is not cell else None
        titles.append(f"{_line(cell)}\n{_line(under)}".strip())
        parts = [part.box for part in (cell, under) if part and part.text.strip()]
        boxes.append(around(parts) if parts else None)
    if any(is_foreign(title) for title in titles if title):
        return None
    reads = [_read(title) for title in titles]
    known = {read.target for read in reads if read}
    if len(known) < 2 or not known & _IDENTITY or not known & _EVIDENCE:
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
    return _Top(Head(targets, titles, defaults), boxes, sum(read is not None for read in reads))


def _read(title: str) -> Title | None:
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


def _goes_on(edges: list[float], carried: Head) -> bool:
    """Whether columns stand as those of the carried head, perhaps shifted."""
    if len(edges) != len(carried.columns):
        return False
    shift = edges[0] - carried.columns[0]
    pairs = zip(edges, carried.columns, strict=True)
    return all(abs(here - there - shift) < 4 for here, there in pairs)


def _left_edges(table: Table) -> list[float]:
    edges: list[float] = []
    for column in range(max(len(row) for row in table.rows)):
        here = [row[column] for row in table.rows if column < len(row)]
        edges.append(min((cell.box[0] for cell in here if cell), default=table.box[0]))
    return edges


# Cells


def _spread(table: Table) -> list[Row]:
    """The rows with every place that a merged cell covers filled by that cell."""
    width = max((len(row) for row in table.rows), default=0)
    rows = [[*row, *[None] * (width - len(row))] for row in table.rows]
    spans = [_narrowest(cells, 0) for cells in zip(*rows, strict=True)]
    bands = [_narrowest(row, 1) for row in rows]
    cells = [cell for row in rows for cell in row if cell]
    for row, band in zip(rows, bands, strict=True):
        for column, span in enumerate(spans):
            if row[column] is None and span and band:
                x, y = sum(span) / 2, sum(band) / 2
                row[column] = next(
                    (
                        cell
                        for cell in cells
                        if cell.box[0] < x < cell.box[2] and cell.box[1] < y < cell.box[3]
                    ),
                    None,
                )
    return rows


def _narrowest(cells: Row | tuple[Cell | None, ...], axis: int) -> tuple[float, float] | None:
    """The extent, along an axis, of the narrowest of the cells."""
    extents = [(cell.box[axis], cell.box[axis + 2]) for cell in cells if cell]
    return min(extents, key=lambda extent: extent[1] - extent[0], default=None)


def _line(cell: Cell | None) -> str:
    return " ".join(cell.text.split()) if cell else ""


def _texts(row: Row) -> tuple[str, ...]:
    return tuple(_line(cell) for cell in row)


def _distinct(row: Row) -> list[Cell]:
    """The filled cells of a row, a merged one once."""
    seen: list[Cell] = []
    for cell in row:
        if cell and cell.text.strip() and not any(cell is other for other in seen):
            seen.append(cell)
    return seen


# Families


def _banner(rows: list[Row]) -> Cell | None:
    """The last one-cell row above the head, which names the table."""
    for row in reversed(rows):
        filled = _distinct(row)
        if len(filled) == 1 and _is_section(filled[0]):
            return filled[0]
    return None


def _is_section(cell: Cell) -> bool:
    text = _line(cell)
    letters = sum(character.isalpha() for character in text)
    return letters >= 3 and len(text) <= 60 and not text.endswith((".", ";", ","))


def _family_target(head: Head) -> str | None:
    """A family names the products of a table without names, else it is their category."""
    target = "category" if "name" in head.targets else "name"
    return None if target in head.targets else target


def _set_family(head: Head, family: Cell | None) -> None:
    """Hand the family on with the head, for the page where the table goes on."""
    if family is not None and (target := _family_target(head)):
        head.defaults[target] = _line(family)


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


def _record(row: Row, top: _Top, family: Cell | None) -> Record | None:
    """The product of a row, None where it has neither code nor name, or no evidence."""
    head = top.head
    values: dict[str, str] = {}
    boxes: dict[str, Box] = {}
    for cell, target, title in zip(row, head.targets, head.titles, strict=True):
        if cell is None or target is None or target in values:
            continue
        text = _code(cell.text) if target in ("sku", "ean") else _line(cell)
        if is_empty(text) or len(text) > _LONGEST.get(target, 500) or not _fits(target, text):
            continue
        values[target] = _scaled(text, target, title)
        boxes[target] = list(cell.box)
    if not values.keys() & _IDENTITY or not values.keys() & _EVIDENCE:
        return None
    if family is not None and (named := _family_target(head)):
        values[named], boxes[named] = _line(family), list(family.box)
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
    read = _read(title)
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
