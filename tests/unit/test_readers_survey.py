"""What is said of each field of a feed before it is mapped."""

import json
from pathlib import Path

import pytest

from imports.readers import (
    Dialect,
    FieldSurvey,
    Source,
    Survey,
    UnreadableFeed,
    inspect,
    survey,
)


def look(path: Path, text: str) -> tuple[Survey, dict[str, FieldSurvey]]:
    path.write_text(text, encoding="utf-8")
    found = survey(path, inspect(path).source)
    return found, {field.source: field for field in found.fields}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "feed"


def test_fields_are_described_in_the_order_of_the_feed(file: Path) -> None:
    rows = "".join(
        f"A{n},{'red' if n % 2 else 'blue'},{'x' if n < 3 else ' '}\n" for n in range(12)
    )
    found, fields = look(file, "sku,colour,note\n" + rows)
    assert found.count == 12
    assert list(fields) == ["sku", "colour", "note"]
    assert (fields["sku"].distinct, fields["sku"].uniqueness) == (12, 1.0)
    assert (fields["colour"].distinct, fields["colour"].counted) == (2, 12)
    assert fields["note"].coverage == 0.25
    assert fields["sku"].max_length == 3


def test_rows_that_cannot_be_used_are_counted(file: Path) -> None:
    found, _ = look(file, "sku,name\n1,a\n2,b,c\n3,d\n4,e\n")
    assert (found.count, found.unusable) == (4, 1)


def test_samples_show_the_different_shapes_first(file: Path) -> None:
    values = [f"{n}.50" for n in range(30)] + ["on request", "1,200.00", "EUR 5"]
    _, fields = look(file, "sku;price\n" + "".join(f"A;{value}\n" for value in values))
    assert fields["price"].samples[:4] == ("0.50", "on request", "1,200.00", "EUR 5")
    assert len(fields["price"].samples) == 8


def test_repeated_fields_are_marked_and_covered_once(file: Path) -> None:
    product = "<p><sku>{}</sku><price>1</price><name>x</name><i>a</i><i>b{}</i></p>"
    _, fields = look(file, f"<c>{product.format(1, 1)}{product.format(2, 2)}</c>")
    assert fields["i"].repeated
    assert not fields["sku"].repeated
    assert (fields["i"].coverage, fields["i"].distinct, fields["i"].counted) == (1.0, 3, 4)


@pytest.mark.parametrize(
    "text",
    [
        "sku,name\n" + "".join(f"{n},x\n" for n in range(100)),
        "<c>" + "<p><sku>1</sku><name>x</name><price>1</price></p>" * 100 + "</c>",
    ],
    ids=["csv", "xml"],
)
def test_beyond_the_surveyed_ones_records_are_only_counted(
    file: Path, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("imports.readers.SURVEYED", 10)
    found, fields = look(file, text)
    assert found.count == 100
    assert fields["sku"].counted == 10
    assert fields["sku"].coverage == 1.0


@pytest.mark.parametrize(
    "text",
    [
        "sku,name\n" + "".join(f"{n},x\n" for n in range(100)) + '100,"x\n',
        "<c>" + "<p><sku>1</sku><name>x</name><price>1</price></p>" * 100 + "<p>",
    ],
    ids=["csv", "xml"],
)
def test_a_cut_beyond_the_surveyed_ones_is_noticed(
    file: Path, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("imports.readers.SURVEYED", 10)
    file.write_text(text)
    dialect = Dialect(",", '"', 1)
    source = (
        Source("xml", "utf-8", record_path="c/p")
        if text.startswith("<")
        else Source("csv", "utf-8", dialect)
    )
    with pytest.raises(UnreadableFeed, match="cut off"):
        survey(file, source)


def test_a_survey_tells_how_far_it_is(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("imports.readers.SURVEYED", 40)
    monkeypatch.setattr("imports.readers.TOLD", 20)
    file.write_text("sku,name\n" + "".join(f"{n:03},x\n" for n in range(100)))
    told: list[tuple[int, float]] = []
    survey(file, inspect(file).source, lambda number, share: told.append((number, share)))
    # The rows read for the survey are read once more to be counted.
    assert [number for number, _ in told] == [20, 40, 20, 40, 60, 80, 100]
    assert told[-1][1] > 0.9


def test_long_values_are_shown_shortened(file: Path) -> None:
    _, fields = look(file, "sku,text\n1," + "x" * 5_000 + "\n2,y\n")
    assert len(fields["text"].samples[0]) == 300
    assert fields["text"].max_length == 5_000


def test_a_source_survives_json(file: Path) -> None:
    file.write_text("sku;price\n1;2\n")
    table = inspect(file).source
    markup = Source("xml", "utf-8", record_path="c/p")
    for source in (table, markup):
        assert Source.from_json(json.loads(json.dumps(source.as_json()))) == source


def test_remembered_values_are_bounded(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("imports.readers.field_survey.COUNTED", 50)
    _, fields = look(file, "sku,name\n" + "".join(f"{n},tile {n}\n" for n in range(100)))
    assert fields["sku"].counted == fields["name"].counted == 25
    assert fields["sku"].uniqueness == 1.0
    assert fields["sku"].coverage == 1.0
