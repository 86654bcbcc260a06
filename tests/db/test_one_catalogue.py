"""Feed, PDF and site of one supplier fill one catalogue: a product that all three know is one
material with three sources, and the supplier's order of sources decides each field."""

from uuid import uuid4

import pytest
from django.db import connection, transaction

from imports.models import ImportRow
from jobtracker.catalogue.models import Kind, Material, MaterialSource, Supplier
from jobtracker.catalogue.write import Row, Writer
from scraping.extraction.model import Extraction
from scraping.products import rows_of

from .catalogue_feed import CREATE_ROWS_TABLE, outcomes, price, row, source, write
from .import_runs import imported, lines_of, xml_feed
from .scrape_runs import Pages, product, scraped

pytestmark = pytest.mark.django_db

SKU = "NL-1"
FEED, SITE, PDF = Kind.FEED, Kind.SITE, Kind.PDF


@pytest.fixture(autouse=True)
def rows_table():
    with connection.cursor() as cursor:
        cursor.execute(CREATE_ROWS_TABLE)


def say(kind, name="", sku=SKU, **values):
    """Let the supplier's source of this kind say something about the product."""
    return write([row(1, key=f"{kind}-key", sku=sku, **values)], into=source(kind, name))


def order(*kinds):
    Supplier.objects.update_or_create(
        name="Lindvall Tiles", defaults={"source_order": [str(kind) for kind in kinds]}
    )


def the_one():
    return Material.objects.get()


@pytest.mark.parametrize("first", [FEED, SITE, PDF])
def test_three_sources_are_one_material_whoever_comes_first(first):
    kinds = [first, *(kind for kind in (FEED, SITE, PDF) if kind != first)]
    for kind in kinds:
        say(kind, brand=f"from the {kind}")
    said = MaterialSource.objects.filter(material=the_one()).values_list("source__kind", flat=True)
    assert set(said) == {"feed", "site", "pdf"}
    assert the_one().brand == "from the feed"


@pytest.mark.parametrize("raw", ["nl 1", "NL.1", "Nl-1"])
def test_the_article_code_may_be_written_differently(raw):
    say(FEED)
    [page], [] = rows_of(
        Extraction(products=[product(raw, "Slate")]), "https://shop.example/slate", 1, {}
    )
    write([page], into=source(SITE))
    assert MaterialSource.objects.filter(material=the_one()).count() == 2


def test_a_field_comes_from_the_best_source_that_has_it():
    say(PDF, finish="matt", colour="grey", description="From the catalogue")
    say(SITE, colour="slate grey", images=["https://x.example/1.jpg"])
    say(FEED, colour="anthracite", price=price("24.50"))
    one = the_one()
    assert (one.finish, one.colour) == ("matt", "anthracite")
    assert (one.description, one.images) == ("From the catalogue", ["https://x.example/1.jpg"])
    assert (str(one.price), one.currency) == ("24.50", "EUR")


@pytest.mark.parametrize(
    ("kinds", "winner"),
    [((FEED, SITE, PDF), "feed"), ((SITE, PDF, FEED), "site"), ((PDF, FEED, SITE), "pdf")],
)
def test_the_suppliers_order_decides(kinds, winner):
    order(Kind.CORRECTION, *kinds)
    for kind in (SITE, FEED, PDF):
        say(kind, colour=f"{kind} colour", price=price("1.00", {"feed": "EUR"}.get(kind, "USD")))
    assert the_one().colour == f"{winner} colour"
    # A price's currency is of the same source as its amount.
    assert the_one().currency == ("EUR" if winner == "feed" else "USD")


def test_within_a_kind_the_newer_source_counts():
    say(SITE, name="old.example", colour="grey")
    say(SITE, name="new.example", colour="blue")
    assert the_one().colour == "blue"
    say(SITE, name="old.example", colour="green")
    assert the_one().colour == "green"
    assert MaterialSource.objects.count() == 2


def test_a_weaker_source_changes_nothing_that_a_better_one_says():
    say(FEED, colour="grey", price=price("10.00"))
    say(SITE, colour="blue", price=price("12.00"))
    assert (the_one().colour, str(the_one().price)) == ("grey", "10.00")
    say(SITE, colour="red", price=price("13.00"))
    assert (the_one().colour, str(the_one().price)) == ("grey", "10.00")


def test_a_better_source_that_no_longer_says_a_field_gives_way():
    say(SITE, colour="blue")
    say(FEED, colour="grey")
    write([row(2, key="feed-key", sku=SKU)], into=source(FEED))
    assert the_one().colour == "blue"


def test_another_suppliers_product_of_that_code_stays_its_own():
    say(FEED)
    write([row(1, sku=SKU)], into=source(SITE, supplier="Someone Else"))
    assert Material.objects.count() == 2


def test_a_code_that_two_products_share_is_new_and_for_review():
    write([row(1, "a", sku=SKU), row(2, "b", sku=SKU)], into=source(FEED))
    job = uuid4()
    write([row(1, "c", sku=SKU)], into=source(SITE), job=job)
    assert Material.objects.count() == 3
    assert outcomes(job) == [(1, "c", "several candidates")]


def test_a_feed_a_site_and_a_price_list_end_to_end(tmp_path, monkeypatch, settings):
    feed = xml_feed(tmp_path / "tiles.xml")
    assert imported(feed, "--supplier", "Northlight").result["created"] == 3
    site = Pages(monkeypatch, settings)
    slate = product(
        "nl-1", "Slate 60 by 60", price="31.00", images=["https://x.example/slate.jpg"], brand="NL"
    )
    site.pages = {"/": [slate, product("NEW-1", "Only on the site")]}
    crawl = scraped("/", supplier="Northlight")
    assert (crawl.result["created"], crawl.result["updated"]) == (1, 1)
    catalogue = source(PDF, "tiles.pdf", supplier="Northlight")
    page = Row(
        1, 1, "NL-1", {"sku": {"raw": "NL-1", "fold": "NL1"}, "finish": "honed"},
        {"row": {"page": 7}, "finish": {"raw": "honed", "box": [1, 2, 3, 4]}},
    )  # fmt: skip
    writer = Writer(uuid4(), catalogue, ImportRow._meta.db_table)
    with transaction.atomic():
        writer.stage([page])
        assert writer.apply().updated == 1
    lines = lines_of("--supplier", "Northlight")
    assert len(lines) == 4
    one = lines["NL-1"]
    assert (one["price"], one["name"]) == ("24.50", "Slate 60")
    assert (one["images"], one["brand"]) == (["https://x.example/slate.jpg"], "NL")
    assert one["finish"] == "honed"
    assert one["provenance"]["images"][0]["url"] == "http://127.0.0.1:9/"
    assert one["provenance"]["images"][0]["method"] == "json-ld:images"
    assert one["provenance"]["finish"]["page"] == 7
    assert "url" not in one["provenance"]["price"]
    Supplier.objects.filter(name="Northlight").update(source_order=["site", "feed", "pdf"])
    site.pages["/"] = [product("nl-1", "Slate 60 by 60", price="32.00")]
    scraped("/", supplier="Northlight")
    assert Material.objects.get(name="Slate 60 by 60").price == 32
