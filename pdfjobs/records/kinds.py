"""What kind of page it is, by what stands on it."""

import re

from jobtracker.catalogue.normalise import word_set
from pdfjobs.reading.model import Table

from .cards import read_cards
from .heads import fold
from .layout import inside, lines_of
from .model import PageContent

_CONTENTS = frozenset(
    map(
        fold,
        word_set(
            """contents|table of contents|index|inhalt|inhaltsverzeichnis|sommaire|indice|índice
            |table des matières|sommario|contenido|conteúdo|sumário|περιεχόμενα|spis treści|obsah
            |innehåll|innehållsförteckning|содержание|оглавление"""
        ),
    )
)
_LEADERS = re.compile(r"(?:\.\s?){4,}\s*\d{1,4}\s*$")
_FEW_WORDS = 25
_SWATCH_POINTS = 90


def classify(page: PageContent, has_records: bool) -> str:
    """A value of `PdfPage.Kind`; `has_records` is whether a table of products was found."""
    if not page.words:
        return _without_words(page)
    if _is_contents(page):
        return "contents"
    if has_records:
        return "table"
    if read_cards(page):
        return "cards"
    if _mostly_tables(page):
        return "table"
    if page.number == 1 and len(page.words) <= 2 * _FEW_WORDS:
        return "cover"
    words, pictures = len(page.words), len(page.pictures)
    if pictures >= 2 and pictures <= words <= min(14 * pictures, 150):  # captions, no prose
        widest = max(box[2] - box[0] for box in page.pictures)
        return "swatches" if pictures >= 6 and widest <= _SWATCH_POINTS else "cards"
    if page.lines > 150 and words < 150:
        return "drawing"
    return "cover" if words <= _FEW_WORDS else "prose"


def _without_words(page: PageContent) -> str:
    if page.pictures:
        return "cover" if page.number == 1 else "drawing"
    return "drawing" if page.lines > 20 else "empty"


def _is_contents(page: PageContent) -> bool:
    lines = [" ".join(piece.text for piece in line) for line in lines_of(page.words)]
    if sum(bool(_LEADERS.search(line)) for line in lines) >= 4:
        return True
    titled = any(fold(line) in _CONTENTS for line in lines[:6])
    numbered = sum(bool(re.match(r"\d{1,4}\b|.*\s\d{1,4}$", line)) for line in lines)
    return titled and numbered >= 3


def _mostly_tables(page: PageContent) -> bool:
    tables = [table for table in page.tables if _is_filled(table)]
    covered = sum(any(inside(table.box, word) for table in tables) for word in page.words)
    return covered > 0.4 * len(page.words)


def _is_filled(table: Table) -> bool:
    """Whether a ruled table holds rows and columns of text, not a frame around words."""
    rows = [[cell for cell in row if cell and cell.text.strip()] for row in table.rows]
    return sum(len(row) >= 2 for row in rows) >= 2 or any(len(row) >= 4 for row in rows)
