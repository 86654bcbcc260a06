"""Magento 2 (Adobe Commerce) product export: a row for each product and each language of it.

Rows with a `store_view_code` repeat a product in another language. A configurable product is the
head of simple ones, which have rows of their own. Pictures may be paths below the shop's media.
"""

from imports.mapping.steps import Pairs, Path, Replace, Split

from .behaviours import FAMILY, decoys, signs
from .profile import Profile, Rule

PROFILE = Profile(
    "Magento",
    (
        Rule("sku", "sku", note="the article code"),
        Rule("name", "name", note="the name"),
        Rule("price", "price", note="the price"),
        Rule("product_type", "skip",
             (Replace({"configurable": FAMILY, "grouped": "a group of other products",
                       "bundle": "a bundle of other products"}, otherwise=""),),
             "heads of families"),
        Rule("store_view_code", "skip",
             (Replace({"default": ""}, otherwise="the same product in another language"),),
             "other languages"),
        Rule("categories", "category",
             (Path("/", of=",", drop=("Default Category", "Root Catalog")),),
             "the deepest category"),
        Rule("description", "description", note="the description"),
        Rule("short_description", "description", note="the short description"),
        Rule("weight", "weight", note="the weight"),
        Rule("base_image", "images", note="the main picture"),
        Rule("additional_images", "images", (Split(","),), "further pictures"),
        Rule("qty", "stock", note="the quantity in stock"),
        Rule("is_in_stock", "stock", note="whether it is in stock"),
        Rule("additional_attributes", "attributes", (Split(","), Pairs(sign="=")), "attributes"),
        Rule("url_key", "attribute.url key", note="the name in addresses"),
        *decoys("a reduced price for a time", "special_price", "special_price_from_date",
                "special_price_to_date"),
        *decoys("an old or list price", "msrp_price", "map_price"),
        *decoys("a cost, not a price", "cost"),
        *decoys("a smaller copy of the picture", "small_image", "thumbnail_image", "swatch_image"),
        *decoys("a quantity to order", "min_cart_qty", "max_cart_qty", "out_of_stock_qty",
                "notify_on_stock_below", "qty_increments"),
        *decoys("about the shop, not the product", "attribute_set_code", "product_websites",
                "product_online", "tax_class_name", "visibility", "meta_title", "meta_keywords",
                "meta_description", "created_at", "updated_at", "new_from_date", "new_to_date",
                "display_product_options_in", "base_image_label", "small_image_label",
                "thumbnail_image_label", "related_skus", "upsell_skus", "crosssell_skus",
                "configurable_variations", "configurable_variation_labels", "website_id"),
    ),
    signs("sku|product_type|name|price|attribute_set_code",
          "sku|product_type|name|price|product_websites"),
    xml=False,
)  # fmt: skip
