"""Numbers and prices in the notations of many suppliers; what cannot be read says why."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobtracker.catalogue.normalise import (
    BadValue,
    currencies,
    decimal_style,
    parse_number,
    parse_price,
    settle,
)


@pytest.mark.parametrize(
    ("text", "style", "number"),
    [
        ("1234.5", None, "1234.5"),
        ("1.234,56", None, "1234.56"),
        ("1,234.56", None, "1234.56"),
        ("1.234.567", None, "1234567"),
        ("1,23,456.00", None, "123456.00"),
        ("12,5", None, "12.5"),
        ("12,5", ".", "12.5"),
        ("0,125", ".", "0.125"),
        ("17.779", ".", "17.779"),
        ("17.779", ",", "17779"),
        ("17,779", ",", "17.779"),
        ("17,779", ".", "17779"),
        ("1 234,50", None, "1234.50"),
        ("1\u202f234,50", None, "1234.50"),
        ("1\u00a0234", None, "1234"),
        ("1\u2009234.5", None, "1234.5"),
        ("1'234.50", None, "1234.50"),
        ("1’234.50", None, "1234.50"),
        ("-5,00", None, "-5.00"),
        ("−5", None, "-5"),
        ("5,00-", None, "-5.00"),
        ("007", None, "7"),
        (".5", None, "0.5"),
        ("١٢٫٥٠", None, "12.50"),
        ("१२३", None, "123"),
        ("１２．５", None, "12.5"),
        ("-0.00", None, "0.00"),
    ],
)
def test_number_is_read(text, style, number):
    assert parse_number(text, style) == number


@pytest.mark.parametrize(
    "text", ["", "abc", "1.2.3", "1,2,3", "1.234,567,890", "10 20", "1e5", "--5"]
)
def test_what_is_no_number_is_refused(text):
    with pytest.raises(BadValue) as refused:
        parse_number(text)
    assert refused.value.reason
    assert refused.value.hint


@pytest.mark.parametrize(
    ("column", "style"),
    [
        (["12,70", "1.250"], ","),
        (["12.70", "1.250"], "."),
        (["1.234,50", "5"], ","),
        (["1,234", "2,500", "9,999"], "."),
        (["1.234", "2.500", "17.779"], None),
        (["1.234", "15000"], "."),
        (["5", "6"], None),
        (["12.5", "13.5", "12,5"], "."),
        (["€ 12,70", "1.250 €"], ","),
        ([], None),
    ],
)
def test_column_decides_its_style(column, style):
    assert decimal_style(column) == style


@pytest.mark.parametrize("text", ["1e400", "1,25E+02"])
def test_a_price_with_an_exponent_is_refused_as_such(text):
    with pytest.raises(BadValue, match="exponent"):
        parse_price(text)


@given(
    st.decimals(min_value=-(10**9), max_value=10**9, places=2),
    st.sampled_from([(",", "."), (".", ","), (" ", ","), ("'", "."), ("\u202f", ","), ("", ".")]),
)
def test_grouped_amounts_survive(number, notation):
    group, decimal = notation
    text = f"{number:,.2f}".replace(",", "#").replace(".", decimal).replace("#", group)
    assert Decimal(parse_number(text)) == number


@given(st.text(max_size=30))
def test_any_text_is_a_plain_number_or_refused(text):
    for read in (parse_number, lambda value: parse_price(value).amount):
        try:
            amount = read(text)
        except BadValue:
            continue
        assert Decimal(amount).is_finite()


@pytest.mark.parametrize(
    ("text", "amount", "marks", "unit"),
    [
        ("€45.50", "45.50", ("EUR",), None),
        ("45.50 EUR", "45.50", ("EUR",), None),
        ("1.234,50 EUR/m²", "1234.50", ("EUR",), "m2"),
        ("EUR 12.50 per m2", "12.50", ("EUR",), "m2"),
        ("28,490/-", "28490", (), None),
        ("12,-", "12", (), None),
        ("CHF 12.–", "12", ("CHF",), None),
        ("0.00 INR", "0.00", ("INR",), None),
        ("1 234,50 zł", "1234.50", ("PLN",), None),
        ("499,00 Kč", "499.00", ("CZK",), None),
        ("R$ 1.234,56", "1234.56", ("BRL",), None),
        ("100 RUR", "100", ("RUB",), None),
        ("75 Dhs", "75", ("AED",), None),
        ("150 Fcfa", "150", ("XOF", "XAF"), None),
        ("500 kr", "500", ("SEK", "NOK", "DKK", "ISK"), None),
        ("-5,00", "-5.00", (), None),
        ("- €5.00", "-5.00", ("EUR",), None),
        ("ab 12,00 €", "12.00", ("EUR",), None),
        ("12.50 incl. VAT", "12.50", (), None),
    ],
)
def test_price_is_split(text, amount, marks, unit):
    price = parse_price(text)
    assert (price.amount, price.marks, price.unit) == (amount, marks, unit)


@pytest.mark.parametrize("text", ["abc", "10 - 20", "10,00–12,00 €", "2 for 10", "9" * 20, "€"])
def test_what_is_no_single_price_is_refused(text):
    with pytest.raises(BadValue):
        parse_price(text)


@pytest.mark.parametrize(
    ("text", "warning"),
    [
        ("0.00", "the price is 0"),
        ("-5", "the price is negative"),
        ("from 12", "a starting price, not an exact one"),
        ("17.779", "may be grouped or have three decimals"),
        ("12 quids", "ignored beside the amount: quids"),
    ],
)
def test_doubtful_price_is_kept_with_a_warning(text, warning):
    assert warning in parse_price(text).warnings


def test_words_beside_a_price_are_no_currency():
    assert parse_price("12.50 all").marks == ()
    assert currencies("ALL") == ("ALL",)
    assert currencies("Wampum") == ()


def test_default_settles_only_what_it_may_mean():
    assert settle("$", None) is None
    assert settle("$", "CAD") == "CAD"
    assert settle("$", "EUR") is None
    assert settle("eur", "USD") == "EUR"
