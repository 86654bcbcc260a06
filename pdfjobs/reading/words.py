"""A page's words from pdfium's characters: what a reader of the page can see, in its order."""

import ctypes
from dataclasses import dataclass, field
from enum import IntEnum
from itertools import pairwise
from math import pi
from typing import Any

import numpy as np
import pypdfium2
import pypdfium2.raw as pdfium

from pdfjobs.reading.document import Document, clean
from pdfjobs.reading.frame import Frame, rounded
from pdfjobs.reading.model import Box, PageText
from pdfjobs.reading.objects import count_marks

_LIGATURES = {
    "ﬀ": "ff",
    "ﬁ": "fi",
    "ﬂ": "fl",
    "ﬃ": "ffi",
    "ﬄ": "ffl",
    "ﬅ": "st",
    "ﬆ": "st",
    "\ufffe": "-",  # pdfium's mark of a hyphen at a line's end
    "\x02": "-",
    "\uf0b7": "•",
    "\u00ad": "-",
}
_UNSEEN_MODES = {pdfium.FPDF_TEXTRENDERMODE_INVISIBLE, pdfium.FPDF_TEXTRENDERMODE_CLIP}
_UNEVEN = 1.6  # how much wider a gap may be than the one beside it, in one word
_SPACED = 0.08  # of a letter's height: letters further apart are set with spacing
_WHITE = 240  # a channel as bright as this may vanish on paper
_OPAQUE = 8
_QUARTERS = 2 / pi  # of a turn in a radian
_EVEN = 12  # the spread of grey in which nothing can be read


@dataclass
class Glyph:
    """A visible character; `word` and `line` number what it belongs to, from 0; `turn` is where
    its line runs on the shown page: 0 to the right, 90 down, 180 to the left, 270 up; `faint`
    means set in near white or without opacity, so that it is to be looked at."""

    text: str
    box: Box
    word: int
    line: int
    turn: int
    faint: bool


class _Break(IntEnum):
    """What stands before a character."""

    NONE = 0
    GUESSED = 1  # a blank that is not in the file
    HARD = 2


@dataclass
class Glyphs:
    """The visible characters of a page; `unseen` counts the words left out, `unknown` the
    characters whose meaning the font does not tell."""

    seen: list[Glyph] = field(default_factory=list)
    unseen: int = 0
    unknown: int = 0


def page_text(document: Document, number: int) -> PageText:
    """Raises what the engines raise when none can read the page."""
    if document.engine == "pdfplumber":
        return _by_pdfplumber(document, number)
    try:
        with document.page(number) as (page, frame):
            return _by_pdfium(page, frame)
    except pypdfium2.PdfiumError:
        text = _by_pdfplumber(document, number)
        text.warnings.append("pdfium cannot read this page; it was read by pdfplumber.")
        return text


def read_glyphs(page: Any, frame: Frame) -> Glyphs:
    """The characters of a loaded page, without those that cannot be seen."""
    textpage = pdfium.FPDFText_LoadPage(page)
    if not textpage:
        raise pypdfium2.PdfiumError("The text of the page cannot be loaded.")
    try:
        glyphs = _characters(textpage, frame)
    finally:
        pdfium.FPDFText_ClosePage(textpage)
    if any(glyph.faint for glyph in glyphs.seen):
        _drop_vanished(page, frame, glyphs)
    return glyphs


def joined(glyphs: list[Glyph]) -> str:
    """The text of glyphs in their order: words apart by a blank, lines by a line break."""
    parts: list[str] = []
    last: Glyph | None = None
    for glyph in glyphs:
        if last is not None and glyph.line != last.line:
            parts.append("\n")
        elif last is not None and glyph.word != last.word:
            parts.append(" ")
        parts.append(glyph.text)
        last = glyph
    return "".join(parts)


def _by_pdfium(page: Any, frame: Frame) -> PageText:
    glyphs = read_glyphs(page, frame)
    lines, pictures = count_marks(page)
    warnings = []
    if glyphs.unseen:
        warnings.append(
            "Words that a reader cannot see (hidden, white or off the page) were left out:"
            f" {glyphs.unseen}."
        )
    if glyphs.unknown * 10 > len(glyphs.seen):
        warnings.append("A font does not say which letters it draws; text may read wrong.")
    if pictures and not glyphs.seen:
        warnings.append("The page has no text layer, only pictures; no text was read from it.")
    return PageText(
        width=round(frame.width, 2),
        height=round(frame.height, 2),
        text=joined(glyphs.seen),
        words=_words(glyphs.seen),
        lines=lines,
        pictures=pictures,
        warnings=warnings,
    )


def _words(glyphs: list[Glyph]) -> list[list[Any]]:
    words: list[list[Any]] = []
    last = -1
    for glyph in glyphs:
        x0, top, x1, bottom = glyph.box
        if glyph.word != last:
            words.append([glyph.text, x0, top, x1, bottom])
            last = glyph.word
            continue
        word = words[-1]
        word[0] += glyph.text
        word[1:] = [min(word[1], x0), min(word[2], top), max(word[3], x1), max(word[4], bottom)]
    return [[text, *rounded(box)] for text, *box in words]


def _characters(textpage: Any, frame: Frame) -> Glyphs:
    """All but hidden and off-page characters, in words."""
    found = Glyphs()
    styles: dict[int, tuple[bool, bool]] = {}
    unseen: set[int] = set()
    tight = [ctypes.c_double() for _ in range(4)]
    left, right, bottom, top = tight
    loose = pdfium.FS_RECTF()
    run = line = high = 0
    breaks: list[_Break] = []
    pending = _Break.HARD
    for place in range(pdfium.FPDFText_CountChars(textpage)):
        code = pdfium.FPDFText_GetUnicode(textpage, place)
        if 0xD800 <= code < 0xDC00:
            high = code
            continue
        if 0xDC00 <= code < 0xE000 and high:
            code = 0x10000 + ((high - 0xD800) << 10) + (code - 0xDC00)
        high = 0
        letter = chr(code)
        if letter.isspace():
            line += letter in "\r\n"
            run += 1
            guessed = letter == " " and pdfium.FPDFText_IsGenerated(textpage, place) == 1
            pending = max(pending, _Break.GUESSED if guessed else _Break.HARD)
            continue
        letter = _LIGATURES.get(letter) or clean(letter)
        if not letter:
            continue
        hidden, faint = _style(textpage, place, styles)
        pdfium.FPDFText_GetCharBox(textpage, place, left, right, bottom, top)
        pdfium.FPDFText_GetLooseCharBox(textpage, place, loose)
        ink = [left.value, bottom.value, right.value, top.value]
        box = frame.box(*_line_high(letter, ink, loose))
        if hidden or not frame.shows(box):
            unseen.add(run)
            continue
        found.unknown += pdfium.FPDFText_HasUnicodeMapError(textpage, place) == 1
        angle = round(pdfium.FPDFText_GetCharAngle(textpage, place) * _QUARTERS) * 90
        found.seen.append(Glyph(letter, box, 0, line, (frame.turn + angle) % 360, faint))
        breaks.append(pending)
        pending = _Break.NONE
    found.unseen = len(unseen)
    _number_words(found.seen, breaks)
    return found


def _line_high(letter: str, ink: list[float], loose: Any) -> list[float]:
    """The line-high box of a character, or its ink's where a font gives an absurd height."""
    left, bottom, right, top = loose.left, loose.bottom, loose.right, loose.top
    size = max(ink[2] - ink[0], ink[3] - ink[1])
    empty = right <= left or top <= bottom
    absurd = letter.isalnum() and max(right - left, top - bottom) > 5 * size
    return ink if size > 0 and (empty or absurd) else [left, bottom, right, top]


def _number_words(glyphs: list[Glyph], breaks: list[_Break]) -> None:
    """Number the words. A blank in the file parts two words, and so does a gap of a letter's size;
    a blank that pdfium guessed does not where the letters beside it are as far apart: the text is
    set with spaced letters."""
    gaps = [0.0, *(_gap(one, other) for one, other in pairwise(glyphs))]

    def spacing(place: int, size: float) -> float:
        """The gap before a character, if it is one inside of a word, else 0."""
        if not 0 < place < len(glyphs) or breaks[place] == _Break.HARD:
            return 0.0
        capitals = glyphs[place - 1].text.isupper() and glyphs[place].text.isupper()
        inside = breaks[place] == _Break.NONE or (capitals and gaps[place] < size * 0.6)
        return gaps[place] if inside else 0.0

    word = 0
    for place, glyph in enumerate(glyphs):
        size = max(glyph.box[3] - glyph.box[1], 1.0)
        if breaks[place] == _Break.GUESSED:
            beside = max(spacing(place - 1, size), spacing(place + 1, size))
            own_letters = glyphs[place - 1].text.isupper() and glyph.text.isupper()
            even = gaps[place] <= beside * _UNEVEN and beside > _SPACED * size
            word += not (even and (own_letters or _inside(breaks, place)))
        else:
            word += breaks[place] == _Break.HARD or gaps[place] > size
        glyph.word = word


def _inside(breaks: list[_Break], place: int) -> bool:
    """Whether a character is joined to one of its neighbours beyond the break before it."""
    return _Break.NONE in (breaks[place - 1], *breaks[place + 1 : place + 2])


def _gap(one: Glyph, other: Glyph) -> float:
    """How far two characters that follow each other are apart, in points."""
    a, b = one.box, other.box
    return max(b[0] - a[2], a[0] - b[2], b[1] - a[3], a[1] - b[3])


def _style(textpage: Any, place: int, known: dict[int, tuple[bool, bool]]) -> tuple[bool, bool]:
    """Whether a character's text object is hidden, and whether it is faint."""
    drawn = pdfium.FPDFText_GetTextObject(textpage, place)
    address = ctypes.cast(drawn, ctypes.c_void_p).value or 0
    style = known.get(address)
    if style is None:
        style = _style_of(drawn) if address else (False, False)
        known[address] = style
    return style


def _style_of(drawn: Any) -> tuple[bool, bool]:
    mode = pdfium.FPDFTextObj_GetTextRenderMode(drawn)
    if mode in _UNSEEN_MODES:
        return True, False
    red, green, blue, alpha = (ctypes.c_uint() for _ in range(4))
    if mode != pdfium.FPDF_TEXTRENDERMODE_FILL or not pdfium.FPDFPageObj_GetFillColor(
        drawn, red, green, blue, alpha
    ):
        return False, False
    white = min(red.value, green.value, blue.value) >= _WHITE
    return False, white or alpha.value < _OPAQUE


def _drop_vanished(page: Any, frame: Frame, glyphs: Glyphs) -> None:
    """Leave out the faint words where the drawn page shows nothing but its ground."""
    scale = min(1.0, 2000 / max(frame.width, frame.height))
    bitmap = page.render(scale=scale, grayscale=True)
    grey = bitmap.to_numpy().copy()
    bitmap.close()
    boxes: dict[int, Box] = {}
    for glyph in glyphs.seen:
        if glyph.faint:
            x0, top, x1, bottom = boxes.get(glyph.word, glyph.box)
            a, b, c, d = glyph.box
            boxes[glyph.word] = [min(x0, a), min(top, b), max(x1, c), max(bottom, d)]
    vanished = {word for word, box in boxes.items() if _blank(grey, box, scale)}
    glyphs.seen = [glyph for glyph in glyphs.seen if glyph.word not in vanished]
    glyphs.unseen += len(vanished)


def _blank(grey: Any, box: Box, scale: float) -> bool:
    x0, top, x1, bottom = (int(max(0, edge) * scale) for edge in box)
    part = grey[top : bottom + 1, x0 : x1 + 1]
    if part.size == 0:
        return True
    return bool(np.ptp(part) < _EVEN)


def _by_pdfplumber(document: Document, number: int) -> PageText:
    """The fallback: no look for what cannot be seen, but the words and their places."""
    page = document.plumbed[number - 1]
    try:
        left, top = page.bbox[:2]
        words = [
            [
                clean("".join(_LIGATURES.get(letter, letter) for letter in word["text"])),
                *rounded(
                    [word["x0"] - left, word["top"] - top, word["x1"] - left, word["bottom"] - top]
                ),
            ]
            for word in page.extract_words()
        ]
        text = "\n".join(clean(line) for line in page.extract_text().split("\n"))
        return PageText(
            width=float(page.width),
            height=float(page.height),
            text=text,
            words=words,
            lines=len(page.edges),
            pictures=len(page.images),
            engine="pdfplumber",
        )
    finally:
        page.close()
