"""Datanorm 4, in which German wholesale sends articles and prices.

The reader joins the records of an article and makes its price that of one unit. A file of nothing
but price records is price-only.
"""

from imports.mapping.steps import Join

from .behaviours import decoys, signs
from .profile import Profile, Rule

PROFILE = Profile(
    "Datanorm 4",
    (
        Rule("artikelnummer", "sku", note="the article code"),
        Rule("kurztext 1", "name", (Join(" ", ("kurztext 2",)),), "the two short texts"),
        Rule("preis", "price", note="the price of one unit"),
        Rule("währung", "currency", note="the currency of the file"),
        Rule("mengeneinheit", "unit", note="the unit of sale"),
        Rule("ean", "ean", note="the EAN"),
        Rule("hauptwarengruppe", "category", note="the group"),
        Rule("warengruppe", "category", note="the group"),
        Rule("matchcode", "attribute.matchcode", note="the word to search for"),
        Rule("rabattgruppe", "attribute.discount group", note="the group of discounts"),
        Rule("preisart", "attribute.price kind", note="a list price, or net"),
        Rule("katalogseite", "attribute.catalogue page", note="the page of the catalogue"),
        *decoys("part of the name", "kurztext 2"),
        *decoys("what the price was for, before it was divided", "preiseinheit"),
        *decoys("another code", "alternative artikelnummer", "anbindungsnummer", "referenznummer",
                "textkennzeichen", "langtextschlüssel", "erstellerkürzel", "kostenart"),
        *decoys("a quantity to order", "verpackungsmenge"),
        *decoys("about the copper in it", "kupfermerker", "kupferbasis", "kupfergewicht"),
    ),
    signs("artikelnummer|kurztext 1|preis|preisart"),
    xml=False,
    named_by="kurztext 1",
)  # fmt: skip
