"""What is read from a page, as it crosses from the reading child to the pipeline: plain JSON.

Boxes are `[x0, top, x1, bottom]` in PDF points from the top left of the page as it is shown.
"""

from dataclasses import dataclass, field
from typing import Any

Box = list[float]
Word = list[Any]  # [text, x0, top, x1, bottom]


@dataclass
class Opened:
    """A document that opened. `engine` is `pdfium`, `pdfplumber` or `pikepdf` (saved anew)."""

    engine: str
    pages: int
    information: dict[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


@dataclass
class PageText:
    """A page's text. `lines` counts ruled lines and rectangle edges, which is what decides whether
    tables are looked for; `pictures` counts placed images."""

    width: float
    height: float
    text: str
    words: list[Word]
    lines: int = 0
    pictures: int = 0
    engine: str = "pdfium"
    warnings: list[str] = field(default_factory=list)


@dataclass
class Cell:
    """A cell of a table; `text` keeps line breaks."""

    text: str
    box: Box


@dataclass
class Table:
    """A table: rows of cells, None where a cell is spanned or missing."""

    box: Box
    rows: list[list[Cell | None]]


@dataclass
class Image:
    """A picture of a page, written to `file`. `phash` is its perceptual hash, 16 hex digits."""

    file: str
    box: Box
    width_px: int
    height_px: int
    phash: str


@dataclass
class Drawing:
    """A page drawn: `picture` and `thumbnail` are files, `tiles` pairs of file and box."""

    picture: str
    thumbnail: str
    tiles: list[tuple[str, Box]] = field(default_factory=list)
