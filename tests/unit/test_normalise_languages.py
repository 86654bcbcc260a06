"""Currencies, units, stock, sizes, colours and finishes in the words of many languages."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobtracker.catalogue.normalise import (
    BadValue,
    currencies,
    is_code,
    known_unit,
    normal_colour,
    normal_finish,
    normalise_record,
    parse_size,
    parse_stock,
)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("RUR", "RUB"), ("руб.", "RUB"), ("₽", "RUB"), ("Dhs", "AED"), ("Kč", "CZK"),
        ("zł", "PLN"), ("лв.", "BGN"), ("leva", "BGN"), ("Ft", "HUF"), ("forint", "HUF"),
        ("TL", "TRY"), ("₼", "AZN"), ("тг", "KZT"), ("сум", "UZS"), ("KM", "BAM"), ("Rp", "IDR"),
        ("RM", "MYR"), ("NT$", "TWD"), ("COP$", "COP"), ("R$", "BRL"), ("ر.س", "SAR"),
        ("د.م.", "MAD"), ("đ", "VND"), ("грн", "UAH"), ("L.E.", "EGP"), ("кронор", None),
        ("kronor", "SEK"), ("원", "KRW"), ("円", "JPY"), ("元", "CNY"),
    ],
)  # fmt: skip
def test_a_word_that_means_one_currency(text, code):
    assert currencies(text) == ((code,) if code else ())


@pytest.mark.parametrize(
    ("text", "some"),
    [
        ("kr", "SEK"), ("kr.", "DKK"), ("$", "CAD"), ("Fcfa", "XOF"), ("Lei", "RON"),
        ("din.", "RSD"), ("dirham", "MAD"), ("¥", "CNY"), ("Rs.", "PKR"), ("dollars", "AUD"),
        ("Br", "BYN"), ("kroner", "NOK"),
    ],
)  # fmt: skip
def test_a_word_that_means_several_names_them_and_settles_nothing(text, some):
    found = currencies(text)
    assert len(found) > 1
    assert some in found


@given(st.text(max_size=12))
def test_whatever_is_written_means_codes_or_nothing(text):
    assert all(map(is_code, currencies(text)))


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("C62", "pc"), ("H87", "pc"), ("MTK", "m2"), ("MTR", "m"), ("KGM", "kg"), ("LTR", "l"),
        ("XBX", "box"), ("XPX", "pallet"), ("NRL", "roll"), ("DZN", "dozen"), ("CEN", "100 pc"),
        ("MIL", "1000 pc"), ("INH", "in"), ("FTK", "ft2"), ("ONZ", "oz"), ("adet", "pc"),
        ("buc", "pc"), ("stuks", "pc"), ("db", "pc"), ("箱", "box"), ("平方米", "m2"),
        ("laufende Meter", "m"), ("Dutzend", "dozen"), ("кв. м", "m2"),
    ],
)  # fmt: skip
def test_units_by_word_and_by_code(text, unit):
    assert known_unit(text) == unit


@pytest.mark.parametrize(
    ("text", "quantity", "available"),
    [
        ("https://schema.org/InStock", None, True),
        ("http://schema.org/OutOfStock", "0", False),
        ("op voorraad", None, True), ("niet op voorraad", "0", False),
        ("varastossa", None, True), ("ei varastossa", "0", False),
        ("raktáron", None, True), ("nincs raktáron", "0", False),
        ("stokta var", None, True), ("stokta yok", "0", False),
        ("в наявності", None, True), ("немає в наявності", "0", False),
        ("有货", None, True), ("缺货", "0", False), ("нет", "0", False), ("brak", "0", False),
        ("in stock: 12", "12", True), ("In stock (3 pcs)", "3", True),
        ("skladem > 5 ks", "5", True),
        ("lieferbar in 3 Tagen", None, True), ("Διαθέσιμο 1 - 3 ημέρες", None, True),
        ("out of stock until May", "0", False), ("nicht verfügbar bis Mai", "0", False),
    ],
)  # fmt: skip
def test_stock_words(text, quantity, available):
    stock = parse_stock(text)
    assert (stock.quantity, stock.available) == (quantity, available)


@pytest.mark.parametrize("text", ["1-3 days", "perhaps", "note", "nothing to say", "daily"])
def test_what_says_nothing_of_stock_is_refused(text):
    with pytest.raises(BadValue):
        parse_stock(text)


@given(st.text(max_size=30))
def test_any_stock_is_read_or_refused(text):
    try:
        stock = parse_stock(text)
    except BadValue:
        return
    assert stock.quantity is None or Decimal(stock.quantity).is_finite()
    assert stock.available or stock.quantity is not None


@pytest.mark.parametrize(
    ("text", "sides"),
    [
        ("1.200 x 600 mm", ("1200", "600", None)),
        ("1,200 x 600 mm", ("1200", "600", None)),
        ("1.200 m", ("1200", None, None)),
        ("25 m x 1.06 m", ("25000", "1060", None)),
        ("120x60cm, 9 mm", ("1200", "600", "9")),
        ("120x60cm x 9mm", ("1200", "600", "9")),
        ("60/120 cm", ("600", "1200", None)),
        ("60 by 120 cm", ("600", "1200", None)),
        ("W60 D45 H80 cm", ("600", "800", "450")),
        ("H 80 x B 60 cm", ("600", "800", None)),
        ("120(L)x60(B)x75(H) cm", ("1200", "600", "750")),
    ],
)
def test_sizes_of_further_notations(text, sides):
    size = parse_size(text)
    assert (size.width, size.height, size.thickness) == sides


@pytest.mark.parametrize("text", ["1,5 mm, 2 mm", "12/5 mm", "39-42, 43-46", "5/8"])
def test_what_may_mean_two_things_is_no_size(text):
    assert parse_size(text) is None


_LENGTHS = st.integers(1, 9999)


@given(_LENGTHS, _LENGTHS, st.sampled_from(["x", " x ", "×", "X", " * ", "х"]),
       st.sampled_from([("mm", 1), ("cm", 10), ("m", 1000), ("см", 10)]))  # fmt: skip
def test_two_sides_of_one_unit_are_read_in_mm(width, height, sign, unit):
    name, factor = unit
    size = parse_size(f"{width}{sign}{height} {name}")
    assert (size.width, size.height) == (str(width * factor), str(height * factor))


@given(st.text(max_size=30))
def test_any_size_is_in_plain_numbers_or_none(text):
    size = parse_size(text)
    if size:
        sides = [each for each in (size.width, size.height, size.thickness) if each]
        assert sides
        assert all(Decimal(each).is_finite() for each in sides)


@pytest.mark.parametrize(
    ("text", "colour"),
    [
        ("Weiß", "white"), ("biała", "white"), ("λευκό", "white"), ("Bílá", "white"),
        ("белый", "white"), ("valkoinen", "white"), ("白色", "white"), ("dunkelblau", "blue"),
        ("hellgrau / Schwarz", "grey, black"), ("Γκρί - Μπλέ", "grey, blue"), ("hvid", "white"),
        ("rotbraun", "brown"), ("Anthrazitgrau", "anthracite"), ("vit", "white"), ("oak", None),
        ("carrot", None), ("RAL 9010", None), ("", None),
    ],
)  # fmt: skip
def test_colours_have_one_form(text, colour):
    assert normal_colour(text) == colour


@pytest.mark.parametrize(
    ("text", "finish"),
    [
        ("Matte", "matt"), ("matt", "matt"), ("матовая", "matt"), ("γυαλιστερό", "gloss"),
        ("lucido", "gloss"), ("poliert", "polished"), ("Oberfläche geölt", "oiled"),
        ("Oil Finish", "oiled"), ("strukturiert", "structured"), ("bush-hammered", None),
    ],
)  # fmt: skip
def test_finishes_have_one_form(text, finish):
    assert normal_finish(text) == finish


def test_the_normal_form_stands_beside_the_text_as_written():
    row = normalise_record({"sku": "1", "colour": "Weiß", "finish": "Oil Finish"})
    assert (row.vals["colour"], row.vals["finish"]) == ("Weiß", "Oil Finish")
    assert row.provenance["colour"] == {"raw": "Weiß", "normal": "white"}
    assert row.provenance["finish"] == {"raw": "Oil Finish", "normal": "oiled"}
    assert normalise_record({"sku": "1", "colour": "oak"}).provenance["colour"] == {"raw": "oak"}


@given(st.text(max_size=60))
def test_any_text_has_a_form_or_none(text):
    for read in (normal_colour, normal_finish):
        assert read(text) is None or read(text).isascii()
