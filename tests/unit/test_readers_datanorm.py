"""Datanorm 4: articles of A and B records, price records, and the price of one unit."""

from pathlib import Path

import pytest

from imports.readers import Inspection, Record, UnreadableFeed, inspect, read, unpacked
from tests.fixtures.feeds import zip_of

HEADER = f"V 300626{'Nordlicht Fliesen Preisliste':<40}{'':<40}{'':<35}04EUR\r\n"
ARTICLES = (
    "A;N;NL-001;00;Bodenfliese grau für außen;60 x 60 cm;1;0;m2;2495;RG1;010;;\r\n"
    "B;N;NL-001;BODENFL GRAU;;12;0;0;0;4006381333931;;0101;0;4;;;\r\n"
    "A;N;NL-002;00;Fliesenkreuz 3 mm;;2;2;Stck;395;RG2;020;;\r\n"
    "A;L;NL-003;00;Alte Fliese;;1;0;m2;100;RG1;010;;\r\n"
    "T;N;T1;1;1;Ein langer Text;\r\n"
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "DATANORM.001"


def opened(file: Path, text: str, codec: str = "cp850") -> tuple[Inspection, list[Record]]:
    file.write_bytes((HEADER + text).encode(codec))
    found = inspect(file)
    return found, list(read(file, found.source))


def test_articles_are_read_with_what_belongs_to_them(file: Path) -> None:
    found, (first, second, deleted) = opened(file, ARTICLES)
    assert (found.source.type, found.source.stored_type) == ("datanorm", "csv")
    assert found.warnings == ("Records of texts, groups and discounts are left out: 1 T.",)
    wanted = {
        "Artikelnummer": "NL-001",
        "Kurztext 1": "Bodenfliese grau für außen",
        "Preis": "24.95",
        "Preisart": "brutto",
        "Mengeneinheit": "m2",
        "EAN": "4006381333931",
        "Warengruppe": "0101",
        "Währung": "EUR",
    }
    assert wanted.items() <= first.fields.items()
    assert (first.line, second.line, deleted.line) == (2, 4, 5)
    assert first.raw.count("\r\n") == 2
    assert deleted.error == "The article is marked as deleted (L)."


def test_a_price_is_that_of_one_unit(file: Path) -> None:
    _, (_, second, _) = opened(file, ARTICLES)
    assert (second.fields["Preis"], second.fields["Preiseinheit"]) == ("0.0395", "100")
    assert second.fields["Preisart"] == "netto"


def test_price_records_hold_up_to_three_articles(file: Path) -> None:
    _, records = opened(
        file, "P;A;NL-1;1;2500;1;4000;0;0;0;0;NL-2;1;990;1;0;0;0;0;0;NL-3;2;5;;;;;;;\r\n"
    )
    found = [(r.fields["Artikelnummer"], r.fields["Preis"], r.line) for r in records]
    assert found == [("NL-1", "25", 2), ("NL-2", "9.9", 2), ("NL-3", "0.05", 2)]


@pytest.mark.parametrize("codec", ["cp850", "cp1252", "utf-8"])
def test_umlauts_tell_the_encoding(file: Path, codec: str) -> None:
    found, (first, *_) = opened(file, ARTICLES, codec)
    assert found.source.encoding == codec
    assert first.fields["Kurztext 1"] == "Bodenfliese grau für außen"


@pytest.mark.parametrize(
    ("row", "error"),
    [
        ("A;N;X;00;Text;;1;7;m2;100;R;H;;", 'The price unit "7" is none of Datanorm 4'),
        ("A;N;X;00;Text;;1;0;m2;1,50;R;H;;", 'The price "1,50" is not in whole cents.'),
        ("A;N;X;00;Text", "The A record has 5 fields"),
        ("B;N;X;MATCH;;;;;;;;;;;;;", "does not follow the A record"),
    ],
)
def test_a_wrong_record_fails_alone(file: Path, row: str, error: str) -> None:
    _, records = opened(file, f"{row}\r\n{ARTICLES}")
    assert error in str(records[0].error)
    assert records[1].error is None


def test_other_lines_and_versions_are_refused(file: Path) -> None:
    with pytest.raises(UnreadableFeed, match='Line 3 is no record of Datanorm 4: it starts "sku'):
        opened(file, ARTICLES.split("\r\n")[0] + "\r\nsku;price\r\n")
    file.write_bytes(b"V;050;A;20260630;EUR;Nordlicht;;;;;;;;;\r\nA;N;1;\r\n")
    with pytest.raises(UnreadableFeed, match="Datanorm 5"):
        inspect(file)


def test_articles_are_chosen_from_an_archive_of_all_files(file: Path) -> None:
    groups = HEADER + "S;;010;Fliesen;0101;Boden;\r\n" * 30
    file.write_bytes(
        zip_of({"DATANORM.WRG": groups.encode(), "DATANORM.001": (HEADER + ARTICLES).encode()})
    )
    with unpacked(file) as plain:
        assert plain.entry == "DATANORM.001"
