"""XML: fields, names and lines of records, and documents that are broken or hostile."""

import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from imports.readers import Record, Source, UnreadableFeed, inspect, read
from tests.fixtures import feeds


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "feed.xml"


def records(file: Path, xml: str | bytes, path: str) -> list[Record]:
    file.write_bytes(xml if isinstance(xml, bytes) else xml.encode())
    return list(read(file, Source("xml", "utf-8", record_path=path)))


def fields(file: Path, inner: str, root: str = "c") -> dict[str, str | list[str]]:
    (record,) = records(file, f"<{root}>{inner}</{root.split()[0]}>", f"{root.split()[0]}/p")
    return record.fields


def refusal(file: Path, xml: bytes) -> str:
    file.write_bytes(xml)
    with pytest.raises(UnreadableFeed) as caught:
        inspect(file)
    return str(caught.value)


def test_nested_elements_and_attributes_have_paths(file: Path) -> None:
    inner = '<p id="7"><n>Tile</n><PRICES cur="EUR"><PRICE><AMOUNT>1</AMOUNT></PRICE></PRICES></p>'
    assert fields(file, inner) == {
        "@id": "7",
        "n": "Tile",
        "PRICES/@cur": "EUR",
        "PRICES/PRICE/AMOUNT": "1",
    }


def test_repeated_elements_become_lists_in_order(file: Path) -> None:
    inner = "<p><i>1</i><n>x</n><i>2</i><s><i>3</i><i>4</i></s></p>"
    assert fields(file, inner) == {"i": ["1", "2"], "n": "x", "s/i": ["3", "4"]}


def test_fields_of_repeated_elements_stay_in_step(file: Path) -> None:
    inner = (
        '<p><f><n>a</n><v>1</v></f><f><n>b</n><v>2</v><u>mm</u></f><f k="x"><n>c</n></f>'
        '<t u="cm">5</t><t>6</t></p>'
    )
    assert fields(file, inner) == {
        "f/n": ["a", "b", "c"],
        "f/v": ["1", "2", ""],
        "f/u": ["", "mm", ""],
        "f/@k": ["", "", "x"],
        "t": ["5", "6"],
        "t/@u": ["cm", ""],
    }


def test_prose_that_repeats_has_no_fields_below_it(file: Path) -> None:
    assert fields(file, "<p><d>a <b>x</b> c</d><d>e</d></p>") == {"d": ["a x c", "e"]}


def test_languages_stay_beside_their_texts(file: Path) -> None:
    inner = '<p><n xml:lang="en">Tile</n><n xml:lang="de">Fliese</n></p>'
    assert fields(file, inner) == {"n": ["Tile", "Fliese"], "n/@xml:lang": ["en", "de"]}


def test_an_empty_field_differs_from_an_absent_one(file: Path) -> None:
    assert fields(file, "<p><n/><s></s><x>\n</x></p>") == {"n": "", "s": "", "x": "\n"}


def test_text_is_kept_as_written(file: Path) -> None:
    inner = "<p><k>007 </k><d><![CDATA[<b>5 < 6</b>]]> &amp; more</d></p>"
    assert fields(file, inner) == {"k": "007 ", "d": "<b>5 < 6</b> & more"}


def test_comments_and_instructions_leave_no_trace(file: Path) -> None:
    inner = "<!-- a --><p><!-- b --><n>on<!-- c -->e<?x y?></n></p><?z?>"
    assert fields(file, inner) == {"n": "one"}


def test_prose_with_markup_is_one_value(file: Path) -> None:
    assert fields(file, "<p><d>Hard <b>and</b> cold</d></p>") == {"d": "Hard and cold"}


def test_text_before_children_is_a_value_beside_them(file: Path) -> None:
    assert fields(file, "<p><c>Tiles<id>5</id></c></p>") == {"c": "Tiles", "c/id": "5"}


def test_a_record_may_be_a_text_with_attributes(file: Path) -> None:
    assert fields(file, '<p sku="1">Tile</p>') == {".": "Tile", "@sku": "1"}


def test_names_carry_the_prefix_of_the_document(file: Path) -> None:
    root = 'c xmlns="urn:a" xmlns:g="urn:g" xmlns:h="urn:g"'
    inner = '<p g:id="1"><g:price>2</g:price><h:size>3</h:size><n>x</n></p>'
    assert fields(file, inner, root) == {"@g:id": "1", "g:price": "2", "g:size": "3", "n": "x"}


def test_records_have_numbers_lines_and_their_source(file: Path) -> None:
    first, second = records(file, feeds.TILES, "catalog/product")
    assert (first.number, first.line) == (1, 3)
    assert (second.number, second.line) == (2, 8)
    assert second.raw.startswith("<product>\n    <sku>A2</sku>")
    assert second.raw.endswith("</product>")


@pytest.mark.parametrize(
    "record",
    [
        "<p>\n  <n>a</n>\n</p>\n",
        "<p><n>a\nb</n></p>\n",
        "<p><n>ä\nb\nc</n></p>\n",
        '<p a="1"><n/><m>x</m>\n</p>\n\n',
        "<p><n><![CDATA[a\nä\nb]]></n></p>\n",
    ],
)
def test_lines_are_right_beyond_sixteen_bits(file: Path, record: str) -> None:
    """libxml2 keeps no more than 65,535 in an element."""
    count = 36_000
    found = records(file, "<c>\n" + record * count + "</c>", "c/p")
    breaks = record.count("\n")
    assert [each.line for each in found] == [2 + breaks * n for n in range(count)]


def test_elements_of_the_same_name_elsewhere_are_no_records(file: Path) -> None:
    xml = "<c><p><n>1</n><p><n>inner</n></p></p><x><p><n>2</n></p></x><p><n>3</n></p></c>"
    found = records(file, xml, "c/p")
    assert [record.fields for record in found] == [{"n": "1", "p/n": "inner"}, {"n": "3"}]


def test_the_root_may_be_the_record(file: Path) -> None:
    (record,) = records(file, "<p><sku>1</sku></p>", "p")
    assert record.fields == {"sku": "1"}


def test_a_container_taken_for_a_record_is_refused(file: Path) -> None:
    with pytest.raises(UnreadableFeed, match="more than 100,000 elements"):
        records(file, "<c><p>" + "<n/>" * 100_001 + "</p></c>", "c/p")


def test_deep_nesting_is_refused(file: Path) -> None:
    with pytest.raises(UnreadableFeed, match="nested deeper than 100 levels"):
        records(file, "<c><p>" + "<n>" * 150 + "x" + "</n>" * 150 + "</p></c>", "c/p")


def test_endless_nesting_is_refused_by_inspection(file: Path) -> None:
    assert "nested deeper than 100 levels" in refusal(file, b"<n>" * 200 + b"</n>" * 200)


def test_a_delimiter_is_refused(file: Path) -> None:
    file.write_bytes(feeds.TILES)
    with pytest.raises(UnreadableFeed, match="a delimiter can only be given for CSV"):
        inspect(file, delimiter=";")


def test_a_cut_off_document_names_line_and_column(file: Path) -> None:
    cut = feeds.TILES[: feeds.TILES.index(b"A2") + 1]
    assert refusal(file, cut).startswith("The XML is cut off at line 9, column ")


def test_every_cut_is_noticed_by_inspection_and_by_reading(file: Path) -> None:
    source = Source("xml", "utf-8", record_path="catalog/product")
    end = feeds.TILES.rindex(b">")
    for length in range(len(feeds.TILES) // 2, end):
        file.write_bytes(feeds.TILES[:length])
        with pytest.raises(UnreadableFeed, match="The XML is cut off at line "):
            list(read(file, source))


@pytest.mark.parametrize(
    ("xml", "sentence"),
    [
        (b"<c>\n<p><n>1</m></p></c>", "column 12: <n> from line 2 is closed by </m>."),
        (b"<c>\n<p a=1></p></c>", "malformed at line 2, column "),
        (b"<c><p><n>a & b</n></p></c>", "column 13: an & that begins no entity; it must be"),
        (b"<c><p/></c>\n<c/>", "malformed at line 2, column "),
        (b"<c><p><n>&nbsp;</n></p></c>", "the entity nbsp is not defined in the file itself"),
        (b"<c>\n<p>\x00</p></c>", "malformed at line 2, column "),
    ],
)
def test_malformed_documents_name_the_place(file: Path, xml: bytes, sentence: str) -> None:
    assert sentence in refusal(file, xml)


@pytest.mark.parametrize("bomb", [feeds.ENTITY_BOMB, feeds.QUADRATIC_BOMB])
def test_entity_bombs_are_refused(file: Path, bomb: bytes) -> None:
    assert "entity bomb" in refusal(file, bomb)


def test_entities_of_the_file_itself_are_read(file: Path) -> None:
    xml = '<!DOCTYPE c [<!ENTITY co "Loom &amp; Co">]><c><p><n>&co;</n></p></c>'
    assert records(file, xml, "c/p")[0].fields == {"n": "Loom & Co"}


def test_external_entities_are_inert(file: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("top secret")
    (record,) = records(file, feeds.external_entity(secret, used=None), "catalog/product")
    assert record.fields == {"sku": "1", "name": "plain", "price": "1"}
    for entity in ("x", "p"):
        sentence = refusal(file, feeds.external_entity(secret, used=entity))
        assert f"the entity {entity} is not defined in the file itself" in sentence


@given(noise=st.binary(max_size=60), at=st.integers(0, len(feeds.TILES)))
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_damage_is_read_or_refused(file: Path, noise: bytes, at: int) -> None:
    file.write_bytes(feeds.TILES[:at] + noise + feeds.TILES[at + len(noise) // 2 :])
    with suppress(UnreadableFeed):
        list(read(file, inspect(file).source))


MEASURE = """
import resource, sys
from imports.readers import inspect, read, survey
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
source = inspect(sys.argv[1]).source
count = sum(1 for _ in read(sys.argv[1], source))
survey(sys.argv[1], source)
print(count, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


@pytest.mark.parametrize("shape", ["records", "others", "comments"])
def test_memory_does_not_grow_with_the_document(file: Path, shape: str) -> None:
    """Records, elements outside the record path and comments are all freed on the way."""
    product = "<p><sku>1</sku><name>x</name><price>1</price></p>"
    padding = {
        "records": f"<p><sku>1</sku><name>{'x' * 900}</name><price>2</price></p>",
        "others": f"<o><q><r>{'x' * 900}</r></q></o>",
        "comments": f"<!-- {'x' * 900} -->",
    }[shape]
    with file.open("w") as out:
        out.write("<c>" + product)
        out.writelines(padding * 100 for _ in range(400))  # about 38 MB
        out.write(product + "</c>")
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(file)],
        capture_output=True,
        check=True,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    count, megabytes = map(int, done.stdout.split())
    assert count == (40_002 if shape == "records" else 2)
    assert megabytes < 20
