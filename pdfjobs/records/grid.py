"""A table as a full grid: what stands at each place, merged cells included."""

from math import inf

from pdfjobs.reading.model import Cell, Table

Row = list[Cell | None]
HEAD_ROWS = 6  # how far down a head is looked for


def spread(table: Table) -> list[Row]:
    """The rows with every place that a merged cell covers filled by that cell."""
    width = max((len(row) for row in table.rows), default=0)
    rows = [[*row, *[None] * (width - len(row))] for row in table.rows]
    across = [_middle(cells, 0) for cells in zip(*rows, strict=True)]
    down = [_middle(row, 1) for row in rows]
    placed = [(r, c, cell) for r, row in enumerate(rows) for c, cell in enumerate(row) if cell]
    for r, c, cell in placed:
        for below in _reach(down, r, cell.box[3]):
            for right in _reach(across, c, cell.box[2]):
                rows[below][right] = rows[below][right] or cell
    return rows


def _middle(cells: Row | tuple[Cell | None, ...], axis: int) -> float:
    """The middle, along an axis, of the narrowest of the cells."""
    extents = [(cell.box[axis], cell.box[axis + 2]) for cell in cells if cell]
    narrowest = min(extents, key=lambda extent: extent[1] - extent[0], default=(inf, inf))
    return sum(narrowest) / 2


def _reach(middles: list[float], start: int, end: float) -> range:
    """The places from `start` whose middles lie before `end`, at least one."""
    stop = start + 1
    while stop < len(middles) and middles[stop] < end:
        stop += 1
    return range(start, stop)


def line_of(cell: Cell | None) -> str:
    return " ".join(cell.text.split()) if cell else ""


def texts_of(row: Row) -> tuple[str, ...]:
    return tuple(line_of(cell) for cell in row)


def distinct(row: Row) -> list[Cell]:
    """The filled cells of a row, a merged one once."""
    seen: list[Cell] = []
    for cell in row:
        if cell and cell.text.strip() and not any(cell is other for other in seen):
            seen.append(cell)
    return seen


def left_edges(table: Table) -> list[float]:
    edges: list[float] = []
    for column in range(max(len(row) for row in table.rows)):
        here = [row[column] for row in table.rows if column < len(row)]
        edges.append(min((cell.box[0] for cell in here if cell), default=table.box[0]))
    return edges


def side_by_side(table: Table) -> list[Table]:
    """The tables that one ruled table is when its head repeats from left to right."""
    width = max((len(row) for row in table.rows), default=0)
    for count in (4, 3, 2):
        part, left = divmod(width, count)
        if left or part < 2:
            continue
        for row in table.rows[:HEAD_ROWS]:
            texts = texts_of(row)
            if len(row) == width and any(texts[:part]) and texts == texts[:part] * count:
                return [_columns(table, n * part, (n + 1) * part) for n in range(count)]
    return [table]


def _columns(table: Table, first: int, end: int) -> Table:
    rows = [row[first:end] for row in table.rows]
    cells = [cell for row in rows for cell in row if cell]
    x0, x1 = min(cell.box[0] for cell in cells), max(cell.box[2] for cell in cells)
    return Table([x0, table.box[1], x1, table.box[3]], rows)
