"""Functions and triggers in numbered files. A file that has landed never changes; a correction is
a new file with a new migration (tests keep the checksums)."""

from pathlib import Path


def numbered(name: str) -> str:
    """Return the text of the file `name`.sql."""
    return (Path(__file__).parent / f"{name}.sql").read_text()
