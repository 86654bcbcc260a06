"""Ruled tables: pdfplumber finds the cells, pdfium's characters fill them.

pdfplumber reads some ligatures several times over; the characters are therefore always pdfium's
where pdfium can read the page.
"""

from typing import Any

import numpy as np
import pypdfium2

from pdfjobs.reading.document import Document, clean
from pdfjobs.reading.frame import Frame, rounded
from pdfjobs.reading.model import Box, Cell, Table
from pdfjobs.reading.words import Glyph, joined, read_glyphs

_MOST_EDGES = 20_000


def page_tables(document: Document, number: int) -> list[Table]:
    """Tables of at least two cells, from top to bottom."""
    plumbed = document.plumber.pages[number - 1]
    try:
        if len(plumbed.edges) > _MOST_EDGES:
            return []
        grids = [_grid(table) for table in plumbed.find_tables()]
        grids = [
            grid for grid in grids if sum(cell is not None for row in grid for cell in row) > 1
        ]
        if not grids:
            return []
        glyphs, frame = _glyphs(document, number)
        if frame is None:
            texts = [table.extract() for table in plumbed.find_tables()]
            return [
                _table(grid, lambda r, c, told=told: clean(told[r][c] or ""), (0.0, 0.0))
                for grid, told in zip(grids, texts, strict=False)
            ]
        shift = _shift(plumbed, frame)
    finally:
        plumbed.close()
    return [_filled(grid, glyphs, shift) for grid in grids]


def _grid(table: Any) -> list[list[Box | None]]:
    return [[list(cell) if cell else None for cell in row.cells] for row in table.rows]


def _glyphs(document: Document, number: int) -> tuple[list[Glyph], Frame | None]:
    if document.engine == "pdfplumber":
        return [], None
    try:
        with document.page(number) as (page, frame):
            return read_glyphs(page, frame).seen, frame
    except pypdfium2.PdfiumError:
        return [], None


def _shift(plumbed: Any, frame: Frame) -> tuple[float, float]:
    """What to add to pdfplumber's coordinates: they count from the media box, ours from what is
    shown of it."""
    x0, y0, x1, y1 = (float(edge) for edge in plumbed.page_obj.mediabox)
    media = Frame(min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1), frame.turn)
    x, y = frame.point(*media.corner())
    return x - float(plumbed.bbox[0]), y - float(plumbed.bbox[1])


def _filled(grid: list[list[Box | None]], glyphs: list[Glyph], shift: tuple[float, float]) -> Table:
    boxes = np.array([glyph.box for glyph in glyphs], dtype=float).reshape(-1, 4)
    xs, ys = (boxes[:, 0] + boxes[:, 2]) / 2, (boxes[:, 1] + boxes[:, 3]) / 2
    dx, dy = shift

    def text(row: int, column: int) -> str:
        box = grid[row][column]
        assert box is not None
        x0, top, x1, bottom = box[0] + dx, box[1] + dy, box[2] + dx, box[3] + dy
        inside = np.flatnonzero((xs >= x0) & (xs < x1) & (ys >= top) & (ys < bottom))
        return joined([glyphs[place] for place in inside])

    return _table(grid, text, shift)


def _table(grid: list[list[Box | None]], text: Any, shift: tuple[float, float]) -> Table:
    dx, dy = shift
    rows: list[list[Cell | None]] = [
        [
            Cell(text(r, c), rounded([box[0] + dx, box[1] + dy, box[2] + dx, box[3] + dy]))
            if box
            else None
            for c, box in enumerate(row)
        ]
        for r, row in enumerate(grid)
    ]
    cells = [cell.box for row in rows for cell in row if cell]
    edges = list(zip(*cells, strict=True))
    return Table([min(edges[0]), min(edges[1]), max(edges[2]), max(edges[3])], rows)
