"""Opens the document of the running attempt and keeps it open from one stage to the next: each
opening costs a process."""

from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

from django.conf import settings
from django.core.files import File
from django.core.files.storage import storages

from jobtracker import uploads
from jobtracker.context import JobContext
from jobtracker.models import FileToRemove
from jobtracker.sealed import unseal
from jobtracker.states import Permanent, WaitForPerson, Waiting
from pdfjobs.models import PdfDocument
from pdfjobs.sandbox import Damaged, NeedsPassword, NotAPdf, Reader


class Desk:
    """The open document, and a folder for what is read from it."""

    def __init__(self) -> None:
        self._token: UUID | None = None
        self._reader: Reader | None = None
        self._folder = Path()
        self._open = ExitStack()

    def reader(self, context: JobContext, document: PdfDocument) -> Reader:
        """Return the attempt's reader, opened when first asked for. Raises `WaitForPerson` where
        a password is missing, `Permanent` for what is no readable PDF."""
        if self._reader is None or self._token != context.token:
            self.close()
            with ExitStack() as opening:
                self._reader = _entered(opening, context, document)
                self._folder = Path(
                    opening.enter_context(
                        TemporaryDirectory(prefix="pdf-", dir=settings.FILE_UPLOAD_TEMP_DIR)
                    )
                )
                self._open = opening.pop_all()
            self._token = context.token
        return self._reader

    @property
    def folder(self) -> Path:
        """Where the reader may put files; gone when the desk is closed."""
        return self._folder

    def close(self) -> None:
        """End the reader, if one is open."""
        self._reader = None
        self._open.close()


def _entered(opening: ExitStack, context: JobContext, document: PdfDocument) -> Reader:
    """Return the reader, once the document opened in it."""
    path = opening.enter_context(uploads.local_copy(document.source_file))
    reader = Reader(path, _password(context, document), check=context.check)
    try:
        return opening.enter_context(reader)
    except NeedsPassword as error:
        raise WaitForPerson(Waiting.PASSWORD, {"message": str(error)}) from error
    except (Damaged, NotAPdf) as error:
        raise Permanent(str(error)) from error


def _password(context: JobContext, document: PdfDocument) -> str | None:
    """Return the password: as answered, else as given at the start."""
    answer = context.answer(Waiting.PASSWORD) or {}
    sealed = answer.get("sealed") or document.sealed_password
    if not sealed:
        return None
    try:
        return unseal(sealed)
    except ValueError:
        return None  # the key changed since: the person is asked again


def keep(path: Path, document: PdfDocument, name: str) -> str:
    """Keep a file of the document under `name` with its own ending, in place of an earlier one;
    return its name in the default storage."""
    stored = f"pdf/{document.pk}/{name}{path.suffix}"
    storage = storages["default"]
    FileToRemove.objects.filter(storage="default", name=stored).delete()
    storage.delete(stored)
    with path.open("rb") as file:
        kept = storage.save(stored, File(file))
    path.unlink()
    return kept
