"""An open document: pdfium where it can, pdfplumber where it cannot, else a copy saved anew."""

import contextlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import pypdfium2
import pypdfium2.raw as pdfium

from pdfjobs.reading.frame import Frame
from pdfjobs.reading.model import Opened

_MAGIC_WITHIN = 1024
_KNOWN_STARTS = {
    b"PK\x03\x04": "a ZIP or Office file",
    b"\xff\xd8\xff": "a JPEG picture",
    b"\x89PNG": "a PNG picture",
    b"GIF8": "a GIF picture",
    b"\xd0\xcf\x11\xe0": "an old Office file",
    b"{\\rtf": "an RTF text",
    b"<": "a web page or XML file",
    b"%!PS": "a PostScript file",
    b"\x1f\x8b": "a gzip archive",
}


class Refused(Exception):
    """The file as a whole; `kind` is one of those that `pdfjobs.sandbox` knows."""

    def __init__(self, kind: str, sentence: str) -> None:
        super().__init__(sentence)
        self.kind = kind


class Document:
    """A file opened by one engine. Raises Refused, `kind` damaged when the engine finds no page.

    `pages_most` is the longest document taken; `scratch` a folder for the copy saved anew.
    """

    def __init__(
        self, path: Path, password: str | None, engine: str, scratch: Path, pages_most: int
    ) -> None:
        self.path = path
        self.password = password
        self.scratch = scratch
        self.engine = engine
        _look_at_start(path)
        count = len(self._plumbed(path)) if engine == "pdfplumber" else len(self.pdfium)
        if count == 0:
            raise Refused("damaged", "it has no pages")
        if count > pages_most:
            raise Refused(
                "too_many_pages",
                f"The file has {count:,} pages; at most {pages_most:,} are read. Split it.",
            )
        self.opened = Opened(engine, count, self._information())

    @cached_property
    def pdfium(self) -> Any:
        """The document in pdfium; of the copy saved anew unless pdfium opened the file itself."""
        if self.engine == "pdfium":
            return self._by_pdfium(self.path, self.password)
        return self._by_pdfium(self._saved_anew, None)

    @cached_property
    def plumbed(self) -> list[Any]:
        """The pages in pdfplumber; of the copy saved anew where it misses some of the file."""
        if self.engine != "pikepdf":
            with contextlib.suppress(Refused):
                pages = self._plumbed(self.path)
                if len(pages) == self.opened.pages:
                    return pages
        return self._plumbed(self._saved_anew)

    @contextmanager
    def page(self, number: int) -> Iterator[tuple[Any, Frame]]:
        """A pdfium page and its frame. Raises pypdfium2.PdfiumError for a page it cannot load."""
        page = self.pdfium[number - 1]
        try:
            yield page, _frame(page)
        finally:
            page.close()

    def inspect(self) -> list[str]:
        """Sentences about the file's soundness, from a second engine."""
        import pikepdf

        found = []
        with pikepdf.open(self.path, password=self.password or "") as second:
            if len(second.pages) != self.opened.pages:
                found.append(
                    f"The engines disagree: {self.engine} finds {self.opened.pages} pages,"
                    f" pikepdf {len(second.pages)}."
                )
            if any("file is damaged" in str(said) for said in second.get_warnings()):
                found.append(
                    "The file is damaged or cut off in places and was repaired while reading;"
                    " content may be missing."
                )
        return found

    def _by_pdfium(self, path: Path, password: str | None) -> Any:
        try:
            return pypdfium2.PdfDocument(path, password=password)
        except pypdfium2.PdfiumError as error:
            if error.err_code == pdfium.FPDF_ERR_PASSWORD:
                raise self._locked() from None
            if error.err_code == pdfium.FPDF_ERR_SECURITY:
                raise Refused("damaged", "its kind of encryption is not known") from None
            raise Refused("damaged", "its structure is broken") from None

    def _plumbed(self, path: Path) -> list[Any]:
        import pdfplumber
        from pdfminer.pdfdocument import PDFPasswordIncorrect
        from pdfplumber.utils.exceptions import PdfminerException

        try:
            return list(pdfplumber.open(path, password=self.password or "").pages)
        except PdfminerException as error:
            if any(isinstance(cause, PDFPasswordIncorrect) for cause in error.args):
                raise self._locked() from None
            raise Refused("damaged", "its structure is broken") from None

    @cached_property
    def _saved_anew(self) -> Path:
        import pikepdf

        copy = self.scratch / "anew.pdf"
        try:
            with pikepdf.open(self.path, password=self.password or "") as broken:
                if not len(broken.pages):
                    raise Refused("damaged", "it has no pages")
                broken.save(copy)
        except pikepdf.PasswordError:
            raise self._locked() from None
        except pikepdf.PdfError:
            raise Refused("damaged", "its structure is broken") from None
        return copy

    def _locked(self) -> Refused:
        if self.password is None:
            return Refused("password", "The file needs a password.")
        return Refused("wrong_password", "The password does not open the file.")

    def _information(self) -> dict[str, str]:
        with contextlib.suppress(Exception):  # a broken dictionary of titles is no reason to stop
            said = self.pdfium.get_metadata_dict(skip_empty=True)
            return {name: clean(value)[:500] for name, value in said.items()}
        return {}


def clean(text: str) -> str:
    """Text without what no database takes: controls and lone surrogates."""
    text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "ignore")
    return "".join(letter for letter in text if letter >= " " and not "\x7f" <= letter <= "\x9f")


def _look_at_start(path: Path) -> None:
    with path.open("rb") as file:
        start = file.read(_MAGIC_WITHIN)
    if not start:
        raise Refused("not_a_pdf", "The file is empty (0 bytes).")
    if b"%PDF-" in start:
        return
    kind = next((kind for magic, kind in _KNOWN_STARTS.items() if start.startswith(magic)), "")
    told = f" It looks like {kind}." if kind else ""
    raise Refused("not_a_pdf", f"The file is not a PDF.{told}")


def _frame(page: Any) -> Frame:
    left, bottom, right, top = page.get_bbox()
    return Frame(left, bottom, right, top, page.get_rotation())
