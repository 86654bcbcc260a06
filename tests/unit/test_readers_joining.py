"""Two files joined by a key, as one feed."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from imports import readers
from imports.readers import Inspection, Join, Record, Source, UnreadableFeed, inspect, joining

TEXTS = [{"sku": f"A{n}", "name": f"Tile {n}", "id": n} for n in range(1, 5)]
PRICES = "Artikel;Preis;Lager\n" + "".join(f"A{n};{n},50;{n * 10}\n" for n in range(1, 5))


class Pair:
    """Texts and prices as files, and what becomes of them."""

    def __init__(self, folder: Path) -> None:
        self.texts, self.prices, self.joined = (
            folder / name for name in ("texts.json", "prices.csv", "joined")
        )

    def write(self, texts: Any = TEXTS, prices: str = PRICES) -> "Pair":
        self.texts.write_text(json.dumps(texts, indent=1), encoding="utf-8")
        self.prices.write_text(prices, encoding="utf-8")
        return self

    def keys(self, key: str | None = None, other: str | None = None) -> tuple[str, str]:
        first = (self.texts, inspect(self.texts))
        second = (self.prices, inspect(self.prices))
        return joining.keys(first, second, "prices.csv", (key, other), readers.read)

    def records(self, key: str = "sku", other: str = "Artikel") -> list[Record]:
        found: Inspection = inspect(self.texts)
        join = Join(inspect(self.prices).source, "prices.csv", key, other)
        source = Source("json", "utf-8", record_path=found.source.record_path, join=join)
        self.joined.unlink(missing_ok=True)
        joining.first_of(self.joined).unlink(missing_ok=True)
        joining.write(self.joined, self.texts, source, self.prices, alone)
        found_records = list(readers.read(self.joined, source))
        counted = list(joining.count(self.joined, source))
        assert counted == [each.number for each in found_records]
        return found_records


def alone(path: Path, source: Source) -> Any:
    return readers.READERS[source.type].read(path, source)


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    return Pair(tmp_path).write()


def test_records_have_the_fields_of_both(pair: Pair) -> None:
    found = pair.records()
    assert [each.number for each in found] == [1, 2, 3, 4]
    assert found[1].fields == {
        "sku": "A2",
        "name": "Tile 2",
        "id": "2",
        "joined/Preis": "2,50",
        "joined/Lager": "20",
    }
    assert (found[1].line, found[1].warnings, found[1].error) == (7, (), None)
    assert json.loads(found[1].raw) == TEXTS[1]


def test_keys_that_are_in_one_file_only_are_named(pair: Pair) -> None:
    pair.write(prices="Artikel;Preis\nA9;9\nA1;1\nA8;8\n")
    found = pair.records()
    assert [each.warnings for each in found[1:4]] == [("prices.csv has no row with this sku.",)] * 3
    assert [(each.number, each.line, each.skip) for each in found[4:]] == [
        (5, 2, 'Only prices.csv has the key "A9".'),
        (6, 4, 'Only prices.csv has the key "A8".'),
    ]
    assert found[4].fields == {"sku": "A9", "joined/Preis": "9"}


def test_of_rows_with_the_same_key_the_last_counts_and_the_others_are_named(pair: Pair) -> None:
    pair.write(prices="Artikel;Preis\nA1;1\nA1;2\nA1;3\n")
    found = pair.records()
    assert found[0].fields["joined/Preis"] == "3"
    assert [(each.line, each.skip) for each in found[4:]] == [
        (2, 'prices.csv has the key "A1" again in line 4; the last counts.'),
        (3, 'prices.csv has the key "A1" again in line 4; the last counts.'),
    ]


def test_rows_that_cannot_be_joined_fail_with_their_reason(pair: Pair) -> None:
    pair.write(prices="Artikel;Preis\n ;1\nA1\nA2;2\n")
    found = pair.records()
    assert [(each.line, each.error) for each in found[4:]] == [
        (2, "prices.csv: It has no Artikel, by which it could be joined."),
        (3, "prices.csv: The row has 1 cells, the header names 2."),
    ]
    assert found[1].fields["joined/Preis"] == "2"


def test_a_record_without_a_key_says_so(pair: Pair) -> None:
    pair.write(texts=[*TEXTS, {"sku": "", "name": "Nameless"}])
    assert pair.records()[4].warnings == (
        "It has no sku, by which a row of prices.csv could be joined.",
    )


def test_several_records_may_have_the_same_row(pair: Pair) -> None:
    pair.write(texts=[{"sku": "A1", "name": "small"}, {"sku": "A1", "name": "large"}])
    assert [each.fields.get("joined/Preis") for each in pair.records()[:2]] == ["1,50", "1,50"]


def test_keys_are_compared_as_written_but_for_blanks_around(pair: Pair) -> None:
    pair.write(
        texts=[{"sku": key, "name": "x"} for key in ("007", " A-1", "a1")],
        prices="Artikel;Preis\n7;1\nA-1 ;2\nA1;3\n",
    )
    assert [each.fields.get("joined/Preis") for each in pair.records()[:3]] == [None, "2", None]


def test_the_fields_are_found_by_their_values(pair: Pair) -> None:
    assert pair.keys() == ("sku", "Artikel")
    assert pair.keys(other="Artikel") == ("sku", "Artikel")
    assert pair.keys(key="sku") == ("sku", "Artikel")
    assert pair.keys(key="id", other="Lager") == ("id", "Lager")


def test_a_field_of_the_same_name_in_both_is_taken_at_once(pair: Pair) -> None:
    pair.write(prices="id;Preis\n9;1\n")
    assert pair.keys(other="id") == ("id", "id")


def test_numbers_that_happen_to_be_alike_are_no_key(pair: Pair) -> None:
    """Stock has the values of an id, but not one a row."""
    pair.write(prices="Preis;Lager\n9,90;1\n8,80;1\n7,70;1\n6,60;2\n")
    with pytest.raises(UnreadableFeed, match=r"No field of prices\.csv has the values of one of"):
        pair.keys()


@pytest.mark.parametrize(
    ("key", "other", "sentence"),
    [
        (
            None,
            "Nummer",
            'prices.csv has no field "Nummer" to join by; it has Artikel, Preis, Lager.',
        ),
        ("code", None, 'The feed has no field "code" to join by; it has sku, name, id.'),
    ],
)
def test_a_field_that_is_not_there_is_named(
    pair: Pair, key: str | None, other: str | None, sentence: str
) -> None:
    with pytest.raises(UnreadableFeed) as caught:
        pair.keys(key, other)
    assert str(caught.value) == sentence


def test_what_is_wrong_with_the_second_file_names_it(pair: Pair) -> None:
    pair.write(prices=PRICES + '"A5;5')
    with pytest.raises(UnreadableFeed, match=r"^prices\.csv: A quote that opens in the row"):
        pair.records()
    with pytest.raises(UnreadableFeed, match=r"^prices\.csv: A quote that opens in the row"):
        pair.keys()


def test_what_the_feed_says_elsewhere_is_read_from_the_first_file(pair: Pair) -> None:
    pair.write(texts={"products": TEXTS, "groups": [{"id": 1, "name": "Walls"}]})
    pair.records()
    found = inspect(pair.texts).source
    join = Join(found, "prices.csv", "sku", "Artikel")
    source = Source("json", "utf-8", record_path="$.products", join=join)
    [group] = readers.elsewhere(pair.joined, source, "$.groups")
    assert group.fields == {"id": "1", "name": "Walls"}


def test_a_joined_source_survives_json(pair: Pair) -> None:
    join = Join(inspect(pair.prices).source, "prices.csv", "sku", "Artikel")
    source = Source("json", "utf-8", record_path="$", join=join)
    assert Source.from_json(json.loads(json.dumps(source.as_json()))) == source


MEASURE = """
import resource, sys
from pathlib import Path
from imports import readers
from imports.readers import Join, inspect, joining
texts, prices, to = map(Path, sys.argv[1:])
found = inspect(texts)
key, other = joining.keys((texts, found), (prices, second := inspect(prices)), "p", (None, None),
    readers.read)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
from dataclasses import replace
source = replace(found.source, join=Join(second.source, "p", key, other))
joining.write(to, texts, source, prices, lambda p, s: readers.READERS[s.type].read(p, s))
print(sum(1 for _ in readers.read(to, source)),
    (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


def test_memory_grows_with_neither_file(tmp_path: Path) -> None:
    texts, prices = tmp_path / "texts.csv", tmp_path / "prices.csv"
    with texts.open("w") as first, prices.open("w") as second:
        first.write("sku;name\n")
        second.write("Artikel;Preis\n")
        for number in range(40_000):
            first.write(f"A{number};{'x' * 400}\n")
            second.write(f"A{40_000 - number};{'9' * 400}\n")
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(texts), str(prices), str(tmp_path / "joined")],
        capture_output=True,
        check=True,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    count, megabytes = map(int, done.stdout.split())
    assert count == 40_001
    assert megabytes < 25
