"""Page contents for the record reader, laid out as a catalogue would print them."""

from pdfjobs.reading.model import Box, Cell, Table, Word
from pdfjobs.records import PageContent

ROW = 20.0
COLUMN = 80.0


def words_at(text: str, x: float, top: float, height: float = 10.0) -> list[Word]:
    """The words of a line that begins at `x`, half a height wide for each letter."""
    words: list[Word] = []
    for part in text.split():
        end = x + len(part) * height / 2
        words.append([part, x, top, end, top + height])
        x = end + height / 4
    return words


def ruled(rows: list[list[str | None]], top: float = 100.0, left: float = 50.0) -> Table:
    """A ruled table. None continues the cell on its left, "^" the cell above it."""
    cells: list[list[Cell | None]] = []
    for number, texts in enumerate(rows):
        y = top + number * ROW
        row: list[Cell | None] = []
        for column, text in enumerate(texts):
            x = left + column * COLUMN
            if text is None:
                next(cell for cell in reversed(row) if cell).box[2] = x + COLUMN
                row.append(None)
            elif text == "^":
                upper = next(line[column] for line in reversed(cells) if line[column])
                assert upper is not None
                upper.box[3] = y + ROW
                row.append(None)
            else:
                row.append(Cell(text, [x, y, x + COLUMN, y + ROW]))
        cells.append(row)
    width = max(map(len, rows)) * COLUMN
    return Table([left, top, left + width, top + len(rows) * ROW], cells)


def page(
    *tables: Table, words: list[Word] | None = None, pictures: list[Box] | None = None, number=2
) -> PageContent:
    """A page of A4 with the words of its tables' cells besides `words`."""
    every = list(words or [])
    for table in tables:
        for cell in (cell for row in table.rows for cell in row if cell):
            for line, text in enumerate(cell.text.splitlines()):
                every += words_at(text, cell.box[0] + 2, cell.box[1] + 4 + 6 * line, 6)
    text = " ".join(word[0] for word in every)
    return PageContent(
        number, 595, 842, text, every, list(tables), pictures or [], 20 * len(tables)
    )
