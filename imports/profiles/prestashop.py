"""PrestaShop: its table of products for import, and the list that its back office exports.

Names of columns end in hints such as "(x,y,z...)". Features are "name:value:position" with
commas between. The shop's currency is nowhere.
"""

from imports.mapping.steps import Pairs, Split, Take

from .behaviours import decoys, signs
from .profile import Profile, Rule

PROFILE = Profile(
    "PrestaShop",
    (
        Rule("product id", "key", note="the shop's product number"),
        Rule("id", "key", note="the shop's product number"),
        Rule("name", "name", note="the name"),
        Rule("price tax excluded", "price", note="the price without tax"),
        Rule("price (tax excl.)", "price", note="the price without tax"),
        Rule("price tax included", "price", note="the price with tax"),
        Rule("price (tax incl.)", "price", note="the price with tax"),
        Rule("reference #", "sku", note="the article code"),
        Rule("reference", "sku", note="the article code"),
        Rule("ean13", "ean", note="the EAN"),
        Rule("upc", "ean", note="the UPC"),
        Rule("manufacturer", "brand", note="the manufacturer"),
        Rule("brand", "brand", note="the brand"),
        Rule("categories (x,y,z...)", "category", (Split(","), Take(-1)), "the last category"),
        Rule("category", "category", note="the category"),
        Rule("description", "description", note="the description"),
        Rule("short description", "description", note="the short description"),
        Rule("summary", "description", note="the summary"),
        Rule("image urls (x,y,z...)", "images", note="the pictures"),
        Rule("image", "images", note="the picture"),
        Rule("quantity", "stock", note="the quantity in stock"),
        Rule("weight", "weight", note="the weight"),
        Rule("feature(name:value:position)", "attributes", (Split(","), Pairs(sign=":")),
             "the features"),
        Rule("feature (name:value:position:customized)", "attributes",
             (Split(","), Pairs(sign=":")), "the features"),
        Rule("tags (x,y,z...)", "attribute.tags", note="the tags"),
        Rule("condition", "attribute.condition", note="new or used"),
        *decoys("a cost, not a price", "wholesale price", "cost price"),
        *decoys("a reduction", "discount amount", "discount percent", "on sale (0/1)",
                "discount from (yyyy-mm-dd)", "discount to (yyyy-mm-dd)"),
        *decoys("a price for a measure", "unit price", "unity", "unit for base price",
                "base price", "unit for the price per unit", "price per unit"),
        *decoys("a quantity to order", "minimal quantity", "low stock level"),
        *decoys("a tax or a deposit", "ecotax", "tax rules id"),
        *decoys("another's code", "supplier reference #", "supplier reference", "mpn"),
        *decoys("the parcel's size, in the shop's own unit", "width", "height", "depth"),
        *decoys("about the shop, not the product", "active (0/1)", "status", "position",
                "meta title", "meta description", "meta keywords", "url rewritten",
                "rewritten url", "image alt texts (x,y,z...)", "image position",
                "delete existing images (0 = no, 1 = yes)",
                "available for order (0 = no, 1 = yes)"),
    ),
    signs(
        "product id|name|price tax excluded",
        "name|price tax excluded|categories (x,y,z...)",
        "product id|name|reference|price (tax excl.)",
        "id|name|reference|price (tax excl.)|quantity",
    ),
    xml=False,
)  # fmt: skip
