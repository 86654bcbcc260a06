"""Tables without ruled lines: columns are told by the words of a recognised head line."""

from pdfjobs.reading.model import Cell, Table, Word

from .heads import read_title
from .layout import Piece, around, lines_of

_IDENTITY = {"sku", "ean", "name"}
_GAP = 2.2  # of a row's pitch: a wider gap ends the table


def aligned_tables(words: list[Word]) -> list[Table]:
    """The tables below head lines that leave no doubt: three known titles, or two of which one is
    the price and one the code or name, and at most one title unknown."""
    lines = lines_of(words)
    tables: list[Table] = []
    start = 0
    while start < len(lines):
        if _is_head(lines[start]):
            table, start = _table(lines, start)
            if table is not None:
                tables.append(table)
        else:
            start += 1
    return tables


def _is_head(line: list[Piece]) -> bool:
    found = [title.target for piece in line if (title := read_title(piece.text))]
    known = set(found)
    if len(line) - len(found) > 1 or not known & _IDENTITY:
        return False
    return len(known) >= 3 or (len(known) == 2 and "price" in known)


def _table(lines: list[list[Piece]], start: int) -> tuple[Table | None, int]:
    """The table whose head is line `start`, and the line after it."""
    head = lines[start]
    spans = [[piece.box[0], piece.box[2]] for piece in head]
    rows: list[list[list[Piece]]] = []
    last, pitch = head[0], 0.0
    end = start + 1
    while end < len(lines):
        line = lines[end]
        step = line[0].box[1] - last.box[1]
        if _is_head(line) or step > max(_GAP * (pitch or step), 4 * last.height):
            break
        placed = _placed(line, spans)
        if placed is None:
            break
        if len(line) == 1 and rows and placed[0] == [] and _wraps(line[0], rows[-1], placed):
            rows[-1][next(i for i, cell in enumerate(placed) if cell)].append(line[0])
        else:
            rows.append(placed)
            pitch = min(pitch, step) if pitch and len(rows) > 1 else step
        last = line[0]
        end += 1
    if not any(sum(map(bool, row)) > 1 for row in rows):
        return None, start + 1
    cells: list[list[Cell | None]] = [[Cell(piece.text, list(piece.box)) for piece in head]]
    cells += [[_cell(cell) for cell in row] for row in rows]
    box = around([cell.box for row in cells for cell in row if cell])
    return Table(box, cells), end


def _placed(line: list[Piece], spans: list[list[float]]) -> list[list[Piece]] | None:
    """The pieces of a line by column, None where a piece lies across columns: no row of it.

    A piece alone on its line may reach over columns: it titles what follows.
    """
    row: list[list[Piece]] = [[] for _ in spans]
    for piece in line:
        under = [
            index for index, (x0, x1) in enumerate(spans) if piece.box[0] < x1 and piece.box[2] > x0
        ]
        if len(under) > 1 and len(line) > 1:
            return None
        if under:
            index = under[0]
        else:
            gaps = [max(x0 - piece.box[2], piece.box[0] - x1) for x0, x1 in spans]
            index = gaps.index(min(gaps))
            if gaps[index] > 60:
                return None
        row[index].append(piece)
    if any(len(cell) > 2 for cell in row):
        return None
    return row


def _wraps(piece: Piece, above: list[list[Piece]], placed: list[list[Piece]]) -> bool:
    """Whether a lone piece goes on with the cell above it: same left edge, close below."""
    column = next(index for index, cell in enumerate(placed) if cell)
    if not above[column]:
        return False
    upper = above[column][-1]
    close = piece.box[1] - upper.box[3] < 0.5 * piece.height
    return close and abs(piece.box[0] - upper.box[0]) < 3


def _cell(pieces: list[Piece]) -> Cell | None:
    if not pieces:
        return None
    return Cell(" ".join(piece.text for piece in pieces), around([p.box for p in pieces]))
