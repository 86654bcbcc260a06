"""From what suppliers write to what the catalogue holds: pure functions, no database."""

from .appearance import normal_colour, normal_finish
from .codes import Ean, fold_sku, has_check_digit, parse_ean
from .currency import COMMON, currencies, is_code, settle
from .fingerprint import fingerprinter
from .numbers import BadValue, Style, decimal_style, is_ambiguous, parse_number
from .prices import Price, parse_price
from .record import (
    ATTRIBUTE,
    LISTS,
    TARGETS,
    Normalised,
    canonical_json,
    category_path,
    content_hash,
    hash_json,
    key_of,
    normalise_record,
)
from .sizes import Size, parse_length, parse_size
from .stock import Stock, is_stock_word, parse_stock
from .text import is_empty, one_line, plain_text, storable, word_set
from .units import known_unit, unit_of

__all__ = [
    "ATTRIBUTE",
    "COMMON",
    "LISTS",
    "TARGETS",
    "BadValue",
    "Ean",
    "Normalised",
    "Price",
    "Size",
    "Stock",
    "Style",
    "canonical_json",
    "category_path",
    "content_hash",
    "currencies",
    "decimal_style",
    "fingerprinter",
    "fold_sku",
    "has_check_digit",
    "hash_json",
    "is_ambiguous",
    "is_code",
    "is_empty",
    "is_stock_word",
    "key_of",
    "known_unit",
    "normal_colour",
    "normal_finish",
    "normalise_record",
    "one_line",
    "parse_ean",
    "parse_length",
    "parse_number",
    "parse_price",
    "parse_size",
    "parse_stock",
    "plain_text",
    "settle",
    "storable",
    "unit_of",
    "word_set",
]
