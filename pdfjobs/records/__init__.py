"""From a page's content to its kind and its products: pure, no database, no PDF library.

Precision comes before recall: a page without a recognised head and without cards gives nothing,
and neither do the figures of a table that names no product.
"""

from pdfjobs.reading.model import Box, Cell, Table

from . import kinds
from .aligned import aligned_tables
from .cards import read_cards
from .grid import side_by_side
from .layout import around, inside, lines_of
from .model import Found, Head, PageContent, Record
from .tables import TableRead, read_table

__all__ = ["Found", "Head", "PageContent", "Record", "classify", "read_records"]

_HEADING_GAP = 60  # points between a heading and its table


def classify(page: PageContent) -> str:
    """What kind of page this is: a value of `PdfPage.Kind`."""
    return kinds.classify(page, has_records=any(read.records for read in _tables(page, None)))


def read_records(page: PageContent, carried: Head | None) -> Found:
    """The products of a page. `carried` is the head that the page before handed on."""
    reads = _tables(page, carried)
    found = Found(
        records=[record for read in reads for record in read.records],
        head=reads[-1].head if reads else None,
        warnings=[warning for read in reads for warning in read.warnings],
    )
    if not found.records and kinds.classify(page, has_records=False) != "contents":
        found.records = read_cards(page)
    return found


def _tables(page: PageContent, carried: Head | None) -> list[TableRead]:
    """The tables of products from the top; only the first one may go on from the page before."""
    full = (table for table in page.tables if table.rows)
    ruled = sorted(
        (part for table in full for part in side_by_side(table)),
        key=lambda table: (table.box[1], table.box[0]),
    )
    reads: list[tuple[float, TableRead]] = []
    covered: list[Box] = []
    for table in ruled:
        read = read_table(table, _heading(page, table), carried)
        carried = None
        if read.head is not None:
            reads.append((table.box[1], read))
            covered.append(table.box)
    free = [word for word in page.words if not any(inside(box, word) for box in covered)]
    for table in aligned_tables(free):
        read = read_table(table, _heading(page, table), None)
        if read.head is not None:
            read.head.columns = []  # its edges are words: no table of lines goes on from it
            reads.append((table.box[1], read))
    return [read for _, read in sorted(reads, key=lambda pair: pair[0])]


def _heading(page: PageContent, table: Table) -> Cell | None:
    """The line right above a table that names it: short, over the table, set larger than the
    page's words or in capitals."""
    heights = sorted(word[4] - word[2] for word in page.words)
    usual = heights[len(heights) // 2] if heights else 0.0
    best: Cell | None = None
    for line in lines_of([word for word in page.words if word[4] <= table.box[1] + 2]):
        box = around([piece.box for piece in line])
        text = " ".join(piece.text for piece in line)
        over = box[0] < table.box[2] and box[2] > table.box[0]
        loud = line[0].height > 1.15 * usual or text.isupper()
        letters = sum(character.isalpha() for character in text)
        short = len(text) <= 60 and not text.endswith((".", ":", ","))
        if over and loud and short and letters >= 3 and table.box[1] - box[3] <= _HEADING_GAP:
            best = Cell(text, box)
    return best
