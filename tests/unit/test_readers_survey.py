"""What is said of each field of a feed before it is mapped."""

import json
from pathlib import Path

import pytest

from imports.readers import FieldSurvey, Source, Survey, inspect, survey


def look(path: Path, text: str, limit: int | None = None) -> tuple[Survey, dict[str, FieldSurvey]]:
    path.write_text(text, encoding="utf-8")
    found = survey(path, inspect(path).source, limit)
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


def test_a_limit_stops_early(file: Path) -> None:
    found, fields = look(file, "sku,name\n" + "".join(f"{n},x\n" for n in range(100)), limit=10)
    assert found.count == 10
    assert fields["sku"].distinct == 10


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
