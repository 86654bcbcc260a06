"""Heureka (Czechia and Slovakia) and the comparers that took over its format.

Parameters are names and values. Items with one `ITEMGROUP_ID` are variants, each with an id of
its own. The currency is that of the country, which only the shop's address tells.
"""

from imports.mapping.steps import First, Pairs, Path

from .behaviours import by_domain, decoys, signs
from .profile import Profile, Rule

PROFILE = Profile(
    "Heureka",
    (
        Rule("item_id", "key", note="the shop's item number"),
        Rule("productname", "name", (First(("product",)),), "the exact name"),
        Rule("product", "name", note="the name with additions"),
        Rule("price_vat", "price", note="the price with tax"),
        Rule("itemgroup_id", "group", note="the product whose variant this is"),
        Rule("productno", "sku", note="the manufacturer's code"),
        Rule("ean", "ean", note="the EAN"),
        Rule("manufacturer", "brand", note="the manufacturer"),
        Rule("categorytext", "category",
             (Path("|", drop=("Heureka.cz", "Heureka.sk", "Heuréka")),), "the category"),
        Rule("description", "description", note="the description"),
        Rule("imgurl", "images", note="the main picture"),
        Rule("imgurl_alternative", "images", note="further pictures"),
        Rule("url", "url", note="the product's page"),
        Rule("param/val", "attributes", (Pairs(names="param/param_name"),), "parameters"),
        Rule("delivery_date", "attribute.delivery days", note="days until it is sent"),
        Rule("isbn", "attribute.isbn", note="the ISBN"),
        Rule("item_type", "attribute.condition", note="new or used"),
        *decoys("about delivery", "delivery/delivery_price", "delivery/delivery_price_cod",
                "delivery/delivery_id"),
        *decoys("what a click costs the shop", "heureka_cpc"),
        *decoys("a tax", "vat"),
        *decoys("part of the parameters", "param/param_name"),
        *decoys("another product", "accessory", "gift", "special_service"),
    ),
    signs("item_id|price_vat", "productname|price_vat"),
    records=("shop/shopitem",),
    defaults=by_domain("url", {"cz": "CZK", "sk": "EUR"}),
)  # fmt: skip
