"""The drawn objects of a pdfium page, those inside of forms included, with their placing."""

import ctypes
from collections.abc import Iterator
from typing import Any

import pypdfium2
import pypdfium2.raw as pdfium

from pdfjobs.reading.frame import Frame
from pdfjobs.reading.model import Box

_DEEPEST = 6
_MOST = 20_000  # of one page; what comes after is left
_MOST_RULES = 2_000
_SHORTEST_RULE = 5.0  # points
_THICKEST_RULE = 2.0

Placed = tuple[Any, int, pypdfium2.PdfMatrix]


def placed_objects(page: Any) -> Iterator[Placed]:
    """Raw object, its type, and the matrix of the forms around it."""
    left = _MOST

    def walk(parent: Any, count: Any, get: Any, around: Any, depth: int) -> Iterator[Placed]:
        nonlocal left
        for place in range(max(0, count(parent))):
            left -= 1
            raw = get(parent, place)
            if left < 0 or not raw:
                return
            kind = pdfium.FPDFPageObj_GetType(raw)
            if kind != pdfium.FPDF_PAGEOBJ_FORM:
                yield raw, kind, around
            elif depth < _DEEPEST:
                yield from walk(
                    raw,
                    pdfium.FPDFFormObj_CountObjects,
                    pdfium.FPDFFormObj_GetObject,
                    _matrix(raw).multiply(around),
                    depth + 1,
                )

    yield from walk(
        page,
        pdfium.FPDFPage_CountObjects,
        pdfium.FPDFPage_GetObject,
        pypdfium2.PdfMatrix(),
        0,
    )


def picture_box(raw: Any, around: pypdfium2.PdfMatrix, frame: Frame) -> Box:
    """Where an image, the unit square under its matrix, is shown."""
    matrix = _matrix(raw).multiply(around)
    corners = [matrix.on_point(x, y) for x, y in ((0, 0), (0, 1), (1, 0), (1, 1))]
    xs, ys = [x for x, _ in corners], [y for _, y in corners]
    return frame.box(min(xs), min(ys), max(xs), max(ys))


def count_marks(page: Any) -> tuple[int, int]:
    """Ruled lines (a rectangle has four) and placed pictures of a page."""
    rules = pictures = 0
    for raw, kind, _ in placed_objects(page):
        if kind == pdfium.FPDF_PAGEOBJ_IMAGE:
            pictures += 1
        elif kind == pdfium.FPDF_PAGEOBJ_PATH and rules < _MOST_RULES:
            rules += _rules(raw)
    return rules, pictures


def _rules(path: Any) -> int:
    left, bottom, right, top = (ctypes.c_float() for _ in range(4))
    if not pdfium.FPDFPageObj_GetBounds(path, left, bottom, right, top):
        return 0
    width, height = right.value - left.value, top.value - bottom.value
    if max(width, height) < _SHORTEST_RULE:
        return 0
    segments = pdfium.FPDFPath_CountSegments(path)
    if min(width, height) < _THICKEST_RULE:
        return 1
    x, y = ctypes.c_float(), ctypes.c_float()
    start = last = (0.0, 0.0)
    found = 0
    for place in range(min(segments, _MOST_RULES)):
        segment = pdfium.FPDFPath_GetPathSegment(path, place)
        pdfium.FPDFPathSegment_GetPoint(segment, x, y)
        here = (x.value, y.value)
        kind = pdfium.FPDFPathSegment_GetType(segment)
        if kind == pdfium.FPDF_SEGMENT_MOVETO:
            start = here
        elif kind == pdfium.FPDF_SEGMENT_LINETO:
            found += _straight(last, here)
            if pdfium.FPDFPathSegment_GetClose(segment):
                found += _straight(here, start)
        last = here
    return found


def _straight(one: tuple[float, float], other: tuple[float, float]) -> bool:
    dx, dy = abs(one[0] - other[0]), abs(one[1] - other[1])
    return min(dx, dy) < 0.1 and max(dx, dy) >= _SHORTEST_RULE


def _matrix(raw: Any) -> pypdfium2.PdfMatrix:
    values = pdfium.FS_MATRIX()
    if not pdfium.FPDFPageObj_GetMatrix(raw, values):
        return pypdfium2.PdfMatrix()
    return pypdfium2.PdfMatrix.from_raw(values)
