"""JSON: what the standard allows is read, what it forbids is refused with its place."""

import re
from contextlib import suppress
from pathlib import Path

import pytest

from imports.readers import UnreadableFeed, inspect, read

from . import json_rules

ACCEPTED, REFUSED, EITHER = json_rules.accepted(), json_rules.refused(), json_rules.either()
LONELY = json_rules.lonely()
PLACE = re.compile(r"line \d+")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "feed.json"


@pytest.mark.parametrize("name", ACCEPTED)
def test_what_the_grammar_allows_is_read(file: Path, name: str) -> None:
    file.write_bytes(ACCEPTED[name])
    records = list(read(file, inspect(file, type="json").source))
    assert records[0].fields["sku"] == "1"


@pytest.mark.parametrize("name", LONELY)
def test_a_document_without_records_is_told_so(file: Path, name: str) -> None:
    file.write_bytes(LONELY[name])
    with pytest.raises(UnreadableFeed, match="The JSON holds no record"):
        inspect(file, type="json")


@pytest.mark.parametrize("name", REFUSED)
def test_what_the_grammar_forbids_is_refused_with_its_place(file: Path, name: str) -> None:
    file.write_bytes(REFUSED[name])
    with pytest.raises(UnreadableFeed) as caught:
        list(read(file, inspect(file, type="json").source))
    assert PLACE.search(str(caught.value))


@pytest.mark.parametrize("name", EITHER)
def test_what_is_left_open_is_read_in_whole_or_refused(file: Path, name: str) -> None:
    file.write_bytes(EITHER[name])
    record = None
    with suppress(UnreadableFeed):
        (record,) = read(file, inspect(file, type="json").source)
    if record is None:
        with pytest.raises(UnreadableFeed, match=PLACE):
            inspect(file, type="json")
        return
    assert record.fields["sku"] == "1"
    assert "v" not in record.fields or record.error or record.warnings or record.fields["v"]
    assert not re.search("[\0\ud800-\udfff]", record.raw + "".join(map(str, record.fields)))
