"""Products from card grids: a picture with a code, a name and what else stands with them."""

import re
from dataclasses import dataclass

from jobtracker.catalogue.normalise import is_empty, parse_ean
from pdfjobs.reading.model import Box

from .heads import read_title
from .layout import Piece, around, inside, lines_of
from .model import PageContent, Record
from .values import is_code, is_lone_code, is_size, is_volume, price_in

_LABEL = re.compile(r"([^:]{2,30}?)\s*[:]\s*(\S.*)")
_CODE_LABEL = re.compile(
    r"(?:art(?:icle|ikel|icolo)?|code|codice|c[oó]d(?:igo)?|ref(?:erence|erencia)?|r[ée]f|sku|item"
    r"|κωδ(?:ικός)?|kod|kód|арт(?:икул)?)[.\s-]*(?:n[ro°]\.?|no\.?|№)?\s*[:.]?\s*(\S+)",
    re.IGNORECASE,
)
_MEASURED = re.compile(r"([^\W\d]{3,20})\.?\s+(\d\S*(?:\s[^\W\d]{1,3})?)")
_CONTINUED = re.compile(
    r"\s*\b(?:continued|cont\.?|fortsetzung|suite|segue|continuación)\s*$", re.I
)

_REACH = 60  # points: the widest gap between two lines of one block
_SWATCH = 90  # points: pictures as small as this, without a measure, are colours
_MEASURES = {"price", "size", "attribute.capacity"}


@dataclass
class _Block:
    """Lines that stand below each other; `code` is the place of the code among them."""

    lines: list[Piece]
    code: int | None = None

    @property
    def box(self) -> Box:
        return around([line.box for line in self.lines])


def read_cards(page: PageContent) -> list[Record]:
    """The cards of a page: at least two, each with a code, a name and a picture of its own. A
    single one must have a price or a measure beside it."""
    if not page.pictures:
        return []
    blocks = _blocks(page)
    cards = [block for block in blocks if block.code is not None]
    headings = _headings([block for block in blocks if block.code is None])
    taken: set[int] = set()
    records: list[Record] = []
    for card in cards:
        picture = _picture(card, cards, page.pictures, taken)
        if picture is None:
            continue
        record = _record(card)
        if record is None:
            continue
        taken.add(picture)
        record.picture = picture
        _add_family(record, card, headings)
        records.append(record)
    measured = any(record.values.keys() & _MEASURES for record in records)
    widths = [page.pictures[index][2] - page.pictures[index][0] for index in taken]
    if not measured and (len(records) == 1 or max(widths, default=0) <= _SWATCH):
        return []
    return records


def _blocks(page: PageContent) -> list[_Block]:
    """The pieces of the page gathered into blocks. A code begins a block, or ends its name."""
    blocks: list[_Block] = []
    near: list[_Block] = []  # those a line may still belong to
    for line in lines_of(page.words):
        top = min(piece.box[1] for piece in line)
        near = [block for block in near if top - block.lines[-1].box[3] < _REACH]
        for piece in line:
            block = next((block for block in reversed(near) if _belongs(piece, block)), None)
            coded = bool(_code(piece.text))
            if block is None or (coded and block.code is not None):
                near.append(_Block([piece], 0 if coded else None))
                blocks.append(near[-1])
                continue
            block.lines.append(piece)
            if coded:
                block.code = len(block.lines) - 1
    return blocks


def _belongs(piece: Piece, block: _Block) -> bool:
    last = block.lines[-1]
    gap = piece.box[1] - last.box[3]
    if not -0.5 * last.height <= gap <= 1.1 * max(piece.height, last.height):
        return False
    if max(piece.height, last.height) > 1.8 * min(piece.height, last.height):
        return False
    return abs(piece.box[0] - last.box[0]) < 4 or abs(piece.middle - last.middle) < 4


def _code(text: str) -> str:
    """The code in a line that holds nothing else but perhaps its label."""
    if is_lone_code(text):
        return text
    match = _CODE_LABEL.fullmatch(text)
    return match[1] if match and is_code(match[1]) else ""


def _picture(card: _Block, cards: list[_Block], pictures: list[Box], taken: set[int]) -> int | None:
    """The nearest picture whose middle lies above the card's code and not beyond a neighbour, else
    one beside the card, else the one it stands on. Middles, because a picture's box may be larger
    than what is shown of it."""
    box = card.box
    right = min(
        (
            other.box[0]
            for other in cards
            if other.box[0] > box[0] + 20 and abs(other.box[1] - box[1]) < 40
        ),
        default=box[2] + 150,
    )
    best: tuple[tuple[bool, bool, float], int] | None = None
    for index, picture in enumerate(pictures):
        x, y = (picture[0] + picture[2]) / 2, (picture[1] + picture[3]) / 2
        high = picture[3] - picture[1]
        if index in taken or y > box[3]:
            continue
        distance = box[1] - y
        behind = inside(picture, ["", *box]) and picture[0] <= box[0] and picture[2] >= box[2]
        above = box[0] - 10 < x < right and distance <= high + 30
        beside = 0 < box[0] + 10 - picture[2] < _REACH and distance <= high / 2
        if not (behind or above or beside):
            continue
        centred = abs(x - (box[0] + box[2]) / 2)
        rank = (not above, not beside, max(distance, 0) + centred / 4)
        if best is None or rank < best[0]:
            best = rank, index
    return best[1] if best else None


def _record(card: _Block) -> Record | None:
    at = card.code or 0
    values = {"sku": _code(card.lines[at].text)}
    boxes: dict[str, Box] = {"sku": list(card.lines[at].box)}

    def put(target: str, text: str, pieces: list[Piece]) -> None:
        if target not in values and not is_empty(text):
            values[target] = text
            boxes[target] = around([piece.box for piece in pieces])

    names: list[Piece] = card.lines[:at]
    closed = bool(names)
    rest: list[Piece] = []
    for piece in card.lines[at + 1 :]:
        text = piece.text
        label = _LABEL.fullmatch(text)
        title = read_title(label[1]) if label else None
        if label and title:
            put(title.target, label[2], [piece])
            closed = True
        elif measures := _measures(text):
            for target, value in measures:
                put(target, value, [piece])
            closed = True
            if rest_text := _without_measures(text):
                rest.append(Piece(rest_text, piece.box))
        elif price := price_in(text):
            put("price", price, [piece])
            closed = True
        elif parse_ean(text).valid:
            put("ean", text, [piece])
            closed = True
        elif is_volume(text):
            put("attribute.capacity", text, [piece])
            closed = True
        elif is_size(text):
            put("size", text, [piece])
            closed = True
        elif not closed and (not names or abs(piece.height - names[0].height) < 0.6):
            names.append(piece)
        else:
            rest.append(piece)
            closed = True
    name = " ".join(piece.text for piece in names)
    if sum(character.isalpha() for character in name) < 3 or len(name) > 120:
        return None
    put("name", name, names)
    if rest:
        put("description", " ".join(piece.text for piece in rest), rest)
    return Record(values, boxes, confidence=0.9 if len(values) > 2 else 0.7)


def _measures(text: str) -> list[tuple[str, str]]:
    """What "Breite 140 cm, Leinen" measures: a title of ours, then a number."""
    return [measure for part in text.split(", ") if (measure := _measure(part))]


def _without_measures(text: str) -> str:
    return ", ".join(part for part in text.split(", ") if not _measure(part))


def _measure(part: str) -> tuple[str, str] | None:
    match = _MEASURED.fullmatch(part.strip())
    title = read_title(match[1]) if match else None
    return (title.target, match[2]) if match and title else None


def _headings(blocks: list[_Block]) -> list[Piece]:
    """The lines that stand alone, with the pieces of one line (wide letters) joined again."""
    lines: list[Piece] = []
    for piece in (block.lines[0] for block in blocks if len(block.lines) == 1):
        last = lines[-1] if lines else None
        if (
            last is not None
            and abs(piece.box[3] - last.box[3]) < 0.5 * last.height
            and 0 <= piece.box[0] - last.box[2] < 3 * last.height
        ):
            box = around([last.box, piece.box])
            lines[-1] = Piece(f"{last.text} {piece.text}", (box[0], box[1], box[2], box[3]))
        else:
            lines.append(piece)
    return [Piece(_CONTINUED.sub("", line.text), line.box) for line in lines]


def _add_family(record: Record, card: _Block, headings: list[Piece]) -> None:
    """The nearest heading above the card, in capitals or larger than its name, is its category."""
    height = max(line.height for line in card.lines)
    above = [
        heading
        for heading in headings
        if heading.box[3] < card.box[1]
        and heading.box[0] < card.box[2]
        and (heading.text.isupper() or heading.height > 1.2 * height)
        and sum(character.isalpha() for character in heading.text) >= 3
    ]
    if above and "category" not in record.values:
        heading = max(above, key=lambda heading: heading.box[1])
        record.values["category"] = heading.text
        record.boxes["category"] = list(heading.box)
