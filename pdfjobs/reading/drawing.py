"""A page drawn: its picture at 150 dpi, a thumbnail, and square tiles for a zooming view.

The tiles are JPEG: ten of them are encoded in the time of one WebP picture.
"""

from math import sqrt
from pathlib import Path

import PIL.Image

from pdfjobs.reading.document import Document
from pdfjobs.reading.frame import rounded
from pdfjobs.reading.model import Drawing

_SCALE = 150 / 72
_TILE = 512  # pixels
_THUMBNAIL = (240, 480)
_LONGEST = 16_000  # what a WebP file can hold, nearly


def draw_page(document: Document, number: int, folder: Path, pixels: int) -> Drawing:
    """Files p, t and p<number>-<column>-<row>.jpg in `folder`; at most `pixels` pixels."""
    with document.page(number) as (page, frame):
        area = max(frame.width * frame.height, 1.0)
        scale = min(_SCALE, sqrt(pixels / area), _LONGEST / max(frame.width, frame.height, 1.0))
        bitmap = page.render(scale=scale, rev_byteorder=True, limit_image_cache=True)
        picture = bitmap.to_pil().convert("RGB")
        bitmap.close()
    drawing = Drawing(f"p{number}.webp", f"t{number}.webp")
    picture.save(folder / drawing.picture, "WEBP", quality=80, method=0)
    for left in range(0, picture.width, _TILE):
        for top in range(0, picture.height, _TILE):
            right, bottom = min(left + _TILE, picture.width), min(top + _TILE, picture.height)
            name = f"p{number}-{left // _TILE}-{top // _TILE}.jpg"
            picture.crop((left, top, right, bottom)).save(folder / name, "JPEG", quality=75)
            box = [edge / scale for edge in (left, top, right, bottom)]
            drawing.tiles.append((name, rounded(box)))
    picture.thumbnail(_THUMBNAIL, PIL.Image.Resampling.BILINEAR, reducing_gap=2.0)
    picture.save(folder / drawing.thumbnail, "WEBP", quality=75, method=0)
    return drawing
