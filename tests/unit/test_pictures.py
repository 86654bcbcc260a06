"""What a stranger's file is: by its content, held to a few formats and pixels, made small."""

import io
from pathlib import Path

import pytest
from PIL import Image

from jobtracker.images import pictures
from jobtracker.images.pictures import NoPicture


def a_file(folder: Path, kind: str = "PNG", size=(640, 480), mode="RGB", **options) -> Path:
    path = folder / "picture"
    Image.new(mode, size, options.pop("colour", "red")).save(path, kind, **options)
    return path


def shown(picture: pictures.Picture) -> Image.Image:
    return Image.open(io.BytesIO(picture.thumbnail))


@pytest.mark.parametrize("kind", pictures.TYPES)
def test_a_picture_is_told_by_its_content_and_made_small(tmp_path, kind):
    picture = pictures.read(a_file(tmp_path, kind))
    assert (picture.content_type, picture.ending) == pictures.TYPES[kind]
    assert (picture.width, picture.height) == (640, 480)
    small = shown(picture)
    assert (small.format, small.size) == ("JPEG", (320, 240))
    red, green, _ = small.getpixel((160, 120))
    assert red > 200 > 80 > green


def test_a_small_one_is_not_blown_up(tmp_path):
    assert shown(pictures.read(a_file(tmp_path, size=(20, 10)))).size == (20, 10)


def test_what_is_see_through_stands_on_white(tmp_path):
    picture = pictures.read(a_file(tmp_path, mode="RGBA", colour=(0, 0, 0, 0)))
    assert shown(picture).getpixel((5, 5)) == (255, 255, 255)


def test_a_palette_with_a_see_through_colour_does_too(tmp_path):
    picture = pictures.read(a_file(tmp_path, "GIF", mode="P", colour=0, transparency=0))
    assert min(shown(picture).getpixel((5, 5))) > 250


def test_a_picture_on_its_side_is_set_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    assert shown(pictures.read(a_file(tmp_path, "JPEG", exif=exif))).size == (240, 320)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"),
        (b"<!DOCTYPE html><p>Not found", "a web page"),
        (b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>', "SVG"),
        (b"%PDF-1.7 ...", "none of JPEG, PNG"),
        (b"II*\0\x08\0\0\0" + bytes(200), "none of JPEG, PNG"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "none of JPEG, PNG|broken"),
    ],
)
def test_what_is_no_picture_is_named(tmp_path, content, said):
    path = tmp_path / "picture"
    path.write_bytes(content)
    with pytest.raises(NoPicture, match=said):
        pictures.read(path)


def test_a_picture_that_is_cut_off_is_broken(tmp_path):
    path = a_file(tmp_path, "JPEG", size=(900, 900))
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(NoPicture, match="broken"):
        pictures.read(path)


def test_too_many_pixels_are_refused_before_they_are_decoded(tmp_path, monkeypatch):
    monkeypatch.setattr(pictures, "MAX_PIXELS", 1000)
    monkeypatch.setattr(pictures, "_thumbnail", lambda image: pytest.fail("decoded"))
    with pytest.raises(NoPicture, match="640 x 480 pixels"):
        pictures.read(a_file(tmp_path))
    # What even Pillow's own limit stops.
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(NoPicture, match="too many pixels"):
        pictures.read(a_file(tmp_path))
