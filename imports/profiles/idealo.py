"""idealo: a table of offers, with the names of columns in English or German.

Several EANs or pictures share a cell. Delivery and payment have a column for each way, none of
them a price of the product. The currency is that of the country.
"""

from imports.mapping.steps import Path, Split, Take

from .behaviours import MAKERS_CODE, by_domain, decoys, signs
from .profile import Profile, Rule

PROFILE = Profile(
    "idealo",
    (
        Rule("sku", "sku", note="the shop's article code"),
        Rule("artikelnummer im shop", "sku", note="the shop's article code"),
        Rule("artikelnummer", "sku", note="the shop's article code"),
        Rule("article number in shop", "sku", note="the shop's article code"),
        Rule("title", "name", note="the title"),
        Rule("produktname", "name", note="the name"),
        Rule("product name", "name", note="the name"),
        Rule("price", "price", note="the price with tax"),
        Rule("preis (brutto)", "price", note="the price with tax"),
        Rule("preis", "price", note="the price with tax"),
        Rule("eans", "ean", (Split(";"), Split("|"), Split(","), Take(1)), "the first EAN"),
        Rule("ean / gtin / barcodenummer / upc", "ean", note="the EAN"),
        Rule("ean / gtin / barcode", "ean", note="the EAN"),
        Rule("ean", "ean", note="the EAN"),
        Rule("hans", MAKERS_CODE, (Split(";"), Split("|"), Take(1)),
             "the manufacturer's first code"),
        Rule("herstellerartikelnummer (han/mpn)", MAKERS_CODE, note="the manufacturer's code"),
        Rule("herstellerartikelnummer", MAKERS_CODE, note="the manufacturer's code"),
        Rule("han / mpn", MAKERS_CODE, note="the manufacturer's code"),
        Rule("brand", "brand", note="the brand"),
        Rule("hersteller / markenname", "brand", note="the manufacturer"),
        Rule("herstellername", "brand", note="the manufacturer"),
        Rule("manufacturer / brand name", "brand", note="the manufacturer"),
        Rule("categorypath", "category", (Path(">"),), "the category"),
        Rule("produktgruppe im shop", "category", (Path(">"),), "the shop's group"),
        Rule("product group in shop", "category", (Path(">"),), "the shop's group"),
        Rule("description", "description", note="the description"),
        Rule("produktbeschreibung", "description", note="the description"),
        Rule("product description", "description", note="the description"),
        Rule("imageurls", "images", note="the pictures"),
        Rule("imageurl", "images", note="the pictures"),
        Rule("bildurl_{n}", "images", note="a picture"),
        Rule("bildurl", "images", note="the picture"),
        Rule("url", "url", note="the offer's page"),
        Rule("produkturl", "url", note="the offer's page"),
        Rule("colour", "colour", note="the colour"),
        Rule("size", "size", note="the size"),
        Rule("material", "attribute.material", note="the material"),
        Rule("deliverytime", "attribute.delivery", note="when it arrives"),
        Rule("lieferzeit", "attribute.delivery", note="when it arrives"),
        Rule("delivery time", "attribute.delivery", note="when it arrives"),
        *decoys("an old or list price", "formerprice", "was price", "streichpreis"),
        *decoys("a reduced price for a time", "discount price"),
        *decoys("a price for a measure", "baseprice", "grundpreis", "base price"),
        *decoys("a deposit or a voucher", "deposit", "vouchercode"),
        *decoys("about delivery or payment", "deliverycosts", "paymentcosts", "deliverycosts_dhl",
                "deliverycosts_dpd", "deliverycosts_ups", "deliverycosts_gls",
                "deliverycosts_hermes", "paymentcosts_paypal", "paymentcosts_creditcard",
                "paymentcosts_cash_in_advance", "paymentcosts_invoice", "vorkasse", "dhl",
                "versandkosten", "paypal", "kreditkarte", "nachnahme"),
    ),
    signs("sku|title|price|url|categorypath", "sku|brand|title|url|price|eans",
          "artikelnummer im shop|produktname|produkturl",
          "article number in shop|product name|delivery time"),
    xml=False,
    defaults=by_domain("url", {"de": "EUR", "at": "EUR", "fr": "EUR", "it": "EUR", "es": "EUR",
                               "uk": "GBP"}),
)  # fmt: skip
