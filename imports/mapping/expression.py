"""Regular expressions that people write: never run without a limit.

A few characters can keep Python's own `re` busy for years; `regex` gives up after a time.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from time import monotonic

LIMIT = 0.1  # seconds for one value
LONGEST = 500  # characters of an expression, and of what is put for it
LONGEST_VALUE = 20_000  # characters that are matched; a longer value stays as it is


_until = ContextVar("until", default=math.inf)


class TooSlow(Exception):
    """The time that a page has is over."""


@contextmanager
def in_time(seconds: float) -> Iterator[None]:
    """Give all expressions of the block so much time together: values that take `LIMIT` each add
    up. Once it is over they raise `TooSlow`."""
    token = _until.set(monotonic() + seconds)
    try:
        yield
    finally:
        _until.reset(token)


class Expression:
    """`find` and what to put for it. Raises ValueError, with what is wrong, for no expression."""

    def __init__(self, find: str, put: str) -> None:
        if not find:
            raise ValueError('"find" is empty')
        for name, text in (("find", find), ("put", put)):
            if len(text) > LONGEST:
                raise ValueError(f'"{name}" is longer than {LONGEST} characters')
        try:
            import regex
        except ImportError as error:
            raise ValueError("expressions need the package regex, which is missing") from error
        try:
            self._find = regex.compile(find)
        except regex.error as error:
            raise ValueError(f"the expression cannot be read: {error}") from error
        # What is put is read at the first match only; an empty one with the same groups does.
        names = {number: f"?P<{name}>" for name, number in self._find.groupindex.items()}
        groups = (f"({names.get(number, '')})" for number in range(1, self._find.groups + 1))
        try:
            regex.match("".join(groups), "").expand(put)
        except (regex.error, IndexError) as error:
            raise ValueError(f"what is to be put cannot be read: {error}") from error
        self._put = put

    def replaced(self, value: str) -> str:
        """`value` with all matches replaced. Raises TimeoutError, and `TooSlow`; see `in_time`."""
        if monotonic() > _until.get():
            raise TooSlow
        if len(value) > LONGEST_VALUE:
            return value
        found: str = self._find.sub(self._put, value, timeout=LIMIT)
        return found
