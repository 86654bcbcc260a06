"""BMEcat 1.2 and 2005: catalogues of European wholesale.

A product may have several prices by type; the customer's own counts before the list price. A
price may be for more than one unit (`PRICE_QUANTITY`). Features are names, values and units.
The group of a product stands behind all products, or is that of its features. The catalogue may
name the currency and the folder of the pictures once, in its header.
"""

from collections.abc import Iterator

from imports.mapping.steps import (
    Divide,
    Linked,
    Outside,
    Pairs,
    Replace,
    Root,
    Step,
    Take,
    Tree,
    Where,
)

from .behaviours import DELETED, MAKERS_CODE, decoys, signs
from .profile import Profile, Rule

_PRICE_TYPES = ("net_customer", "net_list", "gros_list", "nrp", "")
_CATALOG = "BMECAT/HEADER/CATALOG"
_PICTURES = ("image/", "url")


def _rules(
    root: str, product: str, code: str, details: str, price: str, order: str, features: str
) -> tuple[Rule, ...]:
    """The rules of one version, whose names for the same things differ."""
    prices = f"{price}_details/{price}"
    by_type = (Where(f"{prices}/@price_type", _PRICE_TYPES), Take(1))
    header_currency = Outside(_CATALOG, "CURRENCY")
    map_to = f"{product.upper()}_TO_CATALOGGROUP_MAP"
    top = f"BMECAT/{root}"
    tree = Tree(
        record=f"{top}/CATALOG_GROUP_SYSTEM/CATALOG_STRUCTURE",
        id="GROUP_ID",
        name="GROUP_NAME",
        parent="PARENT_ID",
    )
    classes = Tree(
        record=f"{top}/CLASSIFICATION_SYSTEM/CLASSIFICATION_GROUPS/CLASSIFICATION_GROUP",
        id="CLASSIFICATION_GROUP_ID",
        name="CLASSIFICATION_GROUP_NAME",
        parent="CLASSIFICATION_GROUP_PARENT_ID",
    )
    id_in_map = "ART_ID" if product == "article" else "PROD_ID"
    grouped: tuple[Step, ...] = (
        Linked(record=f"{top}/{map_to}", id=id_in_map, to="CATALOG_GROUP_ID"),
        tree,
    )
    return (
        Rule(code, "sku", note="the supplier's article code"),
        Rule(f"{details}/description_short", "name", note="the short description"),
        Rule(f"{prices}/price_amount", "price", (*by_type, Divide(f"{order}/price_quantity")),
             "the price for the customer, else the list price"),
        Rule(f"{prices}/price_currency", "currency", (*by_type, header_currency),
             "the currency of that price"),
        Rule(code, "currency", (Replace({}, otherwise=""), header_currency),
             "the currency in the catalogue's header"),
        Rule(code, "category", grouped, "the catalogue group, from behind the products"),
        Rule(f"{features}/reference_feature_group_id", "category", (classes,),
             "the class of the features"),
        Rule(f"{details}/description_long", "description", note="the long description"),
        Rule(f"{details}/international_pid", "ean", (Take(1),), "the international number"),
        Rule(f"{details}/ean", "ean", note="the EAN"),
        Rule(f"{details}/manufacturer_name", "brand", note="the manufacturer"),
        Rule(f"{details}/manufacturer_aid", MAKERS_CODE,
             note="the manufacturer's code"),
        Rule(f"{details}/manufacturer_pid", MAKERS_CODE,
             note="the manufacturer's code"),
        Rule(f"{order}/order_unit", "unit", note="the unit of sale"),
        Rule(f"{features}/feature/fvalue", "attributes",
             (Pairs(names=f"{features}/feature/fname", units=f"{features}/feature/funit"),),
             "features"),
        Rule("mime_info/mime/mime_source", "images",
             (Where("mime_info/mime/mime_type", _PICTURES), Root(_CATALOG, "MIME_ROOT")),
             "the pictures among the files"),
        Rule("@mode", "skip", (Replace({"delete": DELETED}, otherwise=""),), "deleted products"),
        *decoys("another price of the product", f"{prices}/@price_type",
                f"{prices}/tax", f"{prices}/price_factor", f"{prices}/territory"),
        *decoys("a quantity to order", f"{prices}/lower_bound", f"{order}/quantity_min",
                f"{order}/quantity_interval", f"{order}/no_cu_per_ou", f"{order}/price_quantity"),
        *decoys("another code", f"{details}/supplier_alt_aid", f"{details}/supplier_alt_pid",
                f"{details}/buyer_aid", f"{details}/buyer_pid"),
        *decoys("part of the features", f"{features}/feature/fname", f"{features}/feature/funit",
                f"{features}/feature/forder"),
        *decoys("a unit within the package", f"{order}/content_unit"),
    )  # fmt: skip


def _versions(root: str, kind: str, *, price_only: bool = False) -> Iterator[Profile]:
    kinds = (
        ("1.2", "article", "supplier_aid", "article_details", "article_price",
         "article_order_details", "article_features"),
        ("2005", "product", "supplier_pid", "product_details", "product_price",
         "product_order_details", "product_features"),
    )  # fmt: skip
    for version, product, code, details, price, order, features in kinds:
        yield Profile(
            f"BMEcat {version}{kind}",
            _rules(root, product, code, details, price, order, features),
            signs(code),
            records=(f"bmecat/{root.lower()}/{product}",),
            price_only=price_only,
        )


PROFILES = (
    *_versions("T_NEW_CATALOG", ""),
    *_versions("T_UPDATE_PRODUCTS", " update"),
    *_versions("T_UPDATE_PRICES", " prices", price_only=True),
)
