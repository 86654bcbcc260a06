"""What the pipelines ask of a source before a job exists: whose it is, which files and addresses
are meant, and whether they may be reached."""

import glob
import os.path
from collections.abc import Iterable

from jobtracker.uploads import SourceRefused

SUPPLIER_CHARS = 200


def supplier_name(text: str) -> str:
    """Return a supplier's name as it is kept, "" for none. Raises `SourceRefused`."""
    name = text.strip()
    if len(name) > SUPPLIER_CHARS or not name.isprintable():
        raise SourceRefused(
            f"A supplier's name has at most {SUPPLIER_CHARS} characters, all of them readable."
        )
    return name


def is_url(source: str) -> bool:
    """Tell an address, of whatever scheme, from a path. The outbound guard judges it."""
    return "://" in source


def check_url(url: str) -> None:
    """Raise `SourceRefused` for an address that the outbound guard would not reach."""
    from jobtracker import outbound  # httpx: 8 MB that most processes never need

    try:
        outbound.check(url)
    except outbound.OutboundError as error:
        raise SourceRefused(str(error)) from error


def expanded(sources: Iterable[str]) -> list[str]:
    """Return every file and address that the arguments of a command mean. Raises `SourceRefused`
    for a glob that matches nothing."""
    found: list[str] = []
    for source in sources:
        # Unlike pathlib's, these take what may not be looked at for absent; who opens it says why.
        if is_url(source) or os.path.exists(source) or not glob.has_magic(source):  # noqa: PTH110
            found.append(source)
            continue
        matches = sorted(filter(os.path.isfile, glob.glob(source)))  # noqa: PTH207
        if not matches:
            raise SourceRefused(f"{source} matches no file.")
        found += matches
    return found
