"""Reads which pages a person means: "1-9, 12, 40-"."""

import re

_PART = re.compile(r"(\d{1,7})(?:\s*[-–]\s*(\d{0,7}))?", re.ASCII)


def parts(text: str) -> list[tuple[int, int | None]]:
    """Return the ranges, both ends included; None is the last page. Raises `ValueError` with a
    sentence."""
    found = []
    for part in filter(None, (each.strip() for each in text.split(","))):
        match = _PART.fullmatch(part)
        if not match:
            raise ValueError(f"{part!r} is no page or range of pages, as 7 or 1-9.")
        first = int(match[1])
        last = first if match[2] is None else int(match[2]) if match[2] else None
        if first < 1 or (last is not None and last < first):
            raise ValueError(f"{part!r} holds no pages; they count from 1.")
        found.append((first, last))
    return found


def page_numbers(text: str, total: int) -> list[int]:
    """Return the numbers that `text` means in a document of `total` pages: all, where it says
    nothing."""
    ranges = parts(text) or [(1, None)]
    numbers: set[int] = set()
    for first, last in ranges:
        numbers.update(range(first, min(last or total, total) + 1))
    return sorted(numbers)


def as_text(numbers: list[int]) -> str:
    """Write page numbers as short as they can be read again."""
    words: list[str] = []
    start = end = 0
    for number in [*sorted(set(numbers)), 0]:
        if number == end + 1 and start:
            end = number
            continue
        if start:
            words.append(str(start) if start == end else f"{start}-{end}")
        start = end = number
    return ", ".join(words)
