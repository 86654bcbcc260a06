"""WooCommerce's product export: simple products, and variations below a variable parent.

`Parent` holds the parent's SKU, or "id:" and its ID. Attributes are numbered pairs of columns.
Which currency the shop has, no column says.
"""

from imports.mapping.steps import First, Pairs, Path, Replace, Split, Unit

from .behaviours import FAMILY, decoys, signs
from .profile import Profile, Rule


def _rules() -> tuple[Rule, ...]:
    kinds = {
        "variable": FAMILY,
        "grouped": "a group of other products",
        "variable, virtual": FAMILY,
        "variable, downloadable": FAMILY,
    }
    return (
        Rule("id", "key", note="the shop's product number"),
        Rule("name", "name", note="the name"),
        Rule("regular price", "price", note="the regular price"),
        Rule("sku", "sku", note="the article code"),
        Rule("type", "skip", (Replace(kinds, otherwise=""),), "heads of families"),
        Rule("parent", "group", (Split("id:"), First(("sku", "id"))),
             "the product of the variations"),
        Rule("gtin, upc, ean, or isbn", "ean", note="the GTIN"),
        Rule("brands", "brand", note="the brand"),
        Rule("categories", "category", (Path(">", of=","),), "the deepest category"),
        Rule("description", "description", note="the description"),
        Rule("short description", "description", note="the short description"),
        Rule("images", "images", note="the pictures"),
        Rule("stock", "stock", note="the quantity in stock"),
        Rule("in stock?", "stock", note="whether it is in stock"),
        Rule("weight (kg)", "weight", (Unit("kg"),), "the weight"),
        Rule("weight (g)", "weight", (Unit("g"),), "the weight"),
        Rule("weight (lbs)", "weight", (Unit("lb"),), "the weight"),
        *(
            Rule(f"{side} ({unit})", target, (Unit(unit),), f"the {side}")
            for side, target in (("width", "width"), ("length", "height"), ("height", "thickness"))
            for unit in ("mm", "cm", "m", "in")
        ),
        Rule("attribute {n} value(s)", "attributes", (Pairs(names="attribute {n} name"),),
             "attributes"),
        Rule("tags", "attribute.tags", note="the tags"),
        *decoys("a reduced price for a time", "sale price", "date sale price starts",
                "date sale price ends"),
        *decoys("about the shop, not the product", "published", "is featured?", "tax status",
                "tax class", "backorders allowed?", "sold individually?", "position",
                "visibility in catalog", "allow customer reviews?", "purchase note",
                "shipping class", "download limit", "download expiry days", "low stock amount",
                "upsells", "cross-sells", "grouped products", "external url", "button text"),
        *decoys("part of the attributes", "attribute {n} name", "attribute {n} visible",
                "attribute {n} global", "attribute {n} default"),
    )  # fmt: skip


PROFILE = Profile(
    "WooCommerce",
    _rules(),
    signs("id|type|sku|name|regular price", "id|type|name|regular price|parent"),
    xml=False,
)
