"""Google Merchant Center: RSS 2.0, Atom and tables with its attributes.

The price carries its currency ("12.50 EUR"). Items with one `item_group_id` are variants of one
product, each with an id of its own.
"""

from imports.mapping.steps import Path

from .behaviours import decoys, signs
from .profile import Profile, Rule

RULES = (
    Rule("id", "key", note="the product id"),
    Rule("title", "name", note="the title"),
    Rule("price", "price", note="the price, with its currency"),
    Rule("item_group_id", "group", note="the product whose variant this is"),
    Rule("mpn", "sku", note="the manufacturer's part number"),
    Rule("gtin", "ean", note="the GTIN"),
    Rule("brand", "brand", note="the brand"),
    Rule("product_type", "category", (Path(">"),), "the shop's own category"),
    Rule("description", "description", note="the description"),
    Rule("image_link", "images", note="the main picture"),
    Rule("additional_image_link", "images", note="further pictures"),
    Rule("link/@href", "url", note="the product's page"),
    Rule("link", "url", note="the product's page"),
    Rule("availability", "stock", note="whether it is in stock"),
    Rule("color", "colour", note="the colour"),
    Rule("size", "size", note="the size"),
    Rule("material", "attribute.material", note="the material"),
    Rule("pattern", "attribute.pattern", note="the pattern"),
    Rule("gender", "attribute.gender", note="for whom"),
    Rule("age_group", "attribute.age group", note="for which age"),
    Rule("condition", "attribute.condition", note="new or used"),
    Rule("shipping_weight", "weight", note="the weight"),
    Rule("google_product_category", "attribute.google category", note="Google's own category"),
    *decoys("a reduced price for a time", "sale_price", "sale_price_effective_date"),
    *decoys("about delivery", "shipping", "shipping/price", "shipping/country",
            "shipping/service", "shipping_label", "shipping_length", "shipping_width",
            "shipping_height", "min_handling_time", "max_handling_time"),
    *decoys("a cost, not a price", "cost_of_goods_sold"),
    *decoys("a tax", "tax", "tax/rate", "tax/country"),
    *decoys("a price for a measure", "unit_pricing_measure", "unit_pricing_base_measure"),
    *decoys("an instalment", "installment", "installment/amount", "installment/months"),
    *decoys("about advertising", "custom_label_0", "custom_label_1", "custom_label_2",
            "custom_label_3", "custom_label_4", "identifier_exists", "adult", "ads_redirect"),
    Rule("published", note="a date"),
    Rule("updated", note="a date"),
)  # fmt: skip

PROFILE = Profile(
    "Google Merchant",
    RULES,
    signs("id|title|price|image_link", "id|title|price|link", "id|title|price|link/@href"),
    records=("rss/channel/item", "feed/entry"),
)
TABLE = Profile(
    "Google Merchant table",
    RULES,
    signs("id|title|price|link|image_link|availability"),
    xml=False,
)
