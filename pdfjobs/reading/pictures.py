"""The pictures placed on a page, as a reader sees them: masks applied, colours in RGB, upright."""

import ctypes
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pypdfium2
import pypdfium2.raw as pdfium

from pdfjobs.reading.document import Document
from pdfjobs.reading.frame import Frame, rounded
from pdfjobs.reading.model import Box, Image
from pdfjobs.reading.objects import picture_box, placed_objects

_SMALLEST = 24  # pixels; below it is a rule, a dot or a texture
_LONGEST = 1600
_MOST = 300  # of one page


def page_images(document: Document, number: int, folder: Path, pixels: int) -> list[Image]:
    """Files `i<number>-<place>.webp` in `folder`, in the page's drawing order, from 0."""
    found: list[Image] = []
    with document.page(number) as (page, frame):
        for raw, kind, around in placed_objects(page):
            if kind != pdfium.FPDF_PAGEOBJ_IMAGE or len(found) >= _MOST:
                continue
            box = frame.clip(picture_box(raw, around, frame))
            if box[2] - box[0] < 1 or box[3] - box[1] < 1:
                continue
            picture = _picture(page, raw, box, frame, pixels)
            if picture is None:
                continue
            name = f"i{number}-{len(found)}.webp"
            picture.save(folder / name, "WEBP", quality=80, method=0)
            found.append(
                Image(name, rounded(box), picture.width, picture.height, perceptual_hash(picture))
            )
    return found


def perceptual_hash(picture: PIL.Image.Image) -> str:
    """64 bits as 16 hex digits: 48 of brightness gradients (8 by 6), 16 of the mean colour.

    The colour is in it because even swatches have no gradients: without it all of them are one.
    """
    grey = np.asarray(picture.convert("L").resize((9, 6), PIL.Image.Resampling.BOX), dtype=int)
    bits = "".join("1" if rise else "0" for rise in (grey[:, 1:] > grey[:, :-1] + 2).flat)
    red, green, blue = np.asarray(
        picture.convert("RGB").resize((1, 1), PIL.Image.Resampling.BOX), dtype=int
    )[0, 0]
    return f"{int(bits, 2):012x}{red >> 3 << 11 | green >> 2 << 5 | blue >> 3:04x}"


def _picture(page: Any, raw: Any, box: Box, frame: Frame, pixels: int) -> PIL.Image.Image | None:
    wide, high = ctypes.c_uint(), ctypes.c_uint()
    if not pdfium.FPDFImageObj_GetImagePixelSize(raw, wide, high):
        return None
    if min(wide.value, high.value) < _SMALLEST:
        return None
    picture = None
    if wide.value * high.value <= pixels:
        picture = _own_pixels(page, raw, frame.turn)
    picture = picture or _as_drawn(page, box, frame, max(wide.value, high.value))
    if min(picture.size) < 1:
        return None
    picture.thumbnail((_LONGEST, _LONGEST), PIL.Image.Resampling.BILINEAR)
    return picture


def _own_pixels(page: Any, raw: Any, turn: int) -> PIL.Image.Image | None:
    """The picture at its own resolution, on white, turned as the page is."""
    image = pypdfium2.PdfImage(raw, page=page, pdf=page.pdf)
    try:
        bitmap = image.get_bitmap(render=True)
    except (pypdfium2.PdfiumError, ZeroDivisionError):
        return None
    picture: PIL.Image.Image = bitmap.to_pil()
    if picture.mode in ("RGBA", "LA"):
        paper = PIL.Image.new("RGB", picture.size, "white")
        paper.paste(picture, mask=picture.getchannel("A"))
        picture = paper
    picture = picture.convert("RGB")
    bitmap.close()
    return picture.rotate(-turn, expand=True) if turn else picture


def _as_drawn(page: Any, box: Box, frame: Frame, longest: int) -> PIL.Image.Image:
    """The part of the drawn page where a picture lies: for those too large to unpack whole."""
    x0, top, x1, bottom = box
    scale = min(longest, _LONGEST) / max(x1 - x0, bottom - top)
    bitmap = page.render(
        scale=scale,
        crop=(x0, frame.height - bottom, frame.width - x1, top),
        rev_byteorder=True,
    )
    picture: PIL.Image.Image = bitmap.to_pil().convert("RGB")
    bitmap.close()
    return picture
