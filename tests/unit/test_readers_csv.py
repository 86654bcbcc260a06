"""CSV: dialects, headers, lines, and rows that are not what the header promises."""

from pathlib import Path

import pytest

from imports.readers import Inspection, Record, UnreadableFeed, inspect, read


class Feed:
    """A CSV text on disk."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def inspect(self, text: str | bytes, **options: str) -> Inspection:
        self.path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return inspect(self.path, **options)

    def records(self, text: str | bytes, **options: str) -> list[Record]:
        return list(read(self.path, self.inspect(text, **options).source))


@pytest.fixture
def feed(tmp_path: Path) -> Feed:
    return Feed(tmp_path / "feed.csv")


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_each_delimiter_is_found(feed: Feed, delimiter: str) -> None:
    rows = [["sku", "name", "price"], ["A1", "tile", "2.50"], ["A2", "slab", "3.50"]]
    found = feed.inspect("\n".join(delimiter.join(row) for row in rows))
    assert found.source.dialect is not None
    assert found.source.dialect.delimiter == delimiter
    assert found.columns == ("sku", "name", "price")


@pytest.mark.parametrize(
    ("text", "delimiter"),
    [
        ("sku;price\nA1;1,50\nA2;2,50\nA3;3,50\n", ";"),  # decimal commas in every row
        ("sku;name;tags\n1;a;x|y|z\n2;b;x|y|z\n", ";"),
        ("sku,text\n1,a; b; c; d\n2,a; b; c; d\n", ","),
        ('sku,text\n1,"a, b, c"\n2,"d"\n3,"e, f"\n', ","),
        ("sku\tname, long\n1\ta, b\n2\tc, d\n", "\t"),
        ('"sku";"price"\n"A1";"1,50"\n"A2";"1;50"\n', ";"),
    ],
)
def test_texts_and_decimals_do_not_mislead(feed: Feed, text: str, delimiter: str) -> None:
    dialect = feed.inspect(text).source.dialect
    assert dialect is not None
    assert dialect.delimiter == delimiter


def test_a_stated_delimiter_wins(feed: Feed) -> None:
    assert feed.inspect("a,b;c,d\n1,2;3,4\n", delimiter=";").columns == ("a,b", "c,d")
    assert feed.inspect("a b\tc\n1\t2\n", delimiter="tab").columns == ("a b", "c")


def test_a_delimiter_of_two_characters_is_refused(feed: Feed) -> None:
    with pytest.raises(UnreadableFeed, match="'::' is not a single character"):
        feed.inspect("a::b\n1::2\n", delimiter="::")


def test_the_line_that_excel_writes_for_itself_is_obeyed_and_skipped(feed: Feed) -> None:
    records = feed.records("sep=|\nsku|price\nA1|2\n")
    assert [(record.line, record.fields) for record in records] == [
        (3, {"sku": "A1", "price": "2"})
    ]


def test_titles_above_the_header_are_skipped(feed: Feed) -> None:
    text = "Price list spring;;;\n\nsku;name;price;unit\nA1;tile;2;m2\nA2;slab;3;m2\n"
    records = feed.records(text)
    assert records[0].line == 4
    assert records[0].fields == {"sku": "A1", "name": "tile", "price": "2", "unit": "m2"}


def test_quotes_that_are_inches_do_not_swallow_rows(feed: Feed) -> None:
    text = "sku\tsize\tprice\n" + "".join(f'A{n}\t"{n} inch\t2\n' for n in range(9))
    records = feed.records(text)
    assert len(records) == 9
    assert records[3].fields["size"] == '"3 inch'


def test_a_file_without_a_header_gets_numbered_columns(feed: Feed) -> None:
    records = feed.records("A1,Red tile,45.50\nA2,Blue tile,46.50\n")
    assert [record.line for record in records] == [1, 2]
    assert records[0].fields == {"column 1": "A1", "column 2": "Red tile", "column 3": "45.50"}


def test_years_may_name_columns(feed: Feed) -> None:
    assert feed.inspect("name;2024;2025\nTile;5;6\nSlab;7;8\n").columns == ("name", "2024", "2025")


def test_a_single_row_of_values_is_a_record(feed: Feed) -> None:
    (record,) = feed.records("A1;Tile;2,50\n")
    assert record.fields == {"column 1": "A1", "column 2": "Tile", "column 3": "2,50"}


def test_repeated_and_empty_headers_get_names_of_their_own(feed: Feed) -> None:
    found = feed.inspect("price,sku,,price,price\n1,A,x,2,3\n")
    assert found.columns == ("price", "sku", "column 3", "price [2]", "price [3]")
    assert found.warnings == ("The header names a column more than once: price.",)


def test_lines_count_quoted_newlines_and_blank_lines(feed: Feed) -> None:
    text = 'sku,text\r\n1,"a\r\nb"\r\n\r\n2,c\r\n3,"d\n\ne"\r\n4,f\r\n'
    records = feed.records(text)
    assert [(record.number, record.line) for record in records] == [(1, 2), (2, 5), (3, 6), (4, 9)]
    assert records[0].fields["text"] == "a\r\nb"
    assert records[2].raw == '3,"d\n\ne"\r\n'


def test_rows_of_another_width_become_records_with_an_error(feed: Feed) -> None:
    long, short, good, padded = feed.records("a,b,c\n1,2,3,4\n1,2\n1,2,3\n1,2,3,\n")
    assert long.error == "The row has 4 cells, the header names 3."
    assert long.fields == {"a": "1", "b": "2", "c": "3", "column 4": "4"}
    assert short.error == "The row has 2 cells, the header names 3."
    assert good.error is None
    assert padded.error is None


def test_a_delimiter_at_the_end_of_each_row_is_no_column(feed: Feed) -> None:
    found = feed.inspect("sku;price;\nA1;2;\nA2;3;\n")
    assert found.columns == ("sku", "price")
    assert all(record.error is None for record in read(feed.path, found.source))


def test_a_row_that_swallowed_its_successors_says_so(feed: Feed) -> None:
    good = '1,"2, 3",4\n' * 20
    text = "a,b,c\n" + good + '1,"2,3\n1,2,3\n1,2",3,4\n' + good
    swallowed = next(record for record in feed.records(text) if record.error)
    assert swallowed.line == 22
    assert "several lines" in (swallowed.error or "")


def test_a_file_that_ends_inside_quotes_is_refused(feed: Feed) -> None:
    source = feed.inspect("a,b\n" + "1,2\n" * 50 + '3,"cut\n4,5\n').source
    with pytest.raises(UnreadableFeed, match="opens in the row on line 52 is never closed"):
        list(read(feed.path, source))


def test_a_cell_beyond_the_limit_names_its_row(feed: Feed) -> None:
    source = feed.inspect("a,b\n" + "1,2\n" * 100_000 + '3,"' + "x\n" * 510_000 + '"\n').source
    with pytest.raises(UnreadableFeed, match="The row that starts on line 100002"):
        for _ in read(feed.path, source):
            pass


def test_a_record_path_is_refused(feed: Feed) -> None:
    with pytest.raises(UnreadableFeed, match="a record path can only be given for XML"):
        feed.inspect("a,b\n1,2\n", record="c/p")


def test_a_line_without_end_is_refused(feed: Feed) -> None:
    source = feed.inspect("a,b\n1,2\n" + "1,2," * 4_000_001).source
    with pytest.raises(UnreadableFeed, match=r"line 3 cannot be read \(a line is longer than"):
        list(read(feed.path, source))


def test_nuls_and_lone_surrogates_are_removed_with_a_warning(feed: Feed) -> None:
    nul, half, pair, good = feed.records(
        b"sku,name\n1,a\0b\n2,a\xed\xa0\xbdb\n3,\xed\xa0\xbd\xed\xb8\x80\n4,ab\n"
    )
    assert nul.fields["name"] == half.fields["name"] == good.fields["name"] == "ab"
    assert pair.fields["name"] == "\U0001f600"
    assert len(nul.warnings) == len(half.warnings) == 1
    assert "\0" not in nul.raw
    assert good.warnings == ()


def test_a_header_alone_is_a_feed_of_no_records(feed: Feed) -> None:
    found = feed.inspect("sku,name,price\n")
    assert found.columns == ("sku", "name", "price")
    assert list(read(feed.path, found.source)) == []


def test_a_file_of_one_column_is_read(feed: Feed) -> None:
    records = feed.records("sku\nA1\nA2\n")
    assert [record.fields for record in records] == [{"sku": "A1"}, {"sku": "A2"}]


def test_five_thousand_columns_are_read(feed: Feed) -> None:
    header = ",".join(f"field {n}" for n in range(5_000))
    records = feed.records(f"{header}\n" + f"{','.join(['x'] * 5_000)}\n" * 20)
    assert len(records) == 20
    assert records[-1].fields["field 4999"] == "x"
    assert records[-1].error is None


def test_leading_zeros_and_blanks_survive(feed: Feed) -> None:
    (record,) = feed.records("sku,ean,name\n007 ,0012345678905, tile\n")
    assert record.fields == {"sku": "007 ", "ean": "0012345678905", "name": " tile"}


def test_a_cell_beyond_the_limit_is_said_in_plain_words(feed: Feed) -> None:
    with pytest.raises(
        UnreadableFeed, match=r"line 2 .*a cell of it is longer than 1,000,000 char"
    ):
        feed.records(f'sku,name\nA1,"{"y" * 1_000_001}"\n')


def test_a_guessed_encoding_is_a_warning(feed: Feed) -> None:
    feed.path.write_bytes("sku,name\nA1,Größe weiß\n".encode("cp1252"))
    (warning,) = inspect(feed.path).warnings
    assert warning.startswith("The encoding is guessed: cp1252.")
    assert inspect(feed.path, encoding="cp1252").warnings == ()
