"""What the values of a field look like, and how well that fits each target."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from jobtracker.catalogue.normalise import (
    BadValue,
    currencies,
    decimal_style,
    has_check_digit,
    is_code,
    is_empty,
    is_stock_word,
    known_unit,
    parse_length,
    parse_price,
    parse_size,
    parse_stock,
)

from .names import FINISHES

_URL = re.compile(r"(?:https?:)?//\S+|www\.\S+", re.IGNORECASE)
_IMAGE = re.compile(r".+\.(?:jpe?g|png|gif|webp|avif|bmp|tiff?|svg)(?:[?#].*)?", re.IGNORECASE)
_HTML = re.compile(r"</?[a-zA-Z][^<>]*>")
_CODE = re.compile(r"(?=\S*\d)\S{1,40}")
_LETTER = re.compile(r"[^\W\d_]")
_WEIGHT = re.compile(r"[\d.,' ]+\s*[^\W\d]{0,6}\.?(?:/\w+²?)?")

GOOD, FAIR, NEUTRAL, POOR, WRONG = 1.0, 0.8, 0.6, 0.35, 0.1
Fit = tuple[float, str]


@dataclass(frozen=True)
class Shape:
    """Shares (0..1) of the sampled values that have each form, and how the whole field varies."""

    values: tuple[str, ...]
    coverage: float
    unique: float
    distinct: int
    text: float
    number: float
    priced: float
    marked: float
    marks: tuple[str, ...]
    ean: float
    gtin: float
    url: float
    image: float
    html: float
    size: float
    length: float
    weight: float
    stock: float
    stock_words: float
    unit: float
    code: float
    codelike: float
    counting: bool
    currency: float
    finish: float
    mean_length: float


def shape_of(values: Sequence[str], *, coverage: float, distinct: int, unique: float) -> Shape:
    """Look at sampled `values`; `coverage`, `distinct` and `unique` (distinct values by filled
    rows) are those of the whole field."""
    kept = tuple(value.strip() for value in values if not is_empty(value))
    count = len(kept) or 1

    def share(test: Callable[[str], bool]) -> float:
        return sum(map(test, kept)) / count

    found = [marks for value in kept if (marks := _marks(value))]
    return Shape(
        values=kept,
        coverage=coverage,
        unique=unique,
        distinct=distinct,
        text=share(lambda value: bool(_LETTER.search(value))),
        number=share(lambda value: value.replace(".", "").replace(",", "").isdigit()),
        priced=share(_is_price),
        marked=len(found) / count,
        marks=tuple(dict.fromkeys("/".join(marks) for marks in found)),
        ean=share(lambda value: _is_gtin(value) and has_check_digit(value)),
        gtin=share(_is_gtin),
        url=share(lambda value: bool(_URL.match(value))),
        image=share(lambda value: bool(_IMAGE.fullmatch(value))),
        html=share(lambda value: bool(_HTML.search(value))),
        size=share(
            lambda value: "x" in value.lower().replace("×", "x") and bool(parse_size(value))
        ),
        length=share(_is_length),
        weight=share(lambda value: bool(_WEIGHT.fullmatch(value))),
        stock=share(_is_stock),
        stock_words=share(is_stock_word),
        unit=share(lambda value: known_unit(value) is not None),
        code=share(is_code),
        codelike=share(lambda value: bool(_CODE.fullmatch(value))),
        counting=_counts(kept),
        currency=share(lambda value: bool(currencies(value))),
        finish=share(lambda value: value.lower() in FINISHES),
        mean_length=sum(map(len, kept)) / count,
    )


def _counts(values: Sequence[str]) -> bool:
    """Whether values number the rows of their file: 1, 2, 3 ..."""
    first = int(values[0]) if values and values[0] in ("0", "1") else None
    return (
        first is not None
        and len(values) >= 3
        and all(value == str(number) for number, value in enumerate(values, first))
    )


def _is_gtin(value: str) -> bool:
    return value.isascii() and value.isdigit() and len(value) in (8, 12, 13, 14)


def _marks(value: str) -> tuple[str, ...]:
    try:
        return parse_price(value).marks if len(value) < 40 else ()
    except BadValue:
        return ()


def _is_price(value: str) -> bool:
    try:
        parse_price(value)
    except BadValue:
        return False
    return len(value) < 40


def _is_length(value: str) -> bool:
    try:
        parse_length(value)
    except BadValue:
        return False
    return True


def _is_stock(value: str) -> bool:
    try:
        parse_stock(value)
    except BadValue:
        return False
    return True


def percent(share: float) -> str:
    """A share as a person reads it."""
    return f"{share * 100:.0f} %"


def fit(target: str, shape: Shape) -> Fit:
    """How well values of this shape serve `target` (0..1), and why, in plain words."""
    if not shape.values:
        return NEUTRAL, "Empty in all rows that were read"
    if target in _FITS:
        return _FITS[target](shape)
    return FAIR, f"Text, {shape.distinct} distinct"


def _code_fit(shape: Shape) -> Fit:
    if shape.mean_length > 80 or shape.url > 0.5 or shape.html > 0.2:
        return WRONG, "Too long for a code"
    if shape.unique >= 0.995:
        rows = "all rows" if shape.coverage >= 0.995 else f"{percent(shape.coverage)} of rows"
        return GOOD, f"Unique in {rows}"
    if shape.unique >= 0.95:
        return FAIR, f"Unique in {percent(shape.unique)}"
    if shape.unique >= 0.85:
        return POOR, f"Repeats in {percent(1 - shape.unique)}"
    return WRONG, f"Only {shape.distinct} distinct values"


def _sku_fit(shape: Shape) -> Fit:
    if shape.counting:
        return WRONG, "Only numbers the rows"
    return _code_fit(shape)


def _name_fit(shape: Shape) -> Fit:
    if shape.url > 0.5 or shape.text < 0.5:
        return WRONG, "Hardly any words"
    if shape.codelike > 0.7:
        return POOR, "Codes, not words"
    if shape.mean_length > 250 or shape.html > 0.5:
        return POOR, "Long for a name"
    if shape.unique < 0.3 and shape.distinct > 0:
        return POOR, f"Only {shape.distinct} distinct"
    return GOOD, f"Text, {shape.distinct} distinct"


def _price_fit(shape: Shape) -> Fit:
    if shape.priced < 0.9:
        # A field that is called just "price" is taken all the same: rows that are no number fail
        # and say so, while without it they would be written with no price at all.
        fits = POOR if shape.mean_length < 40 else WRONG
        return fits, f"A number in only {percent(shape.priced)}"
    if shape.marked >= 0.9 and len(shape.marks) == 1:
        return GOOD, f"Amounts in {shape.marks[0]}"
    style = decimal_style(shape.values)
    sign = {".": "decimal point", ",": "decimal comma", None: "whole or with three digits"}[style]
    return (GOOD if style else FAIR), f"Numeric in {percent(shape.priced)}, {sign}"


def _ean_fit(shape: Shape) -> Fit:
    if shape.ean >= 0.9:
        return GOOD, f"Check digit right in {percent(shape.ean)}"
    right = f"Check digit right in only {percent(shape.ean)}"
    return (NEUTRAL if shape.gtin >= 0.8 else WRONG), right


def _currency_fit(shape: Shape) -> Fit:
    if shape.code == 1:
        return GOOD, "ISO 4217 codes only"
    if shape.currency >= 0.9:
        return FAIR, "Currency codes or symbols"
    return WRONG, "No known currencies"


def _unit_fit(shape: Shape) -> Fit:
    some = ", ".join(dict.fromkeys(shape.values[:20]))[:40]
    if shape.unit >= 0.7:
        return GOOD, f"Values are {some}"
    return (POOR if shape.distinct <= 30 and shape.text > 0.5 else WRONG), f"Values are {some}"


def _size_fit(shape: Shape) -> Fit:
    if shape.size >= 0.5:
        return GOOD, f"Two numbers and an x in {percent(shape.size)}"
    return (NEUTRAL, "Kept as text") if shape.mean_length < 60 else (WRONG, "Too long for a size")


def _length_fit(shape: Shape) -> Fit:
    if shape.length >= 0.8:
        return GOOD, f"A length in {percent(shape.length)}"
    return WRONG, f"A length in only {percent(shape.length)}"


def _weight_fit(shape: Shape) -> Fit:
    if shape.weight >= 0.8:
        return GOOD, f"A number in {percent(shape.weight)}"
    return WRONG, f"A number in only {percent(shape.weight)}"


def _stock_fit(shape: Shape) -> Fit:
    if shape.stock_words >= 0.8:
        return FAIR, "Words for in stock and out of stock"
    if shape.stock >= 0.9:
        return GOOD, "Whole numbers >= 0"
    return WRONG, f"Numbers in only {percent(shape.stock)}"


def _image_fit(shape: Shape) -> Fit:
    if shape.image >= 0.7 or (shape.url >= 0.9 and shape.image >= 0.3):
        return GOOD, f"Addresses of pictures in {percent(shape.image)}"
    return (FAIR, "Addresses") if shape.url >= 0.9 else (WRONG, "No addresses")


def _url_fit(shape: Shape) -> Fit:
    if shape.url >= 0.9 and shape.image < 0.5:
        return GOOD, f"Addresses in {percent(shape.url)}"
    return WRONG, "No addresses of pages"


def _description_fit(shape: Shape) -> Fit:
    if shape.html >= 0.3:
        return GOOD, f"HTML in {percent(shape.html)}"
    if shape.mean_length > 40:
        return GOOD, f"Long text, {shape.mean_length:.0f} characters"
    return (NEUTRAL, "Short text") if shape.text > 0.5 else (WRONG, "Hardly any words")


def _word_fit(shape: Shape) -> Fit:
    if shape.url > 0.5 or shape.mean_length > 150:
        return WRONG, "Too long"
    if shape.text < 0.5:
        return POOR, "Numbers, not words"
    return GOOD, f"{shape.distinct} distinct words"


def _category_fit(shape: Shape) -> Fit:
    if shape.text < 0.5 or shape.url > 0.5 or shape.mean_length > 250:
        return WRONG, "Numbers or addresses, not words"
    return GOOD, f"{shape.distinct} distinct"


_FITS: dict[str, Callable[[Shape], Fit]] = {
    "key": _code_fit,
    "sku": _sku_fit,
    "name": _name_fit,
    "price": _price_fit,
    "ean": _ean_fit,
    "currency": _currency_fit,
    "unit": _unit_fit,
    "size": _size_fit,
    "width": _length_fit,
    "height": _length_fit,
    "thickness": _length_fit,
    "weight": _weight_fit,
    "stock": _stock_fit,
    "images": _image_fit,
    "url": _url_fit,
    "description": _description_fit,
    "brand": _word_fit,
    "colour": _word_fit,
    "finish": _word_fit,
    "category": _category_fit,
}


def by_shape_alone(shape: Shape) -> tuple[str, float, str] | None:
    """The target that the values betray where the name says nothing: never a key or a price."""
    if not shape.values:
        return None
    several = len(shape.values) >= 3
    if shape.ean >= 0.95 and several and shape.mean_length >= 12:
        return "ean", 0.75, _ean_fit(shape)[1]
    if shape.image >= 0.95:
        return "images", 0.75, _image_fit(shape)[1]
    if shape.code == 1 and shape.distinct <= 5 and several:
        return "currency", 0.75, "ISO 4217 codes only"
    if shape.size >= 0.9:
        return "size", 0.64, _size_fit(shape)[1]
    if shape.finish >= 0.7 and several:
        return "finish", 0.52, f"{shape.distinct} distinct words, most are finishes"
    if shape.unit >= 0.95 and shape.text > 0.9 and several and shape.distinct <= 10:
        return "unit", 0.6, _unit_fit(shape)[1]
    if shape.html >= 0.5 and shape.mean_length > 60:
        return "description", 0.5, _description_fit(shape)[1]
    return None
