"""YML, Yandex Market Language: offers that name their category by its id.

An offer of the type `vendor.model` has no name of its own: kind, vendor and model are one.
Parameters carry name and unit as attributes.
"""

from imports.mapping.steps import First, Join, Pairs, Replace, Tree, Unit

from .behaviours import DELETED, decoys, signs
from .profile import Profile, Rule

_CATEGORIES = Tree(
    record="yml_catalog/shop/categories/category", id="@id", name=".", parent="@parentId"
)

_AVAILABLE = {"true": "in stock", "false": "out of stock"}

PROFILE = Profile(
    "YML",
    (
        Rule("@id", "key", note="the offer's number"),
        Rule("name", "name", (First(("model",)),), "the name"),
        Rule("typeprefix", "name", (Join(" ", ("vendor", "model")),), "kind, vendor and model"),
        Rule("model", "name", note="the model"),
        Rule("price", "price", note="the price"),
        Rule("currencyid", "currency", note="the currency"),
        Rule("categoryid", "category", (_CATEGORIES,), "the category's path, by its id"),
        Rule("@group_id", "group", note="the product whose variant this is"),
        Rule("shop-sku", "sku", note="the article code"),
        Rule("vendorcode", "sku", note="the vendor's code"),
        Rule("barcode", "ean", note="the barcode"),
        Rule("vendor", "brand", note="the vendor"),
        Rule("picture", "images", note="the pictures"),
        Rule("url", "url", note="the offer's page"),
        Rule("description", "description", note="the description"),
        Rule("count", "stock", note="the quantity in stock"),
        Rule("stock_quantity", "stock", note="the quantity in stock"),
        Rule("@available", "stock", (Replace(_AVAILABLE),), "whether it is in stock"),
        Rule("weight", "weight", (Unit("kg"),), "the weight in kilograms"),
        Rule("country_of_origin", "attribute.origin", note="the country of origin"),
        Rule("dimensions", "attribute.package", note="the parcel's size in cm"),
        Rule("param", "attributes", (Pairs(names="param/@name", units="param/@unit"),),
             "parameters"),
        Rule("@deleted", "skip", (Replace({"true": DELETED}, otherwise=""),), "deleted offers"),
        *decoys("an old or list price", "oldprice", "old_price"),
        *decoys("a cost, not a price", "purchase_price", "enable_auto_discounts"),
        *decoys("about delivery", "delivery", "pickup", "store", "local_delivery_cost",
                "delivery-options/option/@cost", "delivery-options/option/@days"),
        *decoys("what a click costs the shop", "@bid", "@cbid", "@fee"),
        *decoys("a quantity to order", "min-quantity", "step-quantity", "sales_notes"),
        *decoys("part of the parameters", "param/@name", "param/@unit"),
        *decoys("a tax", "vat"),
    ),
    signs("@id|price"),
    records=("yml_catalog/shop/offers/offer",),
)  # fmt: skip
