"""Shopify's product export: a row for each variant and each further picture of a handle.

The first row of a handle says what its variants share. No field names the shop's currency.
"""

from imports.mapping.steps import Path, Unit

from .behaviours import decoys, signs
from .profile import Profile, Rule

PROFILE = Profile(
    "Shopify",
    (
        Rule("handle", "group", note="the product of the variants"),
        Rule("url handle", "group", note="the product of the variants"),
        Rule("title", "name", note="the title"),
        Rule("variant price", "price", note="the variant's price"),
        Rule("price", "price", note="the variant's price"),
        Rule("option1 value", "variant", note="the first option"),
        Rule("option2 value", "variant", note="the second option"),
        Rule("option3 value", "variant", note="the third option"),
        Rule("variant sku", "sku", note="the variant's article code"),
        Rule("sku", "sku", note="the variant's article code"),
        Rule("variant barcode", "ean", note="the barcode"),
        Rule("barcode", "ean", note="the barcode"),
        Rule("body (html)", "description", note="the text"),
        Rule("description", "description", note="the text"),
        Rule("vendor", "brand", note="the vendor"),
        Rule("product category", "category", (Path(">"),), "Shopify's category"),
        Rule("type", "category", note="the shop's type"),
        Rule("image src", "images", note="the picture"),
        Rule("product image url", "images", note="the picture"),
        Rule("variant image", "images", note="the variant's picture"),
        Rule("variant inventory qty", "stock", note="the quantity in stock"),
        Rule("inventory quantity", "stock", note="the quantity in stock"),
        Rule("variant grams", "weight", (Unit("g"),), "the weight in grams"),
        Rule("weight value (grams)", "weight", (Unit("g"),), "the weight in grams"),
        Rule("tags", "attribute.tags", note="the tags"),
        Rule("option1 name", "attribute.option 1", note="what the first option is"),
        Rule("option2 name", "attribute.option 2", note="what the second option is"),
        Rule("option3 name", "attribute.option 3", note="what the third option is"),
        *decoys("an old or list price", "variant compare at price", "compare-at price"),
        *decoys("a cost, not a price", "cost per item"),
        *decoys("another market's price", "price / international",
                "compare at price / international"),
        *decoys("about the shop, not the product", "published", "status", "gift card",
                "image position", "image alt text", "seo title", "seo description",
                "variant inventory tracker", "inventory tracker", "variant inventory policy",
                "variant fulfillment service", "variant requires shipping", "variant taxable",
                "variant weight unit", "variant tax code", "google shopping / mpn",
                "google shopping / google product category", "google shopping / gender",
                "google shopping / age group", "google shopping / condition"),
        *decoys("a price for a measure", "unit price total measure", "unit price base measure"),
    ),
    signs("handle|title|variant price", "url handle|title|price|option1 value"),
    xml=False,
)  # fmt: skip
