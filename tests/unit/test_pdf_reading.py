"""What is read from a page: words, tables, pictures and drawings, where they are shown."""

import os
from collections.abc import Callable
from pathlib import Path

import PIL.Image
import pytest
from reportlab.pdfgen.canvas import Canvas

from pdfjobs.reading.frame import Frame
from pdfjobs.reading.model import Box, PageText, Table
from pdfjobs.sandbox import Limits, Reader
from tests.fixtures import pdfs

REAL = Path(os.environ.get("REAL_INPUTS", "/nonexistent")) / "pdf"
real = pytest.mark.skipif(not REAL.is_dir(), reason="REAL_INPUTS is not set")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "catalogue.pdf"


def boxes(page: PageText) -> dict[str, Box]:
    return {word[0]: word[1:] for word in page.words}


def texts(table: Table) -> list[list[str | None]]:
    return [[cell.text if cell else None for cell in row] for row in table.rows]


def drawn(file: Path, draw: Callable[[Canvas], None]) -> Path:
    canvas = Canvas(str(file), pagesize=pdfs.PAGE)
    draw(canvas)
    canvas.save()
    return file


@pytest.mark.parametrize(
    ("turn", "point", "size"),
    [(0, (0, 0), (300, 500)), (90, (500, 0), (500, 300)), (180, (300, 500), (300, 500)),
     (270, (0, 300), (500, 300))],
)  # fmt: skip
def test_a_frame_turns_clockwise(
    turn: int, point: tuple[float, float], size: tuple[float, float]
) -> None:
    frame = Frame(10, 20, 310, 520, turn)
    assert frame.point(10, 520) == point
    assert (frame.width, frame.height) == size
    assert frame.point(*frame.corner()) == (0, 0)


def test_words_have_their_boxes_from_the_top_left(file: Path) -> None:
    with Reader(pdfs.table_catalogue(file, pages=1, rows=2)) as reader:
        page = reader.text(1)
    assert page.text.splitlines()[:3] == [
        "Wall tiles",
        "Article Description Size Price EUR",
        "T-101 Tile Marmo 1 60x60 cm 11,50",
    ]
    x0, top, x1, bottom = boxes(page)["Wall"]
    assert (round(x0), round(top), round(bottom)) == (50, 27, 46)
    assert 80 < x1 < 90
    assert page.lines == 3 * 4 * 4


def test_ruled_tables_have_cells_with_text_and_boxes(file: Path) -> None:
    with Reader(pdfs.table_catalogue(file, pages=1, rows=2)) as reader:
        (table,) = reader.tables(1)
    assert texts(table)[1] == ["T-101", "Tile Marmo 1", "60x60 cm", "11,50"]
    cell = table.rows[1][0]
    assert cell
    assert cell.box == [50, 96, 130, 120]


@pytest.mark.parametrize("turn", [0, 90, 180, 270])
def test_a_turned_and_cropped_page_reads_as_shown(file: Path, turn: int) -> None:
    with Reader(pdfs.turned(file, turn)) as reader:
        page, (table,) = reader.text(1), reader.tables(1)
    assert (page.width, page.height) == ((565, 822) if turn in (0, 180) else (822, 565))
    assert texts(table)[0] == list(pdfs.HEADS)
    assert texts(table)[2] == ["T-102", "Tile Marmo 2", "60x60 cm", "12,50"]
    shown = Frame(30, 20, 595, 842, turn).box(50, 770 - 24, 130, 770)
    cell = table.rows[0][0]
    assert cell
    assert cell.box == pytest.approx(shown, abs=0.2)
    x0, top, x1, bottom = boxes(page)["Article"]
    assert shown[0] <= x0 < x1 <= shown[2]
    assert shown[1] <= top < bottom <= shown[3]


def test_text_written_upwards_is_read_along_its_line(file: Path) -> None:
    def upwards(canvas: Canvas) -> None:
        canvas.translate(200, 300)
        canvas.rotate(90)
        canvas.drawString(0, 0, "Upright words")

    with Reader(drawn(file, upwards)) as reader:
        page = reader.text(1)
    assert page.text == "Upright words"
    x0, top, x1, bottom = boxes(page)["Upright"]
    assert bottom - top > 2 * (x1 - x0)
    assert bottom == pytest.approx(842 - 300, abs=1)


def test_letters_set_apart_are_one_word(file: Path) -> None:
    def spaced(canvas: Canvas) -> None:
        line = canvas.beginText(100, 700)
        line.setCharSpace(4)
        line.textOut("CATALOGUE 2026 LONG")
        canvas.drawText(line)

    with Reader(drawn(file, spaced)) as reader:
        assert reader.text(1).text == "CATALOGUE 2026 LONG"


def test_two_columns_with_a_gap_stay_two_words(file: Path) -> None:
    def columns(canvas: Canvas) -> None:
        canvas.drawString(100, 700, "12,50")
        canvas.drawString(134, 700, "60x60")

    with Reader(drawn(file, columns)) as reader:
        assert reader.text(1).text == "12,50 60x60"


def test_a_frame_around_text_is_no_table(file: Path) -> None:
    def frames(canvas: Canvas) -> None:
        for place in range(3):
            canvas.rect(100, 600 + 30 * place, 200, 30)
            canvas.drawString(110, 610 + 30 * place, "A note")

    with Reader(drawn(file, frames)) as reader:
        assert reader.tables(1) == []


def test_what_a_reader_cannot_see_is_left_out_with_a_warning(file: Path) -> None:
    with Reader(pdfs.unseen_words(file)) as reader:
        page = reader.text(1)
    assert page.text.split() == ["Seen", "Badge"]
    assert page.warnings[0].endswith("were left out: 3.")


def test_pictures_are_saved_with_box_and_hash(file: Path, tmp_path: Path) -> None:
    with Reader(pdfs.with_picture(file, (200, 30, 30))) as reader:
        assert reader.text(1).pictures == 2
        (image,) = reader.images(1, tmp_path)
    assert image.box == [100, 100, 300, 300]
    picture = PIL.Image.open(tmp_path / image.file)
    assert (picture.format, picture.mode, picture.size) == ("WEBP", "RGB", (60, 60))
    assert picture.getpixel((10, 10)) == pytest.approx((200, 30, 30), abs=12)


def test_cmyk_becomes_rgb(file: Path, tmp_path: Path) -> None:
    with Reader(pdfs.with_picture(file, (200, 30, 30), "CMYK")) as reader:
        (image,) = reader.images(1, tmp_path)
    red, green, blue = PIL.Image.open(tmp_path / image.file).convert("RGB").getpixel((10, 10))
    assert red > 150
    assert max(green, blue) < 90


def test_swatches_of_other_colours_have_other_hashes(file: Path, tmp_path: Path) -> None:
    with Reader(pdfs.cards(file, pages=2)) as reader:
        first, second = reader.images(1, tmp_path), reader.images(2, tmp_path)
    hashes = [image.phash for image in first]
    assert len(set(hashes)) == 6
    assert all(len(value) == 16 for value in hashes)
    assert first[0].phash != second[0].phash


def test_a_page_is_drawn_with_thumbnail_and_tiles(file: Path, tmp_path: Path) -> None:
    with Reader(pdfs.cards(file)) as reader:
        drawing = reader.draw(1, tmp_path)
    assert PIL.Image.open(tmp_path / drawing.picture).size == (1240, 1755)
    assert PIL.Image.open(tmp_path / drawing.thumbnail).width == 240
    assert len(drawing.tiles) == 3 * 4
    name, box = drawing.tiles[-1]
    assert PIL.Image.open(tmp_path / name).size == (1240 - 1024, 1755 - 1536)
    assert box == pytest.approx([1024 * 0.48, 1536 * 0.48, 595, 842], abs=1)


def test_a_giant_page_is_drawn_smaller(file: Path, tmp_path: Path) -> None:
    with Reader(pdfs.giant_page(file), limits=Limits(pixels=1_000_000)) as reader:
        drawing = reader.draw(1, tmp_path)
    assert PIL.Image.open(tmp_path / drawing.picture).size == (1000, 1000)
    assert drawing.tiles[-1][1][2:] == [14400, 14400]


@real
def test_real_ligatures_are_read_once() -> None:
    with Reader(REAL / "ligatures-8p.pdf") as reader:
        text = reader.text(1).text
    assert "Plain Patti(Jumbo)" in text
    assert "Pattitti" not in text


@real
def test_real_vertical_japanese_runs_down() -> None:
    with Reader(REAL / "cjk-vertical.pdf") as reader:
        page = reader.text(1)
    assert page.text.split() == ["日本語", "あいうえお"]
    x0, top, x1, bottom = boxes(page)["あいうえお"]
    assert bottom - top > 4 * (x1 - x0)


@real
def test_a_real_table_on_its_side_is_read_along_its_rows() -> None:
    with Reader(REAL / "rotated-table.pdf") as reader:
        rows = [row for table in reader.tables(1) for row in texts(table)]
    assert any("Totals" in row and "804,006" in row for row in rows)


@real
def test_a_real_page_that_pdfplumber_does_not_find_has_its_picture(tmp_path: Path) -> None:
    with Reader(REAL / "cmyk-image.pdf") as reader:
        assert reader.tables(1) == []
        (image,) = reader.images(1, tmp_path)
    assert (image.width_px, image.height_px) == (756, 1008)
