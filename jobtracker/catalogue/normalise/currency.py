"""Currencies by code, symbol and word; what may mean several currencies names its candidates."""

from __future__ import annotations

from functools import lru_cache

from babel.core import get_global
from babel.numbers import get_territory_currencies

from .text import word_set

_CODES = frozenset(
    code
    for territory in get_global("territory_currencies")
    for code in get_territory_currencies(territory)
)
# Codes that also count in small letters; "all", "top" or "try" beside a price are words.
COMMON = word_set(
    """EUR|USD|GBP|CHF|PLN|CZK|HUF|RON|BGN|SEK|NOK|DKK|ISK|RUB|UAH|INR|CAD|AUD|NZD|JPY|CNY|BRL|MXN
    |AED|ZAR|ILS|RSD|KZT|SGD|HKD|KRW"""
)


# Old and local codes and spellings that mean exactly one currency.
_WORDS = {
    "€": "EUR", "euro": "EUR", "euros": "EUR", "eur.": "EUR", "ευρώ": "EUR", "ευρω": "EUR",
    "евро": "EUR", "£": "GBP", "stg": "GBP", "zł": "PLN", "zl": "PLN", "złotych": "PLN",
    "kč": "CZK", "kc": "CZK", "korun": "CZK", "₽": "RUB", "rur": "RUB", "руб": "RUB",
    "р": "RUB", "рублей": "RUB", "₴": "UAH", "грн": "UAH", "лв": "BGN", "ft": "HUF",
    "₺": "TRY", "tl": "TRY", "₹": "INR", "₪": "ILS", "₩": "KRW", "฿": "THB", "₫": "VND",
    "₦": "NGN", "₸": "KZT", "₾": "GEL", "₱": "PHP", "dhs": "AED", "د.إ": "AED", "sfr": "CHF",
    "fr": "CHF", "us$": "USD", "usd$": "USD", "$us": "USD", "r$": "BRL", "a$": "AUD",
    "au$": "AUD", "ca$": "CAD", "hk$": "HKD", "nz$": "NZD", "s$": "SGD", "mx$": "MXN",
    "skr": "SEK", "nkr": "NOK", "dkr": "DKK", "rmb": "CNY", "元": "CNY", "円": "JPY",
    "ден": "MKD", "дин": "RSD", "bs": "BOB", "s/": "PEN", "rp": "IDR", "rm": "MYR",
    "ر.س": "SAR", "د.م": "MAD", "د.ك": "KWD", "ر.ق": "QAR", "km": "BAM", "лева": "BGN",
    "leva": "BGN", "тг": "KZT", "тнг": "KZT", "тенге": "KZT", "сум": "UZS", "so'm": "UZS",
    "₼": "AZN", "ytl": "TRY", "nt$": "TWD", "đ": "VND", "l.e": "EGP", "£e": "EGP", "qr": "QAR",
    "kd": "KWD", "bd": "BHD", "lek": "ALL", "lekë": "ALL", "₮": "MNT", "₲": "PYG", "₡": "CRC",
    "৳": "BDT", "원": "KRW", "บาท": "THB", "人民币": "CNY", "kronor": "SEK", "koruna": "CZK",
    "koruny": "CZK", "forint": "HUF", "zloty": "PLN", "złoty": "PLN", "yen": "JPY", "yuan": "CNY",
    "rand": "ZAR", "lira": "TRY", "hryvnia": "UAH", "гривен": "UAH", "гривень": "UAH",
    "рубля": "RUB", "рубль": "RUB", "da": "DZD", "dt": "TND", "ብር": "ETB",
}  # fmt: skip

_SEVERAL = {
    "$": "USD CAD AUD MXN ARS CLP COP NZD SGD HKD",
    "kr": "SEK NOK DKK ISK",
    "¥": "JPY CNY",
    "rs": "INR PKR LKR NPR MUR",
    "fcfa": "XOF XAF",
    "cfa": "XOF XAF",
    "f cfa": "XOF XAF",
    "lei": "RON MDL",
    "dh": "AED MAD",
    "c$": "CAD NIO",
    "din": "RSD MKD DZD TND KWD BHD",
    "dinar": "RSD MKD DZD TND KWD BHD",
    "dirham": "AED MAD",
    "dirhams": "AED MAD",
    "kroner": "NOK DKK",
    "leu": "RON MDL",
    "franc": "CHF XOF XAF",
    "francs": "CHF XOF XAF",
    "dollar": "USD CAD AUD NZD SGD HKD",
    "dollars": "USD CAD AUD NZD SGD HKD",
    "pound": "GBP EGP",
    "rupees": "INR PKR LKR NPR MUR",
    "rupee": "INR PKR LKR NPR MUR",
    "₨": "INR PKR LKR NPR MUR",
    "br": "BYN ETB",
    "圆": "CNY TWD HKD JPY",
    "圓": "CNY TWD HKD JPY",
    "peso": "MXN ARS CLP COP PHP",
    "pesos": "MXN ARS CLP COP PHP",
}


@lru_cache(maxsize=2048)
def currencies(text: str) -> tuple[str, ...]:
    """The ISO 4217 codes that `text` (a code, symbol or word) can mean; () where unknown.

    One code is certain; several ("$", "kr") need a default or a person.
    """
    word = text.strip(" .,:()*")
    if word in _CODES or word.upper() in COMMON:
        return (word.upper(),)
    if len(word) == 4 and word[3] == "$" and word[:3].upper() in _CODES:  # "COP$"
        return (word[:3].upper(),)
    word = word.lower()
    if word in _WORDS:
        return (_WORDS[word],)
    return tuple(_SEVERAL.get(word, "").split())


def is_code(text: str) -> bool:
    """Whether `text` is an ISO 4217 code in capitals."""
    return text in _CODES


def settle(text: str, default: str | None) -> str | None:
    """The one currency that `text` means, with `default` choosing among several, else None."""
    found = currencies(text)
    if len(found) == 1:
        return found[0]
    return default if default in found else None
