"""The product of a page, out of JSON-LD, microdata and OpenGraph, with where each value stood."""

import json

import pytest

from scraping.extraction import extract

URL = "https://shop.example/oak"
PRODUCT = {"@type": "Product", "name": "Oak", "sku": "A1"}


def ld(*blocks):
    parts = (block if isinstance(block, str) else json.dumps(block) for block in blocks)
    return "".join(f'<script type="application/ld+json">{part}</script>' for part in parts)


def page(body="", head="", heading="Oak"):
    return f"<html><head><title>{heading}</title>{head}</head><body><h1>{heading}</h1>{body}"


def read(markup, url=URL):
    return extract(markup.encode(), url, "utf-8")


def product(*blocks, **options):
    found = read(page(ld(*blocks), **options))
    assert len(found.products) == 1, found.warnings
    return found.products[0]


def offer(**values):
    return product({**PRODUCT, "offers": {"@type": "Offer", **values}})


def test_values_with_their_evidence():
    found = product(
        {
            **PRODUCT,
            "brand": {"@type": "Brand", "name": "Acme"},
            "gtin13": 4006381333931,
            "description": "<p>Solid <b>oak</b></p>",
            "image": ["/1.jpg", {"@type": "ImageObject", "url": "/2.jpg"}],
            "offers": {"@type": "Offer", "price": 10.50, "priceCurrency": "EUR",
                       "availability": "https://schema.org/InStock"},
        }
    )  # fmt: skip
    assert found.values == {
        "name": "Oak",
        "sku": "A1",
        "ean": "4006381333931",
        "brand": "Acme",
        "description": "<p>Solid <b>oak</b></p>",
        "images": ["https://shop.example/1.jpg", "https://shop.example/2.jpg"],
        "price": "10.5",
        "currency": "EUR",
        "stock": "in stock",
    }
    assert found.evidence["price"].method == "json-ld:offers.price"
    assert found.evidence["stock"].raw == "https://schema.org/InStock"
    assert found.evidence.keys() == found.values.keys()


@pytest.mark.parametrize("price", ["$229.990", "1.234,50 €", "0.10"])
def test_a_price_stays_as_it_was_written(price):
    assert offer(price=price).values["price"] == price


def test_numbers_stay_as_they_were_written():
    block = '{"@type":"Product","name":"Oak","sku":0012.50,"offers":{"price":229.990}}'
    found = product(block.replace("0012.50", "12.50"))
    assert (found.values["sku"], found.values["price"]) == ("12.50", "229.990")


@pytest.mark.parametrize("empty", ["N/A", "-", "", None, "none"])
def test_words_for_nothing_are_left_out(empty):
    found = product({"@type": "Product", "name": "Oak", "sku": empty, "mpn": "M7"})
    assert found.values["sku"] == "M7"
    assert found.evidence["sku"].method == "json-ld:mpn"


def test_an_aggregate_offer_gives_its_low_price():
    found = offer(**{"@type": "AggregateOffer", "lowPrice": "5", "highPrice": "9",
                     "priceCurrency": "EUR"})  # fmt: skip
    assert (found.values["price"], found.values["currency"]) == ("5", "EUR")


def test_of_several_offers_the_lowest_counts_and_is_told():
    found = read(page(ld({**PRODUCT, "offers": [{"price": "9"}, {"price": "0"}, {"price": "7"}]})))
    assert found.products[0].values["price"] == "7"
    assert found.warnings == ["prices from 7 to 9: the lowest was taken"]


def test_a_struck_through_and_a_bulk_price_do_not_count():
    found = offer(
        priceSpecification=[
            {"price": 20, "priceType": "https://schema.org/ListPrice"},
            {"price": 5, "eligibleQuantity": {"minValue": 100}},
            {"@type": "UnitPriceSpecification", "price": 12.5, "priceCurrency": "EUR",
             "unitCode": "MTK"},
        ]
    )  # fmt: skip
    assert [found.values[key] for key in ("price", "currency", "unit")] == ["12.5", "EUR", "m2"]


def test_the_price_of_the_article_goes_before_that_of_a_measure():
    found = offer(price="30", priceSpecification={"price": "10", "unitCode": "MTK"})
    assert found.values["price"] == "30"
    assert "unit" not in found.values


def test_graph_and_references():
    found = product(
        {
            "@graph": [
                {"@type": "WebPage", "mainEntity": {"@id": "#p"}},
                {"@id": "#p", **PRODUCT, "brand": {"@id": "#b"}, "offers": {"@id": "#o"}},
                {"@id": "#b", "@type": "Brand", "name": "Acme"},
                {"@id": "#o", "@type": "Offer", "price": "3"},
            ]
        }
    )
    assert (found.values["brand"], found.values["price"]) == ("Acme", "3")


def test_references_in_a_circle_end():
    found = product({"@id": "#a", **PRODUCT, "brand": {"@id": "#a"}, "offers": {"@id": "#a"}})
    assert found.values["sku"] == "A1"


def test_a_review_is_of_its_product():
    assert product({"@type": "Review", "itemReviewed": PRODUCT}).values["sku"] == "A1"


def test_neighbours_are_not_taken():
    neighbour = {"@type": "Product", "name": "Elm", "sku": "B2", "offers": {"price": "1"}}
    found = product(
        {"@type": "ItemList", "itemListElement": [{"item": neighbour}]},
        neighbour,
        {**PRODUCT, "isRelatedTo": neighbour, "isSimilarTo": [neighbour]},
    )
    assert found.values["sku"] == "A1"
    assert "price" not in found.values


def test_the_address_of_the_page_chooses():
    others = [
        {"@type": "Product", "name": f"P{n}", "sku": str(n), "url": f"/p{n}"} for n in range(5)
    ]
    mine = {"@type": "Product", "name": "Other words", "sku": "me", "url": URL + "?v=1"}
    assert product(others, mine).values["sku"] == "me"


def test_a_list_of_other_pages_products_has_none_of_its_own():
    others = [{"@type": "Product", "name": f"P{n}", "url": f"/p{n}"} for n in range(5)]
    found = read(page(ld(others), heading="All floors"))
    assert found.products == []
    assert found.structured
    assert found.warnings == ["the structured data describes no product of this page"]


def test_a_group_is_one_product_with_variants():
    found = product(
        {
            "@type": "ProductGroup",
            "name": "Oak",
            "productGroupID": "G",
            "hasVariant": [
                {"@type": "Product", "name": "Oak S", "sku": "S", "color": "Brown", "size": "S",
                 "image": "/s.jpg", "offers": {"price": "8", "priceCurrency": "EUR"}},
                {"@type": "Product", "name": "Oak L", "sku": "L", "color": "Brown", "size": "L",
                 "offers": {"price": "6", "priceCurrency": "EUR"}},
            ],
        }
    )  # fmt: skip
    assert found.values["name"] == "Oak"
    assert found.values["group"] == "G"
    assert found.values["price"] == "6"
    assert found.values["colour"] == "Brown"
    assert found.values["images"] == ["https://shop.example/s.jpg"]
    assert "size" not in found.values
    assert "sku" not in found.values
    assert [(each["sku"], each["size"], each["price"]) for each in found.variants] == [
        ("S", "S", "8"),
        ("L", "L", "6"),
    ]


def test_products_of_one_family_are_folded():
    family = {"@type": "ProductGroup", "productGroupID": "G", "name": "Oak"}
    blocks = [
        {"@type": "Product", "name": f"Oak {n}", "sku": n, "url": f"{URL}?v={n}",
         "isVariantOf": family, "offers": {"price": n}}
        for n in ("1", "2")
    ]  # fmt: skip
    found = product(*blocks)
    assert (found.values["name"], found.values["price"]) == ("Oak", "1")
    assert [each["sku"] for each in found.variants] == ["1", "2"]


def test_offers_with_codes_of_their_own_are_variants():
    found = product(
        {"@type": "Product", "name": "Oak", "offers": [{"sku": "a", "price": "1"}, {"sku": "b"}]}
    )
    assert found.variants == [{"sku": "a", "price": "1"}, {"sku": "b"}]


def test_properties_feed_targets_or_stay_attributes():
    found = product(
        {
            **PRODUCT,
            "color": "Brown",
            "material": "Oak wood",
            "width": {"@type": "QuantitativeValue", "value": 200, "unitCode": "MMT"},
            "additionalProperty": [
                {"name": "Stärke", "value": "8", "unitText": "mm"},
                {"name": "Finish", "value": "oiled"},
                {"name": "Slip class", "value": "R9"},
            ],
        }
    ).values
    assert (found["colour"], found["width"], found["thickness"]) == ("Brown", "200 mm", "8 mm")
    assert (found["finish"], found["attribute.slip class"]) == ("oiled", "R9")
    assert found["attribute.material"] == "Oak wood"


def test_breadcrumbs_are_the_category():
    crumbs = {
        "@type": "BreadcrumbList",
        "itemListElement": [
            {"position": 2, "item": {"@id": "/f", "name": "Floors"}},
            {"position": 1, "name": "Home"},
            {"position": 3, "name": "Oak"},
        ],
    }
    assert product(PRODUCT, crumbs).values["category"] == ["Floors"]
    assert product({**PRODUCT, "category": "A > B"}, crumbs).values["category"] == ["A", "B"]


@pytest.mark.parametrize(
    "written",
    [
        '{"@type":"Product","name":"Oak","sku":"A1",}',
        '{"@type":"Product","name":"Oak","sku":"A1"};',
        '{"@type":"Product","name":"Oak","sku":"A1"},',
        '/* c */ {"@type":"Product", // n\n"name":"Oak","sku":"A1"}',
        '//<![CDATA[\n{"@type":"Product","name":"Oak","sku":"A1"}\n//]]>',
        '<!-- {"@type":"Product","name":"Oak","sku":"A1"} -->',
        '{"@type":"Product","name":"Oak","sku":"A1","description":"a\tb\nc"}',
        "{&quot;@type&quot;:&quot;Product&quot;,&quot;name&quot;:&quot;Oak&quot;,"
        "&quot;sku&quot;:&quot;A1&quot;}",
        '{"@type":"WebSite"}\n{"@type":"Product","name":"Oak","sku":"A1"}',
    ],
)
def test_broken_json_is_mended(written):
    assert product(written).values["sku"] == "A1"


def test_what_cannot_be_mended_is_named_and_the_rest_read():
    found = read(page(ld('{"@type": "Product", "name": ', PRODUCT)))
    assert found.products[0].values["sku"] == "A1"
    assert found.warnings[0].startswith("JSON-LD block 1 cannot be read")


MICRODATA = """<div itemscope itemtype="http://schema.org/Product"><span itemprop="name">Oak</span>
<meta itemprop="sku" content="A1"><img itemprop="image" src="/1.jpg">
<div itemprop="offers" itemscope itemtype="http://schema.org/Offer">
<span itemprop="price">12,50 €</span><link itemprop="availability" href="http://schema.org/SoldOut">
</div></div>"""


def test_microdata():
    found = read(page(MICRODATA)).products[0]
    assert found.values == {
        "name": "Oak",
        "sku": "A1",
        "images": ["https://shop.example/1.jpg"],
        "price": "12,50 €",
        "stock": "sold out",
    }
    assert found.evidence["price"].method == "microdata:offers.price"


def test_microdata_fills_what_json_ld_leaves_out():
    found = read(page(ld({**PRODUCT, "brand": "Acme"}) + MICRODATA)).products[0]
    assert (found.values["brand"], found.values["price"]) == ("Acme", "12,50 €")
    other = MICRODATA.replace("A1", "B2")
    assert "price" not in read(page(ld(PRODUCT) + other)).products[0].values


OPEN_GRAPH = """<meta property="og:type" content="product"><meta property="og:title" content="Oak">
<meta property="og:image" content="https://shop.example/1.jpg">
<meta property="product:price:amount" content="9.90">
<meta property="product:price:currency" content="EUR">
<meta property="product:availability" content="instock">"""


def test_open_graph():
    found = read(page(head=OPEN_GRAPH)).products[0]
    assert found.values == {
        "name": "Oak",
        "price": "9.90",
        "currency": "EUR",
        "stock": "in stock",
        "images": ["https://shop.example/1.jpg"],
    }
    assert found.evidence["price"].method == "opengraph:product:price:amount"


def test_a_price_is_never_made_of_two_sources():
    found = product({**PRODUCT, "offers": {"price": "5"}}, head=OPEN_GRAPH)
    assert found.values["price"] == "5"
    assert "currency" not in found.values


def test_a_bare_page_says_so():
    found = read(page("<p>Oak, 12 EUR</p>" * 50, head='<meta property="og:title" content="Oak">'))
    assert (found.structured, found.products) == (False, [])
    assert found.warnings == ["no structured data"]


def test_scripts_in_names_stay_text():
    name = "<script>alert(1)</script>"
    block = json.dumps({"@type": "Product", "name": name, "sku": "A1"}).replace("</", "<\\/")
    assert product(block).values["name"] == name
