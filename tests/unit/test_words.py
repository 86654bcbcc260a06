"""How the pages say numbers and times."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobtracker.monitor import words

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (-5, "< 0.1 s"),
        (0.04, "< 0.1 s"),
        (0.44, "0.4 s"),
        (41, "41 s"),
        (59.7, "1 m 00 s"),
        (124, "2 m 04 s"),
        (3 * 3600 + 7 * 60, "3 h 07 m"),
        (52 * 3600, "2 d 4 h"),
    ],
)
def test_duration(seconds, said):
    assert words.duration(seconds) == words.duration(timedelta(seconds=seconds)) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "1 s"), (-3, "1 s"), (8, "8 s"), (41, "40 s"), (58, "1 min"), (250, "4 min"),
     (3500, "1 h"), (7300, "2 h"), (3 * 86400, "3 d")],
)  # fmt: skip
def test_rough(seconds, said):
    assert words.rough(seconds) == said


@given(st.floats(-1e6, 1e9))
def test_time_left_is_never_nothing(seconds):
    assert not words.rough(seconds).startswith("0")


@pytest.mark.parametrize(
    ("back", "said"),
    [(0, "just now"), (40, "40 s ago"), (400, "6 min ago"), (11000, "3 h ago"),
     (90000, "yesterday"), (10 * 86400, "14 Nov"), (400 * 86400, "20 Oct 2025")],
)  # fmt: skip
def test_ago(back, said):
    assert words.ago(NOW - timedelta(seconds=back), NOW) == said


def test_counts():
    assert words.counted(1, "rows") == "1 row"
    assert words.counted(1, "addresses") == "1 address"
    assert words.counted(3120, "rows") == "3,120 rows"
    assert words.counted(48_200_000, "bytes") == "46.0 MB"
    assert words.capped(10_001, 10_000) == "10,000+"
    assert words.capped(10_000, 10_000) == "10,000"
