"""Skroutz (Greece): one product an element, prices in EUR with tax.

Sizes of one product may be `variations` below it; the product's own price counts.
"""

from imports.mapping.steps import Path, Unit

from .behaviours import always_in, decoys, signs
from .profile import Profile, Rule

PROFILE = Profile(
    "Skroutz",
    (
        Rule("id", "key", note="the shop's product number"),
        Rule("@id", "key", note="the shop's product number"),
        Rule("uniqueid", "key", note="the shop's product number"),
        Rule("name", "name", note="the name"),
        Rule("price_with_vat", "price", note="the price with tax"),
        Rule("pricewithvat", "price", note="the price with tax"),
        Rule("mpn", "sku", note="the manufacturer's code"),
        Rule("ean", "ean", note="the EAN"),
        Rule("barcode", "ean", note="the EAN"),
        Rule("manufacturer", "brand", note="the manufacturer"),
        Rule("category", "category", (Path(">"),), "the category"),
        Rule("category_path", "category", (Path(">"),), "the category"),
        Rule("description", "description", note="the description"),
        Rule("image", "images", note="the main picture"),
        Rule("additionalimage", "images", note="further pictures"),
        Rule("additional_imageurl", "images", note="further pictures"),
        Rule("link", "url", note="the product's page"),
        Rule("quantity", "stock", note="the quantity in stock"),
        Rule("instock", "stock", note="whether it is in stock"),
        Rule("color", "colour", note="the colour"),
        Rule("size", "size", note="the sizes"),
        Rule("weight", "weight", (Unit("g"),), "the weight in grams"),
        Rule("availability", "attribute.delivery", note="when it can be sent"),
        Rule("variations/variation/size", "attribute.sizes", note="the sizes of its variations"),
        *decoys("about delivery", "shipping", "shipping_costs"),
        *decoys("about a variation, not the product", "variations/variation/price_with_vat",
                "variations/variation/variationid", "variations/variation/mpn",
                "variations/variation/ean", "variations/variation/quantity",
                "variations/variation/availability", "variations/variation/link"),
        *decoys("a tax", "vat"),
    ),
    signs("name|price_with_vat|manufacturer|availability|mpn",
          "name|pricewithvat|manufacturer|availability|mpn",
          "id|name|price_with_vat|instock|link", "id|name|price_with_vat|availability|link"),
    defaults=always_in("EUR", "Skroutz feeds are in EUR"),
)  # fmt: skip
