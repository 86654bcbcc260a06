"""The record reader on real catalogues: what their pages show, and nothing where they show none."""

import os
import re
from pathlib import Path

import pytest

from pdfjobs.records import PageContent, read_records
from pdfjobs.sandbox import Reader

INPUTS = os.environ.get("REAL_INPUTS")
pytestmark = pytest.mark.skipif(not INPUTS, reason="REAL_INPUTS names the folder of real files")


def records_of(name: str, folder: Path, password: str | None = None):
    """The records of a file by page."""
    found, head = {}, None
    with Reader(Path(str(INPUTS)) / "pdf" / name, password) as reader:
        for number in range(1, reader.opened.pages + 1):
            text = reader.text(number)
            tables = reader.tables(number) if text.lines else []
            pictures = [image.box for image in reader.images(number, folder)]
            page = PageContent(
                number, text.width, text.height, text.text, text.words, tables, pictures, text.lines
            )
            read = read_records(page, head)
            found[number], head = read.records, read.head
    return found


def test_every_card_of_the_card_catalogue_is_a_product(tmp_path):
    found = records_of("card-grid-35p.pdf", tmp_path)
    every = [record for records in found.values() for record in records]
    assert len(every) == 142
    assert all(re.fullmatch(r"[A-Z]{1,3}-\d{1,2}[A-C]?", record.values["sku"]) for record in every)
    assert len({record.values["sku"] for record in every}) == 142
    assert all(record.values["name"] and record.picture is not None for record in every)
    assert not any(found[number] for number in (1, 2, 3, 4, 5, 10, 11, 12, 17, 21, 22, 27, 35))


@pytest.mark.parametrize(
    "name",
    ["tables-65p.pdf", "prose-6p.pdf", "rotated-table.pdf", "slides-23p.pdf", "ligatures-8p.pdf"],
)
def test_files_without_products_give_none(name, tmp_path):
    assert not any(records_of(name, tmp_path).values())


def test_the_text_of_the_encrypted_file_is_no_product(tmp_path):
    assert not any(records_of("encrypted-password-is-test.pdf", tmp_path, "test").values())
