"""UBL 2 catalogues, as Peppol sends them: a line an item, prices with a currency attribute.

A price may be for more than one unit (`BaseQuantity`). Units are UN/ECE Rec 20 codes.
"""

from imports.mapping.steps import Divide, First, Pairs, Replace, Take

from .behaviours import DELETED, MAKERS_CODE, decoys, signs
from .profile import Profile, Rule

_PRICE = "requireditemlocationquantity/price"
_FILE = "item/itemspecificationdocumentreference/attachment/externalreference/uri"

PROFILE = Profile(
    "UBL catalogue",
    (
        Rule("item/sellersitemidentification/id", "sku", note="the seller's article code"),
        Rule("item/name", "name", note="the name"),
        Rule(f"{_PRICE}/priceamount", "price", (Take(1), Divide(f"{_PRICE}/basequantity")),
             "the first price, for one unit"),
        Rule(f"{_PRICE}/priceamount/@currencyid", "currency", (Take(1),), "the price's currency"),
        Rule("item/manufacturersitemidentification/id", MAKERS_CODE,
             note="the manufacturer's code"),
        Rule("item/standarditemidentification/id", "ean", (Take(1),), "the standard number"),
        Rule("item/brandname", "brand", (First(("item/manufacturerparty/partyname/name",)),),
             "the brand"),
        Rule("item/manufacturerparty/partyname/name", "brand", note="the manufacturer"),
        Rule("item/description", "description", note="the description"),
        Rule("item/commodityclassification/itemclassificationcode/@name", "category", (Take(1),),
             "the class, by its name"),
        Rule("item/commodityclassification/itemclassificationcode", "attribute.class",
             note="the class, by its code"),
        Rule("orderableunit", "unit", note="the unit of sale"),
        Rule(f"{_PRICE}/basequantity/@unitcode", "unit", (Take(1),), "the unit of the price"),
        Rule("item/additionalitemproperty/value", "attributes",
             (Pairs(names="item/additionalitemproperty/name"),), "properties"),
        Rule("item/origincountry/identificationcode", "attribute.origin", note="the origin"),
        Rule(_FILE, "attribute.documents", note="addresses of documents"),
        Rule("actioncode", "skip", (Replace({"delete": DELETED}, otherwise=""),),
             "deleted lines"),
        *decoys("a quantity to order", "minimumorderquantity", "maximumorderquantity",
                "orderquantityincrementnumeric", "packlevelcode", f"{_PRICE}/basequantity"),
        *decoys("about delivery", "requireditemlocationquantity/leadtimemeasure",
                "requireditemlocationquantity/deliveryunit/batchquantity"),
        *decoys("the line's number, which says nothing of the item", "id"),
        *decoys("a tax", "item/classifiedtaxcategory/percent", "item/classifiedtaxcategory/id"),
        *decoys("part of the properties", "item/additionalitemproperty/name"),
        *decoys("the content of a package", "contentunitquantity", "item/packquantity",
                "item/packsizenumeric"),
    ),
    signs("item/name", "item/sellersitemidentification/id"),
    records=("catalogue/catalogueline",),
)  # fmt: skip
