"""A download on its way into a file."""

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from types import TracebackType

from jobtracker.outbound import Fetched, FetchFailed


class Download:
    """Writes, counts and hashes; what was written is removed where the download fails. `between` is
    called after each piece."""

    def __init__(self, host: str, to: Path, max_bytes: int, between: Callable[[], object]) -> None:
        self._host, self._to, self._max, self._between = host, to, max_bytes, between
        self._digest, self._bytes = sha256(), 0

    def __enter__(self) -> "Download":
        self._file = self._to.open("wb")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._file.close()
        if error is not None:
            self._to.unlink(missing_ok=True)

    def write(self, piece: bytes) -> None:
        self._bytes += len(piece)
        if self._bytes > self._max:
            raise FetchFailed(f"{self._host} sends more than {self._max:,} bytes.", transient=False)
        self._digest.update(piece)
        self._file.write(piece)
        self._between()

    def result(self, url: str, tag: str) -> Fetched:
        return Fetched(200, url, tag, "", "", self._bytes, self._digest.hexdigest())

    @staticmethod
    def unchanged(url: str, tag: str) -> Fetched:
        return Fetched(304, url, tag, "", "", 0, "")
