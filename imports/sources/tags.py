"""What comes of a download by a protocol that has no answers of its own: its tag says which state
of the file it is."""

from urllib.parse import SplitResult

from jobtracker.outbound import Download, Fetched


def fetched(parts: SplitResult, tag: str, download: Download) -> Fetched:
    """Return what a whole download brought."""
    return Fetched(200, parts.geturl(), tag, "", "", download.bytes, download.sha256)


def unchanged(parts: SplitResult, tag: str) -> Fetched:
    """Return that the file is still as its tag says."""
    return Fetched(304, parts.geturl(), tag, "", "", 0, "")
