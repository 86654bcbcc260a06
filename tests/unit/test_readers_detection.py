"""What a file is told to be, by its content and whatever its name."""

from collections import deque
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from imports.readers import UnreadableFeed, inspect, read
from imports.readers.detect import kind_of
from tests.fixtures import feeds

OPTIONS = {
    "type": st.sampled_from(["xml", "csv", "json"]),
    "encoding": st.sampled_from(["utf-8", "utf-16", "cp1253", "utf-7", "gb18030", "undefined"]),
    "delimiter": st.sampled_from([",", "\t", '"', "\n", " "]),
}


def refusal(path: Path, **options: str) -> str:
    with pytest.raises(UnreadableFeed) as caught:
        inspect(path, **options)
    return str(caught.value)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "feed.xml"


@pytest.mark.parametrize("kind", feeds.NOT_FEEDS)
def test_files_of_other_kinds_are_named(file: Path, kind: str) -> None:
    file.write_bytes(feeds.NOT_FEEDS[kind])
    sentence = refusal(file)
    assert sentence.startswith(f"The file is {kind}")
    assert sentence.endswith("only XML, CSV, JSON, Excel and Datanorm feeds can be read.")


@pytest.mark.parametrize("page", feeds.HTML_PAGES)
def test_html_pages_are_no_xml_feeds(file: Path, page: bytes) -> None:
    file.write_bytes(page)
    assert "HTML page" in refusal(file)


@pytest.mark.parametrize("text", feeds.JSON_TEXTS)
def test_json_is_known_in_all_its_forms(file: Path, text: bytes) -> None:
    file.write_bytes(text)
    assert kind_of(file) == "json"


def test_stating_a_type_does_not_make_a_pdf_readable(file: Path) -> None:
    file.write_bytes(feeds.NOT_FEEDS["a PDF"])
    assert refusal(file, type="csv").startswith("The file is a PDF")


def test_a_stated_type_that_does_not_fit_is_refused_with_its_place(file: Path) -> None:
    file.write_bytes(feeds.TILES)
    assert refusal(file, type="json").startswith("The JSON is malformed at line 1, column 1: ")


@pytest.mark.parametrize("content", [b"", b"\n  \r\n", b"\xef\xbb\xbf", b"\xff\xfe\n\0"])
def test_a_file_of_nothing_is_empty(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    assert refusal(file).startswith("The file is empty")


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path) -> None:
    assert refusal(tmp_path / "none.csv") == f"There is no file {tmp_path / 'none.csv'}."
    assert refusal(tmp_path) == f"{tmp_path} is a folder, not a file."


def test_prose_is_no_feed(file: Path) -> None:
    file.write_bytes(feeds.PROSE)
    assert refusal(file).startswith("The file is neither XML, JSON nor CSV")


@pytest.mark.parametrize(
    "text",
    [
        "# Title\n\nSome text, with commas, and more.\n\n- item one\n- item two; three\n",
        "2026-01-01 10:00:00 INFO started\n2026-01-01 10:00:01 INFO did a thing, ok\n" * 5,
        "a: 1\nb: 2\nc:\n  - d\n",
        "[section]\nkey=value\n",
        "This is just a text file.\nIt is neither XML nor CSV.\n",
        Path(__file__).read_text(encoding="utf-8"),
    ],
)
def test_other_texts_are_neither(file: Path, text: str) -> None:
    file.write_text(text, encoding="utf-8")
    assert refusal(file).startswith("The file is neither XML, JSON nor CSV")


@pytest.mark.parametrize(
    "sentence", [b"This is just a line of text that somebody uploaded.", b"hello\n", b"???"]
)
def test_a_single_line_is_no_table(file: Path, sentence: bytes) -> None:
    file.write_bytes(sentence)
    assert refusal(file).startswith("The file is neither XML, JSON nor CSV")


def test_content_wins_over_the_name(tmp_path: Path) -> None:
    table = tmp_path / "table.xml"
    table.write_bytes(b"sku,price\nA1,2.50\n")
    markup = tmp_path / "markup.csv"
    markup.write_bytes(feeds.TILES)
    assert inspect(table).source.type == "csv"
    assert inspect(markup).source.type == "xml"


def test_a_stated_type_wins_over_the_content(file: Path) -> None:
    file.write_bytes(b"<sku>;<price>\nA1;2,50\n")
    assert inspect(file, type="csv").columns == ("<sku>", "<price>")


@given(data=st.binary(max_size=400), options=st.fixed_dictionaries({}, optional=OPTIONS))
@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_bytes_are_read_or_refused(file: Path, data: bytes, options: dict[str, str]) -> None:
    file.write_bytes(data)
    with suppress(UnreadableFeed):
        deque(read(file, inspect(file, **options).source), maxlen=0)


def test_an_unknown_encoding_is_named(file: Path) -> None:
    file.write_bytes(feeds.TILES)
    assert refusal(file, encoding="klingon") == 'There is no encoding called "klingon".'
