"""Ruled tables: pdfplumber finds the cells, pdfium's characters fill them.

pdfplumber reads some ligatures several times over; the characters are therefore always pdfium's
where pdfium can read the page. A table that lies on its side is read as it is written: its rows
run where its text runs.
"""

from collections import Counter
from typing import Any

import numpy as np
import pypdfium2

from pdfjobs.reading.document import Document, clean
from pdfjobs.reading.frame import Frame, rounded
from pdfjobs.reading.model import Box, Cell, Table
from pdfjobs.reading.words import Glyph, joined, read_glyphs

_MOST_EDGES = 20_000


def page_tables(document: Document, number: int) -> list[Table]:
    """Tables with text in at least two columns, from top to bottom."""
    plumbed = document.plumbed[number - 1]
    try:
        if len(plumbed.edges) > _MOST_EDGES:
            return []
        found = [table for table in plumbed.find_tables() if len(table.cells) > 1]
        if not found:
            return []
        try:
            with document.page(number) as (page, frame):
                glyphs = read_glyphs(page, frame).seen
        except pypdfium2.PdfiumError:
            tables = [_as_plumbed(table) for table in found]
        else:
            dx, dy = _shift(plumbed, frame)
            tables = [
                _filled(
                    [[x0 + dx, y0 + dy, x1 + dx, y1 + dy] for x0, y0, x1, y1 in t.cells], glyphs
                )
                for t in found
            ]
    finally:
        plumbed.close()
    return [table for table in tables if _told_columns(table) > 1]


def _told_columns(table: Table) -> int:
    return len(
        {place for row in table.rows for place, cell in enumerate(row) if cell and cell.text}
    )


def _shift(plumbed: Any, frame: Frame) -> tuple[float, float]:
    """What to add to pdfplumber's coordinates: they count from the media box, ours from what is
    shown of it."""
    x0, y0, x1, y1 = (float(edge) for edge in plumbed.page_obj.mediabox)
    media = Frame(min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1), frame.turn)
    x, y = frame.point(*media.corner())
    return x - float(plumbed.bbox[0]), y - float(plumbed.bbox[1])


def _filled(boxes: list[Box], glyphs: list[Glyph]) -> Table:
    """The table of cells with these boxes, each with the text of the glyphs inside of it."""
    around = np.array([glyph.box for glyph in glyphs], dtype=float).reshape(-1, 4)
    xs, ys = (around[:, 0] + around[:, 2]) / 2, (around[:, 1] + around[:, 3]) / 2
    turns: Counter[int] = Counter()
    cells = []
    for box in boxes:
        x0, top, x1, bottom = box
        places = np.flatnonzero((xs >= x0) & (xs < x1) & (ys >= top) & (ys < bottom))
        inside = [glyphs[place] for place in places]
        turns.update(glyph.turn for glyph in inside)
        cells.append(Cell(joined(inside), rounded(box)))
    return _in_rows(cells, turns.most_common(1)[0][0] if turns else 0)


def _in_rows(cells: list[Cell], turn: int) -> Table:
    """Cells in the rows and columns in which text that runs at `turn` is read."""
    starts = [_start(cell.box, turn) for cell in cells]
    by_start = dict(zip(starts, cells, strict=True))
    lines = sorted({line for line, _ in starts})
    columns = sorted({column for _, column in starts})
    rows = [[by_start.get((line, column)) for column in columns] for line in lines]
    edges = list(zip(*(cell.box for cell in cells), strict=True))
    return Table([min(edges[0]), min(edges[1]), max(edges[2]), max(edges[3])], rows)


def _start(box: Box, turn: int) -> tuple[float, float]:
    """How far down, and how far along its line, a cell begins for one who reads at `turn`."""
    x0, top, x1, bottom = (round(edge, 1) for edge in box)
    return {0: (top, x0), 90: (-x1, top), 180: (-bottom, -x1), 270: (x0, -bottom)}[turn]


def _as_plumbed(table: Any) -> Table:
    """A table of a page that pdfium cannot read: all of it is pdfplumber's."""
    rows: list[list[Cell | None]] = [
        [
            Cell(clean(text or ""), rounded(list(box))) if box else None
            for box, text in zip(row.cells, texts, strict=True)
        ]
        for row, texts in zip(table.rows, table.extract(), strict=True)
    ]
    return Table(rounded(list(table.bbox)), rows)
