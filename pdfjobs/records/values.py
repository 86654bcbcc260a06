"""Whether a text can be a code, a price or a size: the evidence that a row is a product."""

import re

from jobtracker.catalogue.normalise import currencies, is_empty, parse_size

_CODE = re.compile(r"[A-Z0-9](?:[A-Z0-9]|[-./_+ ](?=[A-Z0-9])){0,29}", re.IGNORECASE)
_MEASURE = re.compile(
    r"\d+(?:[.,]\d+)?\s*(?:mm|cm|m|m2|m²|kg|g|ml|cl|l|pcs?|%|€|kw|w|v|hz|°c?)", re.IGNORECASE
)
_DATE = re.compile(r"(?:19|20)\d\d|\d{1,2}[./-]\d{1,2}[./-]\d{2,4}")
_SIDES = re.compile(r"\d+(?:[.,]\d+)?\s*[x×]\s*\d.*", re.IGNORECASE)
# Colours of colour systems, test norms and slip classes look like codes and are none.
_SYSTEM = re.compile(
    r"(?:RAL|NCS|PANTONE|PMS|EN|ISO|DIN|ASTM|ANSI|UNI|BS|NF|IEC|GOST|ГОСТ|IP|IK|PEI)[-. ]?\d.*"
    r"|R(?:9|1[0-3])",
    re.IGNORECASE,
)
_MARK = r"€|£|₽|\$|EUR|USD|GBP|CHF|PLN|CZK|SEK|RUB|zł|Kč|kr|руб\.?"
_AMOUNT = r"\d[\d.,' \u00a0]*(?:[.,]-)?"
_PRICE = re.compile(
    rf"(?:(?:{_MARK})\s*{_AMOUNT}|{_AMOUNT}\s*(?:{_MARK}))(?:\s*(?:/|per|pro)\s*[\w²]+)?"
)
_VOLUME = re.compile(r"\d[\d.,·+/ x×]*\s*(?:ml|cl|l|ltr|litres?|liters?|мл|л)\.?", re.IGNORECASE)


def is_code(text: str) -> bool:
    """Whether `text` can be an article code in a column of codes."""
    text = text.strip()
    if not 1 < len(text) <= 30 or not (_CODE.fullmatch(text) or _other_script(text)):
        return False
    if _MEASURE.fullmatch(text) or _SIDES.fullmatch(text):
        return False
    return any(character.isdigit() for character in text) or (text.isupper() and " " not in text)


def _other_script(text: str) -> bool:
    folded = re.sub(r"[^\W_]", "A", text)
    return not text.isascii() and bool(_CODE.fullmatch(folded))


def is_lone_code(text: str) -> bool:
    """Whether `text` is a code even without a title: letters and digits in one word."""
    text = text.strip()
    if " " in text or not is_code(text) or _DATE.fullmatch(text) or _SYSTEM.fullmatch(text):
        return False
    letters = sum(character.isalpha() for character in text)
    digits = sum(character.isdigit() for character in text)
    return 1 <= letters <= 6 and digits >= 1 and text == text.upper()


def price_in(text: str) -> str:
    """The first price with its mark in a line of words, "" where none is."""
    match = _PRICE.search(text)
    return match[0].strip() if match else ""


def is_amount(text: str) -> bool:
    """Whether a cell of a price column holds one amount."""
    if is_empty(text) or not any(character.isdigit() for character in text):
        return False
    rest = re.sub(r"[\d.,' \u00a0/-]", "", text)
    return len(rest) <= 12 or bool(currencies(rest))


def is_size(text: str) -> bool:
    """Whether `text` is a size by itself: sides, or a number with a unit of length."""
    return parse_size(text) is not None


def is_volume(text: str) -> bool:
    """Whether `text` is an amount of liquid."""
    return _VOLUME.fullmatch(text.strip()) is not None
