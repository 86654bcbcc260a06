"""The record of an XML feed is found by what stands in it, not by how often it occurs."""

from pathlib import Path

import pytest

from imports.readers import Inspection, UnreadableFeed, inspect

PRODUCT = "<sku>S{n}</sku><name>Tile {n}</name><price>{n}.50</price>"


def products(element: str, count: int, extra: str = "") -> str:
    return "".join(
        f"<{element}>{PRODUCT.format(n=n)}{extra}</{element}>" for n in range(1, count + 1)
    )


FEEDS = {
    "one product beside hundreds of categories": (
        "<shop><categories>"
        + "".join(f'<category id="{n}"><name>Kind {n}</name></category>' for n in range(300))
        + f"</categories><offers>{products('offer', 1)}</offers></shop>",
        "shop/offers/offer",
    ),
    "categories with links and names": (
        "<shop>"
        + "".join(
            f"<category><id>{n}</id><name>K{n}</name><url>https://x.example/{n}</url></category>"
            for n in range(200)
        )
        + products("product", 5)
        + "</shop>",
        "shop/product",
    ),
    "a single product": (
        f"<catalog><title>Spring</title><id>9</id>{products('product', 1)}</catalog>",
        "catalog/product",
    ),
    "a single product as the document": (f"<product>{PRODUCT.format(n=1)}</product>", "product"),
    "more pictures than products": (
        "<c>" + products("p", 20, "<image>https://x.example/1.jpg</image>" * 9) + "</c>",
        "c/p",
    ),
    "pictures with ids and names": (
        "<c>"
        + products(
            "p",
            20,
            "<images>"
            + "".join(
                f"<image><id>{n}</id><name>n{n}</name><url>https://x.example/{n}</url></image>"
                for n in range(9)
            )
            + "</images>",
        )
        + "</c>",
        "c/p",
    ),
    "variants with their own codes and prices": (
        "<c>"
        + "".join(
            f"<product><id>{p}</id><name>Tile {p}</name><url>https://x.example/{p}</url><variants>"
            + "".join(
                f"<variant><sku>{p}-{v}</sku><price>{v}.00</price></variant>" for v in range(8)
            )
            + "</variants></product>"
            for p in range(3)
        )
        + "</c>",
        "c/product",
    ),
    "price tiers": (
        "<c>"
        + "".join(
            f"<article><nr>A{n}</nr><prices>"
            + "".join(f"<price><from>{t}</from><amount>{t}</amount></price>" for t in range(1, 6))
            + "</prices></article>"
            for n in range(10)
        )
        + "</c>",
        "c/article",
    ),
    "shipping prices by country": (
        "<c>"
        + products(
            "item",
            10,
            "<shipping><country>DE</country><price>4.00 EUR</price></shipping>" * 6,
        )
        + "</c>",
        "c/item",
    ),
    "products inside named categories": (
        "<c>"
        + "".join(
            f"<category><id>{n}</id><name>Kind {n}</name>{products('product', 4)}</category>"
            for n in range(3)
        )
        + "</c>",
        "c/category/product",
    ),
    "items of orders": (
        "<orders>"
        + "".join(
            f"<order><id>{n}</id><date>2026-01-0{n}</date><items>{products('item', 3)}</items>"
            "</order>"
            for n in range(1, 6)
        )
        + "</orders>",
        "orders/order/items/item",
    ),
    "attributes only": (
        "<c>"
        + "".join(f'<row code="C{n}" title="Tile {n}" preis="{n},50"/>' for n in range(9))
        + "</c>",
        "c/row",
    ),
    "foreign words": (
        "<c>"
        + "".join(
            f"<zboží><kód>K{n}</kód><název>Dlažba</název><cena_s_dph>{n}</cena_s_dph></zboží>"
            for n in range(9)
        )
        + "</c>",
        "c/zboží",
    ),
    "unknown words but money": (
        "<c>"
        + "".join(f"<x><id>{n}</id><hinnasto>{n},50 €</hinnasto></x>" for n in range(9))
        + "".join(f"<y><id>{n}</id><teksti>abc</teksti></y>" for n in range(90))
        + "</c>",
        "c/x",
    ),
    "parts with their own ids": (
        "<SHOP>"
        + "".join(
            f"<SHOPITEM><ITEM_ID>A{n}</ITEM_ID><PRODUCTNAME>P{n}</PRODUCTNAME>"
            f"<PRICE_VAT>{n},5</PRICE_VAT>"
            + "".join(
                f"<DELIVERY><DELIVERY_ID>D{n}{d}</DELIVERY_ID><DELIVERY_PRICE>90</DELIVERY_PRICE>"
                "</DELIVERY>"
                for d in range(4)
            )
            + "</SHOPITEM>"
            for n in range(6)
        )
        + "</SHOP>",
        "SHOP/SHOPITEM",
    ),
    "names in several languages": (
        "<c>"
        + "".join(
            f"<p><id>{n}</id><name><l>A{n}</l><l>B{n}</l></name><price>{n}.0</price>"
            + "".join(f"<image><id>{n}{i}</id></image>" for i in range(5))
            + "</p>"
            for n in range(3)
        )
        + "</c>",
        "c/p",
    ),
    "a sitemap": (
        "<urlset>"
        + "".join(
            f"<url><loc>https://x.example/{n}</loc><priority>0.5</priority></url>" for n in range(9)
        )
        + "</urlset>",
        "urlset/url",
    ),
    "a plain list": (
        "<urls>" + "".join(f"<u>https://x.example/{n}</u>" for n in range(9)) + "</urls>",
        "urls/u",
    ),
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "feed.xml"


def look(file: Path, xml: str, record: str | None = None) -> Inspection:
    file.write_text(xml, encoding="utf-8")
    return inspect(file, record=record)


@pytest.mark.parametrize("kind", FEEDS)
def test_the_record_is_found(file: Path, kind: str) -> None:
    xml, path = FEEDS[kind]
    found = look(file, xml)
    assert found.source.record_path == path, found.candidates
    assert found.candidates[0].path == path


def test_candidates_say_why(file: Path) -> None:
    found = look(file, f"<c>{products('product', 20)}</c>")
    best = found.candidates[0]
    assert best.count == 20
    assert best.reason == "occurs 20 times, with price (price), code (sku), name (name)"
    assert best.score > found.candidates[1].score


def test_columns_are_the_paths_below_the_record(file: Path) -> None:
    xml = '<c><product id="1"><n>a</n><s><w>1</w></s></product><product><x/></product></c>'
    assert look(file, xml, "c/product").columns == ("@id", "n", "s/w", "x")


@pytest.mark.parametrize("record", ["c/x/y", "/c/x/y", "x/y", "y"])
def test_a_stated_path_wins_in_full_or_by_its_end(file: Path, record: str) -> None:
    xml = f"<c>{products('product', 5)}<x><y><z>1</z></y></x></c>"
    assert look(file, xml, record).source.record_path == "c/x/y"


def test_a_path_that_does_not_occur_names_those_that_do(file: Path) -> None:
    with pytest.raises(UnreadableFeed) as caught:
        look(file, f"<c>{products('product', 5)}</c>", "c/item")
    assert str(caught.value) == (
        'The record path "c/item" does not occur in the feed; '
        "it has, likeliest first: c/product, c."
    )


def test_an_ambiguous_end_of_a_path_names_its_meanings(file: Path) -> None:
    xml = f"<c><a>{products('p', 2)}</a><b>{products('p', 2)}</b></c>"
    with pytest.raises(UnreadableFeed, match=r"may mean several elements: c/a/p, c/b/p\."):
        look(file, xml, "p")


def test_a_document_without_records_is_refused(file: Path) -> None:
    with pytest.raises(UnreadableFeed, match="holds no record"):
        look(file, "<note>hello</note>")


def test_paths_without_end_are_bounded_and_said(file: Path) -> None:
    others = "".join(f"<x{n}>1</x{n}>" for n in range(6_000))
    found = look(file, f"<c>{products('product', 5)}<o>{others}</o></c>")
    assert found.source.record_path == "c/product"
    assert found.warnings == ("Only the first 5,000 different paths were looked at.",)


def test_a_large_feed_is_read_until_its_record_is_sure(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("imports.readers.xml_reader.LOOKED_AT", 1)
    many = products("product", 2_000)
    found = look(file, f"<c>{many}</c>")
    assert found.source.record_path == "c/product"
    assert 100 <= found.candidates[0].count < 2_000
    assert "in the first 0 MB, with price (price)" in found.candidates[0].reason
    for before in ("<o><id>1</id></o>" * 20_000, products("set", 99) + " " * 200_000):
        found = look(file, f"<c>{before}{many}</c>")
        assert found.source.record_path == "c/product"


def test_a_stated_record_is_looked_for_to_the_end(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("imports.readers.xml_reader.LOOKED_AT", 1)
    found = look(file, f"<c>{products('product', 2_000)}{products('item', 2)}</c>", "item")
    assert found.source.record_path == "c/item"
