"""Encodings are told or refused with a place, and never garble a text silently."""

from pathlib import Path

import pytest

from imports.readers import UnreadableFeed, inspect, read

TEXTS = {
    "cp1252": "nom;prix;matière\nDrap brodé;12,50;coton épais\nRideau façonné;8,00;lin\n",
    "cp1250": "nazwa;cena;materiał\nZasłona żółta;12,50;bawełna\nPościel;8,00;płótno śnieżne\n",
    "cp1253": "όνομα;τιμή;υλικό\nΠλακάκι Άσπρο;12,50;πορσελάνη €\nΎφασμα;8,00;βαμβάκι\n",
    "cp1251": "название;цена;материал\nПлитка;12,50;фарфор\nТкань;8,00;хлопок\n",
    "utf-8": "name;price;material\nTürgriff;12,50;Messing – poliert\nŁódź;8,00;naïve\n",
    "utf-8-sig": "name;price;material\nTürgriff;12,50;Messing\n",
    "utf-16": "name;price;material\nTürgriff;12,50;Messing\n",
    "utf-16-le": "name;price;material\nTürgriff;12,50;Messing\n",
    "utf-16-be": "name;price;material\nTürgriff;12,50;Messing\n",
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "feed"


@pytest.mark.parametrize("encoding", TEXTS)
def test_encodings_of_tables_are_found(file: Path, encoding: str) -> None:
    file.write_bytes(TEXTS[encoding].encode(encoding))
    source = inspect(file).source
    rows = [list(record.fields.values()) for record in read(file, source)]
    assert rows == [line.split(";") for line in TEXTS[encoding].splitlines()[1:]]
    assert source.encoding == encoding


def test_a_greek_iso_file_reads_right(file: Path) -> None:
    text = "όνομα;τιμή;υλικό\nΠλακάκι;12,50;πορσελάνη\nύφασμα;8,00;βαμβάκι\n"
    file.write_bytes(text.encode("iso-8859-7"))
    assert next(read(file, inspect(file).source)).fields["όνομα"] == "Πλακάκι"


def test_a_single_accent_late_in_the_file_is_western(file: Path) -> None:
    file.write_bytes(b"sku,name\n" + b"1,tile\n" * 60_000 + b"2,caf\xe9\n")
    found = inspect(file)
    assert found.source.encoding == "cp1252"
    *_, last = read(file, found.source)
    assert last.fields["name"] == "café"


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("weiß/glanz", "cp1252"),
        ("Grès émaillé à décor", "cp1252"),
        ("Blå fliser rød", "cp1252"),
        ("12 m² 25,00 €", "cp1252"),
        ("20 × 30 cm", "cp1252"),
        ("Ø 12 mm, 25 °C", "cp1252"),
        ("it’s oak – “nice”", "cp1252"),
        ("Płytka ścienna żółta", "cp1250"),
        ("Kafelki łazienkowe", "cp1250"),
        ("Keramická dlažba šedá", "iso8859-2"),
        ("Плитка белая с узором", "cp1251"),
        ("Плитка белая с узором", "koi8-r"),
        ("Плитка белая с узором", "cp866"),
        ("Πλακάκι λευκό", "cp1253"),
        ("אריח לבן", "cp1255"),
        ("بلاط أبيض", "cp1256"),
        ("Fliesen für Wände weiß", "mac-roman"),
        ("Fliesen für Wände weiß", "cp850"),
        ("瓷砖 白色 地板", "gb18030"),
    ],
)
def test_a_few_words_are_enough_for_the_code_page(file: Path, text: str, encoding: str) -> None:
    rows = "".join(f"A-{number};{text}\n" for number in range(5))
    file.write_bytes(f"sku;name\n{rows}".encode(encoding))
    assert next(read(file, inspect(file).source)).fields["name"] == text


def test_a_bad_byte_far_into_a_utf8_file_is_located(file: Path) -> None:
    line = "1,Türgriff\n".encode()
    lines = 5_000_000 // len(line)
    file.write_bytes(b"sku,name\n" + line * lines + b"2,T\xfcr\n" + line)
    with pytest.raises(UnreadableFeed) as caught:
        inspect(file)
    offset = len(b"sku,name\n") + len(line) * lines + 3
    assert f"byte 0xFC at line {lines + 2}, column 4 (offset {offset:,})" in str(caught.value)


def test_a_stated_encoding_passes_over_the_byte_order_mark(file: Path) -> None:
    file.write_bytes('"sku";"price"\n1;2\n'.encode("utf-8-sig"))
    assert inspect(file, encoding="UTF-8").columns == ("sku", "price")


def test_utf16_stated_of_another_file_is_refused(file: Path) -> None:
    file.write_bytes(b"sku,name\n1,tile\n")
    with pytest.raises(UnreadableFeed, match="The file is not utf-16"):
        inspect(file, encoding="utf-16")


def test_a_stated_encoding_is_obeyed_and_checked(file: Path) -> None:
    file.write_bytes("sku,name\n1,T\xfcr\n2,Tor\n".encode("cp1252"))
    found = inspect(file, encoding="cp1250")
    assert next(read(file, found.source)).fields["name"] == "Tür"
    with pytest.raises(UnreadableFeed, match="not ascii: byte 0xFC at line 2, column 4"):
        inspect(file, encoding="ascii")


def test_a_bad_byte_beyond_the_sample_stops_the_reading_with_its_place(file: Path) -> None:
    file.write_bytes(b"sku,name\n" + b"1,tile\n" * 100_000 + b"2,T\xfcr\n")
    source = inspect(file, encoding="utf-8").source
    records = read(file, source)
    with pytest.raises(UnreadableFeed, match="not utf-8: byte 0xFC at line 100002, column 4"):
        for _ in records:
            pass


def test_xml_declarations_are_obeyed(file: Path) -> None:
    xml = '<?xml version="1.0" encoding="windows-1253"?><c><p><sku>1</sku><n>Πλακάκι</n></p></c>'
    file.write_bytes(xml.encode("cp1253"))
    found = inspect(file, record="c/p")
    assert found.source.encoding == "windows-1253"
    assert next(read(file, found.source)).fields["n"] == "Πλακάκι"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_xml_with_a_byte_order_mark_is_read(file: Path, encoding: str) -> None:
    file.write_bytes("<c><p><sku>1</sku><name>Plättchen</name></p></c>".encode(encoding))
    found = inspect(file, record="c/p")
    assert found.source.encoding == encoding
    assert next(read(file, found.source)).fields["name"] == "Plättchen"


def test_xml_without_a_declaration_is_guessed_as_any_text(file: Path) -> None:
    file.write_bytes("<c><p><sku>1</sku><name>Plättchen größer</name></p></c>".encode("cp1252"))
    found = inspect(file, record="c/p")
    assert found.source.encoding == "cp1252"
    assert next(read(file, found.source)).fields["name"] == "Plättchen größer"


def test_xml_that_lies_about_its_encoding_is_located_and_can_be_overruled(file: Path) -> None:
    xml = '<?xml version="1.0" encoding="UTF-8"?>\n<c><p><sku>1</sku><name>Plättchen</name></p></c>'
    file.write_bytes(xml.encode("cp1252"))
    with pytest.raises(UnreadableFeed, match="line 2, column"):
        inspect(file)
    source = inspect(file, encoding="cp1252", record="c/p").source
    assert next(read(file, source)).fields["name"] == "Plättchen"


def test_an_encoding_that_xml_cannot_have_is_refused(file: Path) -> None:
    file.write_bytes(b"<c><p><sku>1</sku></p></c>")
    with pytest.raises(UnreadableFeed, match='XML cannot be read in the encoding "punycode"'):
        inspect(file, encoding="punycode")


def test_a_declaration_can_be_overruled_with_utf8(file: Path) -> None:
    xml = '<?xml version="1.0" encoding="iso-8859-1"?><c><p><sku>1</sku><n>für</n></p></c>'
    file.write_text(xml, encoding="utf-8")
    source = inspect(file, encoding="utf-8", record="c/p").source
    assert next(read(file, source)).fields["n"] == "für"
