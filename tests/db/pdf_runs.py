"""A reader that stands in for the sandbox, and short ways to run PDF jobs in the test's process."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from jobtracker.models import BackgroundJob
from pdfjobs.models import PdfDocument
from pdfjobs.reading.model import Drawing, Image, Opened, PageText
from pdfjobs.records.model import Found, Head, PageContent, Record
from pdfjobs.sandbox import NeedsPassword, PageFailed

from .import_runs import manage, work_off

HEAD = "SKU NAME PRICE"


@dataclass
class Shelf:
    """The document that the stand-in opens: a text a page ("" has a picture only), the calls it
    got, and what each of them may run into."""

    texts: list[str]
    password: str | None = None
    calls: list[tuple[str, int]] = field(default_factory=list)
    trouble: dict[tuple[str, int], Callable[[], None]] = field(default_factory=dict)
    picture_pages: frozenset[int] = frozenset()

    def called(self, what: str, number: int) -> None:
        self.calls.append((what, number))
        if act := self.trouble.get((what, number)):
            act()

    def fails(self, what: str, number: int) -> None:
        def fail() -> None:
            raise PageFailed("The page took more than 20 s.", "Retry it alone.")

        self.trouble[what, number] = fail


def stand_in(shelf: Shelf) -> Any:
    """Return a class with the sandbox's `Reader` interface on a shelf."""

    class Reader:
        def __init__(self, path: Path, password: str | None = None, *, check: Any) -> None:
            self._password = password
            self._check = check

        def __enter__(self) -> "Reader":
            if shelf.password and self._password != shelf.password:
                raise NeedsPassword("The file asks for a password.")
            self.opened = Opened("pdfium", len(shelf.texts))
            return self

        def __exit__(self, *error: object) -> None:
            return None

        def text(self, number: int) -> PageText:
            self._check()
            shelf.called("text", number)
            text = shelf.texts[number - 1]
            words: list[list[Any]] = []
            for row, line in enumerate(text.splitlines()):
                for column, word in enumerate(line.split()):
                    x, y = 50 + 100 * column, 50 + 20 * row
                    words.append([word, x, y, x + 90, y + 10])
            pictures = int(not text or number in shelf.picture_pages)
            return PageText(595, 842, text, words, lines=9, pictures=pictures)

        def tables(self, number: int) -> list[Any]:
            shelf.called("tables", number)
            return []

        def images(self, number: int, folder: Path) -> list[Image]:
            shelf.called("images", number)
            file = folder / "picture.png"
            file.write_bytes(b"picture")
            return [Image(file.name, [10, 10, 40, 40], 30, 30, "00ff00ff00ff00ff")]

        def draw(self, number: int, folder: Path) -> Drawing:
            shelf.called("draw", number)
            for name in ("page.webp", "small.webp"):
                (folder / name).write_bytes(f"drawing {number}".encode())
            return Drawing("page.webp", "small.webp")

    return Reader


def read_lines(page: PageContent, carried: Head | None) -> Found:
    """Stand in for the record reader: after the line `HEAD`, here or on a page before, each line
    is a record."""
    lines = page.text.splitlines()
    head = carried
    records = []
    for row, line in enumerate(lines):
        if line == HEAD:
            head = Head(["sku", "name", "price"], line.split())
        elif head and len(parts := line.split()) == 3:
            boxes = {
                target: [
                    50.0 + 100 * column,
                    50.0 + 20 * row,
                    140.0 + 100 * column,
                    60.0 + 20 * row,
                ]
                for column, target in enumerate(("sku", "name", "price"))
            }
            values = dict(zip(("sku", "name", "price"), parts, strict=True))
            values = {k: v for k, v in values.items() if v != "-"}
            records.append(Record(values, boxes, 0 if page.pictures else None))
    return Found(records, head if records else None)


def put_in_place(monkeypatch: pytest.MonkeyPatch, shelf: Shelf) -> Shelf:
    """Let jobs read the shelf instead of a file."""
    from pdfjobs import desk, materials

    monkeypatch.setattr(desk, "Reader", stand_in(shelf))
    monkeypatch.setattr(materials, "read_records", read_lines)
    monkeypatch.setattr(
        materials, "classify", lambda page: "table" if HEAD in page.text else "prose"
    )
    return shelf


def pdf_file(path: Path, content: str = "") -> Path:
    path.write_bytes(b"%PDF-1.7\n" + content.encode())
    return path


def processed(*arguments: Any) -> BackgroundJob:
    """Process as `process_pdf ARGUMENTS` says and return the job where it stands then."""
    started = manage("process_pdf", *arguments)
    assert started.code == 0, started.err
    work_off()
    return BackgroundJob.objects.latest("id")


def document_of(job: BackgroundJob) -> PdfDocument:
    return PdfDocument.objects.get(background_job=job)


def states_of(job: BackgroundJob) -> dict[str, str]:
    return dict(job.checkpoints.values_list("stage", "state"))
