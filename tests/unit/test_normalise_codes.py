"""Codes, sizes, units, stock and text: the raw text is kept, the normal form can be compared."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobtracker.catalogue.normalise import (
    BadValue,
    fold_sku,
    has_check_digit,
    is_empty,
    one_line,
    parse_ean,
    parse_length,
    parse_size,
    parse_stock,
    plain_text,
    unit_of,
)


@pytest.mark.parametrize("spelling", ["AB-12/3", "ab 12.3", "AB_123", "АВ-12/3", "ΑΒ 12 3"])
def test_spellings_of_a_sku_fold_to_one(spelling):
    assert fold_sku(spelling) == "AB123"


def test_fold_keeps_leading_zeros_and_never_empties():
    assert fold_sku("007-1") == "0071"
    assert fold_sku("--") == "--"


@given(
    st.lists(st.text("ABCXYZ0123456789", min_size=1, max_size=5), min_size=1),
    st.sampled_from(" -_./"),
)
def test_folding_ignores_case_and_separators(parts, separator):
    assert fold_sku(separator.join(parts).lower()) == "".join(parts)


@pytest.mark.parametrize(
    ("text", "valid"),
    [
        ("4006381333931", "4006381333931"),
        ("400638 1333931", "4006381333931"),
        ("036000291452", "0036000291452"),
        ("0036000291452", "0036000291452"),
        ("04006381333931", "4006381333931"),
        ("96385074", "96385074"),
    ],
)
def test_ean_is_compared_in_one_form(text, valid):
    ean = parse_ean(text)
    assert (ean.raw, ean.valid, ean.problem) == (text, valid, None)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("4006381333932", "wrong check digit"),
        ("2000000000008", "a shop's own number (restricted prefix)"),
        ("0000000000000", "all zeros"),
        ("12345", "5 digits instead of 8, 12, 13 or 14"),
        ("4,00638E+12", "rounded by a spreadsheet"),
        ("https://example.com", "not only digits"),
        ("٤٠٠٦٣٨١٣٣٣٩٣١", "not only digits"),
    ],
)
def test_bad_ean_is_kept_without_a_valid_form(text, problem):
    ean = parse_ean(text)
    assert (ean.raw, ean.valid, ean.problem) == (text, None, problem)


@given(st.text("0123456789", min_size=12, max_size=12), st.integers(1, 9))
def test_one_wrong_digit_breaks_the_check(body, change):
    good = next(body + digit for digit in "0123456789" if has_check_digit(body + digit))
    assert not has_check_digit(str((int(good[0]) + change) % 10) + good[1:])


@pytest.mark.parametrize(
    ("text", "sides"),
    [
        ("60x60 cm", ("600", "600", None)),
        ('24"x48"', ("609.6", "1219.2", None)),
        ("10 mm", (None, None, "10")),
        ("120 cm", ("1200", None, None)),
        ("600 x 1200 x 9 mm", ("600", "1200", "9")),
        ("60×120", ("600", "1200", None)),
        ("600X1200", ("600", "1200", None)),
        ("10m x 0.53m", ("10000", "530", None)),
        ("19,7х100 см", ("197", "1000", None)),
        ("60W x 30H cm", ("600", "300", None)),
        ('23 5/8" x 47 1/4"', ("600.075", "1200.15", None)),
    ],
)
def test_size_is_read_in_mm(text, sides):
    size = parse_size(text)
    assert (size.width, size.height, size.thickness) == sides


@pytest.mark.parametrize(
    "text", ["S, M, L, XL", "39-42, 43-46", "600", "1/0x2", "big", "1x2x3x4 cm"]
)
def test_what_is_no_size_stays_text(text):
    assert parse_size(text) is None


def test_guessed_unit_is_named():
    assert parse_size("60x120").guessed == "cm"
    assert parse_size("60x120 mm").guessed is None


def test_length_takes_its_columns_unit_only_where_none_is_written():
    assert parse_length("60", "cm") == "600"
    assert parse_length("9,5 mm", "cm") == "9.5"
    with pytest.raises(BadValue):
        parse_length("thick")


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("M²", "m2"),
        ("MTK", "m2"),
        ("Stück", "pc"),
        ("τεμάχιο", "pc"),
        ("шт.", "pc"),
        ("furlong", "furlong"),
    ],
)
def test_units_have_one_short_form(text, unit):
    assert unit_of(text) == unit


@pytest.mark.parametrize(
    ("text", "quantity", "available"),
    [
        ("150", "150", True),
        ("1.204", "1204", True),
        ("1,204", "1204", True),
        (">100", "100", True),
        ("10+", "10", True),
        ("150 Stk", "150", True),
        ("0", "0", False),
        ("in_stock", None, True),
        ("Auf Lager", None, True),
        ("out of stock", "0", False),
        ("нет в наличии", "0", False),
    ],
)
def test_stock_is_read(text, quantity, available):
    stock = parse_stock(text)
    assert (stock.quantity, stock.available) == (quantity, available)


def test_unknown_stock_is_refused():
    with pytest.raises(BadValue):
        parse_stock("perhaps")


@pytest.mark.parametrize(
    "text", ["", "  ", "N/A", "#N/D", "-", "on request", "Preis auf Anfrage", "–"]
)
def test_words_for_nothing_are_empty(text):
    assert is_empty(text)
    assert one_line(text) == ""


def test_zero_is_not_empty():
    assert not is_empty("0")


def test_text_is_cleaned():
    assert one_line(" a\u00a0 b\n c\x00\ud800 ") == "a b c"
    assert one_line("Tom &amp; Co") == "Tom & Co"
    assert plain_text(
        "<p>One &amp; two</p><ul><li>x</li><li>y</li></ul>z<script>evil()</script>"
    ) == ("One & two\nx\ny\nz")
    assert plain_text("&lt;p&gt;Escaped&lt;/p&gt;") == "Escaped"
    assert plain_text("a < b and c > d") == "a < b and c > d"


@given(st.text(max_size=200))
def test_any_text_becomes_storable(text):
    for read in (one_line, plain_text):
        cleaned = read(text)
        assert "\x00" not in cleaned
        cleaned.encode()  # no lone surrogates


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("<p>One</p> <p class='x'>two<br/>three</p>", "One\ntwo\nthree"),
        ("a <b>bold</b> word &amp; &eacute;", "a bold word & é"),
        ("<DIV>Big</DIV>\n<div>small</div>", "Big\nsmall"),
        ("<p>seen</p><!-- unseen --><style>p {}</style><p>too</p>", "seen\ntoo"),
        ("<p>never closed", "never closed"),
        ("<p>-</p>", ""),
    ],
)
def test_markup_becomes_lines(markup, text):
    assert plain_text(markup) == text
