"""Which format a file has: by what it holds, never by its name; an unknown one stays unknown."""

import pytest

from imports.profiles import PROFILES, inspect, named
from tests.unit.profiles.feeds import FOLDER

FORMATS = {
    "google_rss.xml": "Google Merchant",
    "google_atom.xml": "Google Merchant",
    "bmecat12.xml": "BMEcat 1.2",
    "bmecat2005.xml": "BMEcat 2005",
    "bmecat_prices.xml": "BMEcat 1.2 prices",
    "shopify.csv": "Shopify",
    "woocommerce.csv": "WooCommerce",
    "prestashop.csv": "PrestaShop",
    "magento.csv": "Magento",
    "skroutz.xml": "Skroutz",
    "heureka.xml": "Heureka",
    "ceneo.xml": "Ceneo",
    "yml.xml": "YML",
    "idealo.csv": "idealo",
    "ubl.xml": "UBL catalogue",
    "cxml.xml": "cXML catalogue",
}


@pytest.mark.parametrize("name", FORMATS)
def test_a_feed_has_one_format(name):
    found, profile = inspect(FOLDER / name)
    assert profile.name == FORMATS[name]
    fitting = [each.name for each in PROFILES if each.record_in(found) is not None
               and each.fits(found.columns)]  # fmt: skip
    assert fitting == [profile.name]


@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.name)
def test_a_job_finds_its_format_again_by_name(profile):
    assert named(profile.name) is profile


def test_every_fixture_is_listed():
    assert {path.name for path in FOLDER.iterdir()} == set(FORMATS)


@pytest.mark.parametrize(
    "text",
    [
        "<rss><channel><item><title>News</title><link>https://a.example</link></item>"
        "<item><title>More</title><link>https://b.example</link></item></channel></rss>",
        "<offers><o><b>1</b></o><o><b>2</b></o></offers>",
        "sku;name;price\n1;Tile;2.50\n2;Board;3.50\n",
    ],
)
def test_what_only_looks_like_a_format_is_unknown(tmp_path, text):
    path = tmp_path / "feed"
    path.write_text(text)
    assert inspect(path)[1] is None


def test_a_record_that_a_person_states_wins():
    found, _ = inspect(FOLDER / "yml.xml", record="category")
    assert found.source.record_path == "yml_catalog/shop/categories/category"
