"""What a file of a stranger's is, and its thumbnail: Pillow, held to a few formats and pixels."""

import io
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from PIL import Image, ImageOps, UnidentifiedImageError

MAX_PIXELS = 50_000_000
THUMBNAIL_PX = 320  # of the longer side
QUALITY = 82
TYPES = {
    "JPEG": ("image/jpeg", "jpg"),
    "PNG": ("image/png", "png"),
    "GIF": ("image/gif", "gif"),
    "WEBP": ("image/webp", "webp"),
    "AVIF": ("image/avif", "avif"),
    "BMP": ("image/bmp", "bmp"),
}
MARKUP_BYTES = 512  # in which a page or a drawing shows itself

_decoding = Lock()  # one at a time: a picture of MAX_PIXELS takes 200 MB


class NoPicture(ValueError):
    """The file cannot be shown as a picture; the message says why."""


@dataclass(frozen=True)
class Picture:
    """What a file is, by its content. `thumbnail` is a JPEG."""

    content_type: str
    ending: str
    width: int
    height: int
    thumbnail: bytes


def read(path: Path) -> Picture:
    """Judge and decode a file. Raises `NoPicture`."""
    try:
        with Image.open(path, formats=tuple(TYPES)) as image:
            width, height = image.size
            if width * height > MAX_PIXELS:
                raise NoPicture(
                    f"The picture has {width:,} x {height:,} pixels; {MAX_PIXELS // 10**6} million"
                    " are the most that are read."
                )
            content_type, ending = TYPES[image.format or ""]
            with _decoding:
                return Picture(content_type, ending, width, height, _thumbnail(image))
    except NoPicture:
        raise
    except UnidentifiedImageError:
        raise NoPicture(_instead(path)) from None
    except Image.DecompressionBombError:
        raise NoPicture("The picture has too many pixels.") from None
    except Exception as error:  # decoders raise whatever a broken file leads them to
        raise NoPicture(f"The picture is broken: {error}.") from error


def _thumbnail(image: Image.Image) -> bytes:
    """Return it small, upright, and on white where it is see-through."""
    image.draft("RGB", (THUMBNAIL_PX, THUMBNAIL_PX))  # a JPEG is decoded small at once
    image.thumbnail((THUMBNAIL_PX, THUMBNAIL_PX))
    upright = ImageOps.exif_transpose(image)
    if upright.has_transparency_data:
        upright = upright.convert("RGBA")
        ground = Image.new("RGBA", upright.size, "white")
        upright = Image.alpha_composite(ground, upright)
    out = io.BytesIO()
    upright.convert("RGB").save(out, "JPEG", quality=QUALITY)
    return out.getvalue()


def _instead(path: Path) -> str:
    """Say what a file is that is no picture."""
    with path.open("rb") as file:
        start = file.read(MARKUP_BYTES).lower()
    if not start:
        return "It is empty."
    if b"<svg" in start:
        return "It is an SVG drawing, which is not shown: it may hold scripts."
    if b"<html" in start or b"<!doctype" in start:
        return "It is a web page, no picture."
    return f"It is none of {', '.join(TYPES)}."
