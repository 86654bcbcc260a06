"""Regular expressions that people write: never run without a limit.

A few characters can keep Python's own `re` busy for years; `regex` gives up after a time.
"""

from __future__ import annotations

import re

LIMIT = 0.1  # seconds for one value
LONGEST = 500  # characters of an expression
_GROUP = re.compile(r"\\(?:(\d+)|g<(\w+)>)")
LONGEST_VALUE = 20_000  # characters that are matched; a longer value stays as it is


class Expression:
    """`find` and what to put for it. Raises ValueError, with what is wrong, for no expression."""

    def __init__(self, find: str, put: str) -> None:
        if not find:
            raise ValueError('"find" is empty')
        if len(find) > LONGEST:
            raise ValueError(f'"find" is longer than {LONGEST} characters')
        try:
            import regex
        except ImportError as error:
            raise ValueError("expressions need the package regex, which is missing") from error
        try:
            self._find = regex.compile(find)
        except regex.error as error:
            raise ValueError(f"the expression cannot be read: {error}") from error
        groups = {str(number) for number in range(self._find.groups + 1)} | set(
            self._find.groupindex
        )
        for group in _GROUP.finditer(put):
            if (group[1] or group[2]) not in groups:
                raise ValueError(f"the expression has no group {group[1] or group[2]}")
        self._put = put

    def replaced(self, value: str) -> str:
        """`value` with all matches replaced. Raises TimeoutError."""
        if len(value) > LONGEST_VALUE:
            return value
        found: str = self._find.sub(self._put, value, timeout=LIMIT)
        return found
