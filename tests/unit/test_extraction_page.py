"""A page as bytes: its charset, its links, what it says of itself; and bytes that are no page."""

import json
import time
from urllib.parse import urldefrag, urljoin, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobtracker.catalogue.normalise import word_set
from scraping.canonical import canonical
from scraping.extraction import extract, is_text
from scraping.extraction.page import absolute

URL = "https://shop.example/floors/oak"
SHOP = (
    '<html><head><meta charset="utf-8"><title>Öl</title><link rel="canonical" href="/oak">'
    '<script type="application/ld+json">{"@type":"Product","name":"Oak","sku":"A1","offers":'
    '{"@type":"Offer","price":"9","priceCurrency":"EUR"}}</script></head><body><h1>Oak</h1>'
    '<div itemscope itemtype="https://schema.org/Product"><b itemprop="name">Oak</b></div>'
    '<a href="/elm">Elm</a></body></html>'
).encode()


@pytest.mark.parametrize(
    ("body", "declared"),
    [
        ("<title>Größe</title>".encode(), None),
        ("<title>Größe</title>".encode(), "iso-8859-1"),  # the header is wrong
        ("<title>Größe</title>".encode("cp1252"), "utf-8"),
        ("<title>Größe</title>".encode("cp1252"), None),
        ("<title>Größe</title>".encode("utf-8-sig"), "cp1252"),
        ("<title>Größe</title>".encode("utf-16"), None),
        ('<meta charset="cp1250"><title>Größe</title>'.encode("cp1250"), None),
        ("<title>Größe</title>".encode(), "no-such-charset"),
        ("<title>Größe</title>".encode("cp1252"), "base64"),
        ("<title>Größe</title>".encode() + b"<p>\xff", "utf-8"),  # one byte is broken
    ],
)
def test_the_charset_is_found(body, declared):
    assert extract(body, URL, declared).title == "Größe"


def test_seven_bit_charsets_are_believed():
    assert extract("<title>床</title>".encode("iso-2022-jp"), URL, "iso-2022-jp").title == "床"


def links(markup):
    return extract(markup.encode(), URL, None).links


def test_links_are_absolute_and_each_once():
    found = links(
        '<a href="elm#x">1</a><a href="elm">2</a><a href=" /a b ">3</a><a href="//cdn.example/c">4'
        '</a><a href="javascript:go()">5</a><a href="mailto:a@b.c">6</a><a href="#top">7</a>'
        '<a rel="nofollow" href="/n">8</a><a href="http://[bad">9</a><area href="/map">'
        '<link rel="next" href="?page=2"><link rel="stylesheet" href="/s.css">'
    )
    assert set(found) == {
        "https://shop.example/floors/elm",
        "https://shop.example/a%20b",
        "https://cdn.example/c",
        "https://shop.example/map",
        "https://shop.example/floors/oak?page=2",
    }
    assert len(found) == 5


def test_a_base_leads_elsewhere():
    assert links('<base href="/shop/"><a href="elm">1</a>') == ["https://shop.example/shop/elm"]


def test_what_the_page_says_of_itself():
    found = extract(
        b'<link rel="canonical" href="/oak"><meta name="robots" content="NoIndex, nofollow">'
        b"<title> A\n b </title>",
        URL,
        None,
    )
    assert (found.canonical, found.title) == ("https://shop.example/oak", "A b")
    assert (found.noindex, found.nofollow) == (True, True)


def test_a_hundred_thousand_links_are_bounded():
    body = "".join(f'<a href="/p/{n}">x</a>' for n in range(100_000)).encode()
    began = time.process_time()
    found = extract(body, URL, None)
    assert len(found.links) == 5_000
    assert "only the first 5,000 links were followed" in found.warnings
    assert time.process_time() - began < 3


@pytest.mark.parametrize(
    ("markup", "said"),
    [
        ('<div id="root"></div><script src="/app.js"></script>', True),
        ("<noscript>Please enable JavaScript.</noscript><script src=a.js></script>", True),
        ('<div id="app"></div>' + "<p>words of a page</p>" * 30 + "<script src=a></script>", False),
        ("<p>short</p>", False),
    ],
)
def test_pages_that_scripts_build_are_known(markup, said):
    found = extract(f"<html><body>{markup}</body></html>".encode(), URL, None)
    assert found.needs_javascript is said
    assert any("JavaScript" in warning for warning in found.warnings) is said


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "the page is empty"),
        (b"  \n", "the page is empty"),
        (b"%PDF-1.7 ...", "the body is a file, not a web page"),
        (b"\x89PNG\r\n", "the body is a file, not a web page"),
        (b"<!-- nothing -->", "the page holds no HTML"),
    ],
)
def test_bytes_that_are_no_page(body, said):
    found = extract(body, URL, None)
    assert (found.products, found.warnings) == ([], [said])


def ld(text):
    return f'<script type="application/ld+json">{text}</script>'


def product(**values):
    return ld(json.dumps({"@type": "Product", "name": "Oak", **values}))


NESTED = '<div itemscope itemtype="http://schema.org/Product" itemprop="a">'


@pytest.mark.parametrize(
    "markup",
    [
        "<div>" * 100_000,
        NESTED * 20_000,
        NESTED * 300 + '<b itemprop="name">x</b>' * 3000,
        '<b itemprop="name">x</b>' * 100_000,
        ld("[" * 100_000),
        ld('{"a":' * 100_000),
        ld(" " * 250_000 + "{"),
        ld('{"a":"' + "/*" * 100_000),
        ld("//" * 100_000),
        ld('{"@type":"Product","name":"x","offers":{"price":1e999999999}}'),
        ld('{"@type":"Product","name":"x","sku":' + "9" * 100_000 + "}"),
        product(offers=[{"sku": str(n), "price": n} for n in range(20_000)]),
        product(hasVariant=[{"sku": str(n), "offers": {"price": n}} for n in range(20_000)]),
        product(additionalProperty=[{"name": f"n{n}", "value": "v"} for n in range(20_000)]),
        product(category=" " * 500_000),
        ld(json.dumps([{"@type": "Product", "name": f"n{n}"} for n in range(20_000)])),
        ld(json.dumps({"@id": "#a", "@type": "Product", "name": "x",
                       "offers": [{"@id": "#a"}] * 2_000})),
        "<title>" * 50_000,
        '<a href="' + "../" * 100_000 + '">',
        "<p>x" + "&nbsp;" * 500_000,
    ],
)  # fmt: skip
def test_hostile_pages_take_little_time(markup):
    began = time.process_time()
    extract(f"<html><body>{markup}".encode(), URL, None)
    assert time.process_time() - began < 4


@settings(deadline=None, max_examples=150)
@given(st.binary(max_size=400), st.integers(0, len(SHOP)), st.sampled_from([None, "utf-8", "x"]))
def test_no_bytes_break_it(noise, at, declared):
    extract(noise, URL, declared)
    extract(SHOP[:at] + noise + SHOP[at:], URL, declared)
    extract(SHOP[:at], URL, declared)


_NAMES = word_set(
    """@type|@id|@graph|name|url|offers|price|image|brand|hasVariant|category
    |additionalProperty|itemListElement|item|position|value|unitCode|sku
    |priceSpecification|isVariantOf|availability|mainEntity|width"""
)
_LEAVES = (
    st.none()
    | st.booleans()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["Product", "ProductGroup", "Offer", "#a", "/oak", "BreadcrumbList"])
)
_JSON = st.recursive(
    _LEAVES,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(sorted(_NAMES)), inner, max_size=6)
    ),
    max_leaves=25,
)


@settings(deadline=None, max_examples=200)
@given(_JSON)
def test_no_json_breaks_it(value):
    body = ld(json.dumps(value).replace("</", "<\\/"))
    found = extract(f"<h1>Oak</h1>{body}".encode(), URL, None)
    for product in found.products:
        assert product.values.keys() == product.evidence.keys()
        for target, each in product.values.items():
            assert isinstance(each, list if target in ("images", "category") else str)


@given(st.text(alphabet="/.:?#&=%ab1-_~ é[]@", max_size=25), st.sampled_from(["", "/", "http://a"]))
def test_links_are_joined_as_browsers_do(tail, head):
    """The short way that most links take leads where the long one does."""
    found = absolute(URL, head + tail)
    try:
        joined = urldefrag(urljoin(URL, (head + tail).strip()))[0]
        host = urlsplit(joined).hostname
    except ValueError:
        return
    if found and host and joined.isascii() and " " not in joined:
        assert canonical(found) == canonical(joined)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"<html>" + b"\0" * 2 + b"<h1>Tile</h1>", True),
        (b"\0\1\2" * 300, False),
        ("<h1>Tile</h1>".encode("utf-16"), True),
        (b"%PDF-1.7", False),
    ],
)
def test_a_few_stray_nuls_make_no_file_of_a_page(body: bytes, text: bool) -> None:
    assert is_text(body) is text
    said = extract(body, "https://shop.example/p").warnings
    assert ("the body is a file, not a web page" in said) is not text
