"""Ceneo (Poland): values in attributes of the offer, prices in PLN with tax.

Its attributes carry the producer, the producer's code and the EAN under fixed names. `avail`
counts the days until the shop can send.
"""

from imports.mapping.steps import Pairs, Path, Replace, Unit

from .behaviours import always_in, decoys, signs
from .profile import Profile, Rule

_AVAILABLE = {
    "1": "in stock", "3": "in stock", "7": "in stock", "14": "in stock",
    "90": "available for order", "99": "", "110": "preorder",
}  # fmt: skip
_FIXED = {"Producent": "brand", "Kod_producenta": "sku", "Kod producenta": "sku", "EAN": "ean"}

PROFILE = Profile(
    "Ceneo",
    (
        Rule("@id", "key", note="the shop's offer number"),
        Rule("name", "name", note="the name"),
        Rule("@price", "price", note="the price with tax"),
        Rule("cat", "category", (Path("/"),), "the category"),
        Rule("desc", "description", note="the description"),
        Rule("imgs/main/@url", "images", note="the main picture"),
        Rule("imgs/i/@url", "images", note="further pictures"),
        Rule("@url", "url", note="the offer's page"),
        Rule("@stock", "stock", note="the quantity in stock"),
        Rule("@avail", "stock", (Replace(_AVAILABLE, otherwise=""),), "how soon it is sent"),
        Rule("@weight", "weight", (Unit("kg"),), "the weight in kilograms"),
        Rule("attrs/a", "attributes", (Pairs(names="attrs/a/@name", to=_FIXED),), "attributes"),
        *decoys("part of the attributes", "attrs/a/@name"),
        *decoys("about the shop, not the product", "@set", "@basket"),
    ),
    signs("@id|@price|name"),
    records=("offers/o", "offers/group/o"),
    defaults=always_in("PLN", "Ceneo offers are in PLN"),
)  # fmt: skip
