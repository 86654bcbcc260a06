"""Malformed XML that a person asks to be read: what is mended and told, and what stays refused."""

import json
from pathlib import Path

import pytest

from imports.readers import Inspection, Source, UnreadableFeed, inspect, read, survey

GOOD = "".join(
    f"<product><sku>A{n}</sku><name>Tile {n}</name><price>{n}.50</price></product>\n"
    for n in range(1, 4)
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "feed.xml"


def repaired(file: Path, text: str | bytes, **stated: str) -> Inspection:
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(UnreadableFeed):  # never by default
        survey(file, inspect(file, record="catalog/product", **stated).source)
    return inspect(file, repair=True, **stated)


def feed(*products: str) -> str:
    return "<catalog>\n" + GOOD + "".join(f"{each}\n" for each in products) + "</catalog>\n"


def product(inside: str, sku: str = "B1") -> str:
    return f"<product><sku>{sku}</sku>{inside}</product>"


@pytest.mark.parametrize(
    ("inside", "name", "told"),
    [
        ("<name>Oak & Ash</name>", "Oak  Ash", "an & or < that begins nothing was left out"),
        (
            "<name>Oak&nbsp;Ash</name>",
            "OakAsh",
            "the entity nbsp, which the file does not define, was left out",
        ),
        (
            "<name>Oak\x01Ash</name>",
            "OakAsh",
            "a character that XML does not allow was left out",
        ),
        (
            '<name lang="de" lang="en">Oak</name>',
            "Oak",
            "an attribute that an element has twice was left out once",
        ),
        (
            "<name>Oak</nane>",
            "Oak",
            "an end tag that fits no start tag was taken for the right one",
        ),
    ],
)
def test_what_is_wrong_in_a_record_is_mended_and_told(
    file: Path, inside: str, name: str, told: str
) -> None:
    found = repaired(file, feed(product(inside), product("<name>Last</name>", "B2")))
    assert found.source.repair
    [warning] = found.warnings
    assert warning.startswith("Repaired at line 5, column ")
    assert warning.endswith(f": {told}.")
    records = list(read(file, found.source))
    assert [each.fields["sku"] for each in records] == ["A1", "A2", "A3", "B1", "B2"]
    assert records[3].fields["name"] == name
    assert (records[3].line, survey(file, found.source).count) == (5, 5)


STRAY = "Repaired: an & or < that begins nothing was left out."


def test_each_record_tells_of_what_was_mended_in_it(file: Path) -> None:
    bad = product("\n<name>Oak & Ash</name>\n<brand>A & B</brand>\n")
    source = repaired(file, feed(bad, product("<name>Plain</name>", "B2"), product("C & D"))).source
    assert [each.warnings for each in read(file, source)] == [(), (), (), (STRAY,), (), (STRAY,)]
    kept = Source.from_json(json.loads(json.dumps(source.as_json())))
    assert kept == source
    assert [each.warnings for each in read(file, kept)].count((STRAY,)) == 2


def test_nothing_is_told_of_records_that_share_the_line(file: Path) -> None:
    text = feed(product("<name>Oak & Ash</name>")).replace("\n", "")
    found = repaired(file, text)
    assert found.warnings[0].startswith("Repaired at line 1, column ")
    assert [each.warnings for each in read(file, found.source)] == [()] * 4


@pytest.mark.parametrize(
    ("inside", "said"),
    [
        ("<name>a<b</name>", "cannot be repaired"),
        ("<name>5 < 6</name>", "cannot be repaired"),
        ("<name><![CDATA[Oak</name>", "CData section not finished."),
        ("<!-- <name>Oak</name>", "Comment not terminated."),
    ],
)
def test_what_swallows_the_records_behind_it_is_refused(file: Path, inside: str, said: str) -> None:
    with pytest.raises(UnreadableFeed) as refused:
        repaired(file, feed(product(inside), product("<name>Next</name>", "B2")))
    assert said in str(refused.value)


def test_an_attribute_that_comes_twice_has_one_value(file: Path) -> None:
    found = repaired(file, feed('<product sku="B1" sku="B2"><name>Oak</name></product>'))
    assert list(read(file, found.source))[3].fields == {"@sku": "B1", "name": "Oak"}


def test_bytes_that_are_no_text_are_replaced(file: Path) -> None:
    text = feed(product("<name>Café</name>")).encode("latin-1")
    found = repaired(file, text, encoding="utf-8")
    assert "bytes that are no text in its encoding were replaced" in found.warnings[0]
    assert list(read(file, found.source))[3].fields["name"] == "Caf�"


def test_of_many_places_the_first_are_named(file: Path) -> None:
    found = repaired(file, feed(*(product("<name>a & b</name>", f"B{n}") for n in range(50))))
    assert len(found.warnings) == 21
    assert found.warnings[-1] == "Repaired in 30 more places."
    found = repaired(file, feed(*(product("<name>a & b</name>", f"B{n}") for n in range(5_000))))
    assert found.warnings[-1] == "Repaired in at least 80 more places."
    assert survey(file, found.source).count == 5_003


def test_well_formed_xml_is_read_as_ever(file: Path) -> None:
    file.write_text(feed())
    found = inspect(file, repair=True)
    assert (found.warnings, found.source) == ((), inspect(file).source)


def refusal(file: Path, text: str | bytes) -> str:
    with pytest.raises(UnreadableFeed) as caught:
        repaired(file, text)
    return str(caught.value)


@pytest.mark.parametrize("cut", [1, 2, 11, 30, 60])
def test_a_cut_off_feed_stays_refused(file: Path, cut: int) -> None:
    text = feed(product("<name>a & b</name>")).rstrip()
    assert refusal(file, text[:-cut]).startswith("The XML is cut off at line ")


@pytest.mark.parametrize(
    ("broken", "sentence"),
    [
        # an end tag too few puts the next record into this one
        (
            "<product><sku>B1</sku><name>x</product>",
            "a <product> may have come to stand elsewhere or within another, for",
        ),
        # one too many ends the document early
        ("</product>", "<product> stands in it 5 times, and 3 of them would be read, for"),
        ("</catalog>", "<product> stands in it 5 times, and 3 of them would be read, for"),
        # a start tag that cannot be read is none
        ("<product id=1><sku>B1</sku></product>", "stands in it 6 times"),
    ],
)
def test_no_record_is_lost_in_a_repair(file: Path, broken: str, sentence: str) -> None:
    text = feed(broken, product("<name>y</name>"), product("<name>z</name>"))
    told = refusal(file, text)
    assert told.startswith("The XML cannot be repaired: ")
    assert sentence in told
    assert "line " in told


def test_a_record_that_gets_out_of_its_list_is_not_lost(file: Path) -> None:
    text = f"<shop><list>{GOOD}</product>{GOOD}</list></shop>"
    assert "may have come to stand elsewhere" in refusal(file, text)


def test_records_in_comments_and_cdata_are_none(file: Path) -> None:
    noise = "<product> " * 30_000  # longer than a piece
    text = feed(
        f"<!-- {noise} -->",
        product(f"<name><![CDATA[{noise}]]></name>"),
        product("<name>a & b</name>", "B2"),
    )
    found = repaired(file, text)
    assert [each.fields["sku"] for each in read(file, found.source)][3:] == ["B1", "B2"]


def test_a_bomb_stays_refused(file: Path) -> None:
    levels = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 20 if n else "x" * 50}">' for n in range(8))
    text = f"<!DOCTYPE catalog [{levels}]>" + feed(product("<name>&e7; & more</name>"))
    assert refusal(file, text) == (
        "The XML cannot be repaired: its entity e1 is made of others, and may expand without limit."
    )
    flat = f'<!DOCTYPE catalog [<!ENTITY e "{"x" * 40_000}">]>'
    text = flat + feed(product(f"<name>{'&e;' * 30_000} & more</name>"))
    assert refusal(file, text) == (
        "The XML is refused: its entities expand without limit (an entity bomb)."
    )


def test_only_xml_is_repaired(file: Path) -> None:
    for text, kind in (("sku,name\n1,a\n", "a table"), ('[{"a": 1}]', "JSON")):
        file.write_text(text)
        with pytest.raises(UnreadableFeed, match=f"^Only XML can be repaired; the file is {kind}"):
            inspect(file, repair=True)
