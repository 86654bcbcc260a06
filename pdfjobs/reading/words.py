"""A page's words from pdfium's characters: what a reader of the page can see, in its order."""

import ctypes
from dataclasses import dataclass, field
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
_WHITE = 240  # a channel as bright as this may vanish on paper
_QUARTERS = 2 / pi  # of a turn in a radian
_EVEN = 12  # the spread of grey in which nothing can be read


@dataclass
class Glyph:
    """A visible character; `word` and `line` number what it belongs to, from 0; `turn` is where
    its line runs on the shown page: 0 to the right, 90 down, 180 to the left, 270 up."""

    text: str
    box: Box
    word: int
    line: int
    turn: int = 0


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
        glyphs, faint = _characters(textpage, frame)
    finally:
        pdfium.FPDFText_ClosePage(textpage)
    if faint:
        _drop_vanished(page, frame, glyphs, faint)
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


def _characters(textpage: Any, frame: Frame) -> tuple[Glyphs, set[int]]:
    """All but hidden and off-page characters, and the numbers of words that are set in white."""
    found = Glyphs()
    faint: set[int] = set()
    styles: dict[int, tuple[bool, bool]] = {}
    unseen: set[int] = set()
    tight = [ctypes.c_double() for _ in range(4)]
    loose = pdfium.FS_RECTF()
    word = line = 0
    high = 0
    before: Box | None = None
    for place in range(pdfium.FPDFText_CountChars(textpage)):
        code = pdfium.FPDFText_GetUnicode(textpage, place)
        if 0xD800 <= code < 0xDC00:
            high = code
            continue
        if 0xDC00 <= code < 0xE000 and high:
            code = 0x10000 + ((high - 0xD800) << 10) + (code - 0xDC00)
        high = 0
        letter = chr(code)
        if letter in "\r\n":
            line, word, before = line + 1, word + 1, None
            continue
        if letter.isspace():
            word, before = word + 1, None
            continue
        letter = _LIGATURES.get(letter) or clean(letter)
        if not letter:
            continue
        hidden, white = _style(textpage, place, styles)
        pdfium.FPDFText_GetCharBox(textpage, place, *(tight[0], tight[2], tight[1], tight[3]))
        pdfium.FPDFText_GetLooseCharBox(textpage, place, loose)
        box = frame.box(*_even_box([edge.value for edge in tight], loose))
        if hidden or not frame.shows(box):
            unseen.add(word)
            continue
        if before and _apart(before, box):
            word += 1
        if white:
            faint.add(word)
        before = box
        found.unknown += pdfium.FPDFText_HasUnicodeMapError(textpage, place) == 1
        angle = round(pdfium.FPDFText_GetCharAngle(textpage, place) * _QUARTERS) * 90
        found.seen.append(Glyph(letter, box, word, line, (frame.turn + angle) % 360))
    found.unseen = len(unseen)
    return found, faint


def _even_box(tight: list[float], loose: Any) -> list[float]:
    """The line-high box of a character, or its ink's where a font gives an absurd height."""
    left, bottom, right, top = loose.left, loose.bottom, loose.right, loose.top
    ink = max(tight[2] - tight[0], tight[3] - tight[1])
    if right <= left or top <= bottom or (ink > 0 and max(right - left, top - bottom) > 5 * ink):
        return tight if ink > 0 else [left, bottom, right, top]
    return [left, bottom, right, top]


def _apart(one: Box, other: Box) -> bool:
    """Whether two characters that follow each other are more than their size away."""
    gap = max(other[0] - one[2], one[0] - other[2], other[1] - one[3], one[1] - other[3])
    return gap > max(other[3] - other[1], 1.0)


def _style(textpage: Any, place: int, known: dict[int, tuple[bool, bool]]) -> tuple[bool, bool]:
    """Whether a character's text object is hidden, and whether it is set in near white."""
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
    return alpha.value < 8, min(red.value, green.value, blue.value) >= _WHITE


def _drop_vanished(page: Any, frame: Frame, glyphs: Glyphs, faint: set[int]) -> None:
    """Leave out the words in white behind which the drawn page is white as well."""
    scale = min(1.0, 2000 / max(frame.width, frame.height))
    bitmap = page.render(scale=scale, grayscale=True)
    grey = bitmap.to_numpy().copy()
    bitmap.close()
    boxes: dict[int, Box] = {}
    for glyph in glyphs.seen:
        if glyph.word in faint:
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
    return bool(np.ptp(part) < _EVEN and part.min() >= _WHITE)


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
