"""cXML catalogues (an `Index` of items to add), as procurement systems exchange them.

The price is money with its currency; the unit is a UN/ECE Rec 20 code; anything else comes as
`Extrinsic` elements with a name.
"""

from imports.mapping.steps import First, Pairs, Take

from .behaviours import MAKERS_CODE, decoys, signs
from .profile import Profile, Rule

PROFILE = Profile(
    "cXML catalogue",
    (
        Rule("itemid/supplierpartid", "sku", note="the supplier's part number"),
        Rule("itemdetail/description/shortname", "name", (First(("itemdetail/description",)),),
             "the short name"),
        Rule("itemdetail/description", "name", (Take(1),), "the description's first words"),
        Rule("itemdetail/description", "description", (Take(1),), "the description"),
        Rule("itemdetail/unitprice/money", "price", (Take(1),), "the price of a unit"),
        Rule("itemdetail/unitprice/money/@currency", "currency", (Take(1),),
             "the price's currency"),
        Rule("itemdetail/unitofmeasure", "unit", note="the unit of the price"),
        Rule("itemdetail/manufacturerpartid", MAKERS_CODE,
             note="the manufacturer's part number"),
        Rule("itemdetail/manufacturername", "brand", note="the manufacturer"),
        Rule("itemdetail/classification", "attribute.class", note="the class, by its code"),
        Rule("itemdetail/url", "url", note="the item's page"),
        Rule("itemdetail/extrinsic", "attributes", (Pairs(names="itemdetail/extrinsic/@name"),),
             "further properties"),
        Rule("itemdetail/leadtime", "attribute.delivery days", note="days until it is sent"),
        Rule("indexitemdetail/leadtime", "attribute.delivery days", note="days until it is sent"),
        *decoys("part of a key with the part number", "itemid/supplierpartauxiliaryid"),
        *decoys("a quantity to order", "indexitemdetail/minimumquantity"),
        *decoys("part of the properties", "itemdetail/extrinsic/@name",
                "itemdetail/classification/@domain"),
        *decoys("when it holds", "indexitemdetail/effectivedate", "indexitemdetail/expirationdate"),
    ),
    signs("itemid/supplierpartid|itemdetail/unitprice/money"),
    records=("index/indexitem/indexitemadd",),
)  # fmt: skip
