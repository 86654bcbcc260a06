"""Each address that a crawl leaves alone has a rule that says so."""

import pytest

from scraping.options import Options
from scraping.rules import skip_rule

START = ["https://shop.example/"]


def rule(path, depth=1, **options):
    return skip_rule(f"https://shop.example{path}", depth, Options(**options), START)


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/tiles/oak", ""),
        ("/tiles?page=2", ""),
        ("/product.php?id=7", ""),
        ("/oak.html", ""),
        ("/2024/05/17/oak-news", "calendar"),
        ("/sheet.PDF", "not a page"),
        ("/img/oak.jpg?v=2", "not a page"),
        ("/my-account/orders", "log-in, account or cart"),
        ("/en/cart", "log-in, account or cart"),
        ("/oak?add-to-cart=7", "log-in, account or cart"),
        ("/search?q=oak", "search results"),
        ("/?s=oak", "search results"),
        ("/events?month=2031-04", "calendar"),
        ("/calendar/next", "calendar"),
        ("/a/b/a/b/a/b", "path that repeats itself"),
        ("/" + "/".join("abcdefghijklm"), "path of more than 12 steps"),
        ("/" + "x" * 2000, "address longer than 2,000 characters"),
        ("/l?a=1&b=2&c=3&d=4&e=5&f=6&g=7&h=8&i=9", "more than 8 parameters"),
    ],
)
def test_traps_are_left_alone(path, said):
    assert rule(path) == said


def test_other_sites_are_left_alone():
    assert skip_rule("https://other.example/", 1, Options(), START) == "outside the site"
    assert skip_rule("mailto:a@shop.example", 1, Options(), START) == "not a web address"


def test_patterns_are_for_path_and_query():
    assert rule("/tiles/oak", include=["/tiles/*"]) == ""
    assert rule("/floors/oak", include=["/tiles/*"]) == "not included"
    assert rule("/de/tiles/oak", include=["/tiles/*"]) == "not included"
    assert rule("/de/tiles/oak", include=["tiles/*"]) == ""
    assert rule("/oak?sort=price", exclude=["sort="]) == "excluded by sort="
    assert rule("/a/b/c.html", exclude=["/a/*.html"]) == "excluded by /a/*.html"
    assert rule("/a.b", exclude=["/a+b"]) == ""  # nothing but the star is special
    assert rule("/oak", include=["https://shop.example/o*"]) == ""


def test_exclude_wins_over_include():
    assert rule("/tiles/old", include=["/tiles*"], exclude=["old"]) == "excluded by old"


def test_depth_is_limited():
    assert rule("/oak", depth=2, max_depth=2) == ""
    assert rule("/oak", depth=3, max_depth=2) == "deeper than 2"


def test_a_start_address_is_always_read():
    start = ["https://shop.example/search?q=oak"]
    assert skip_rule(start[0], 0, Options(exclude=["*"]), start) == ""


def test_mode_page_reads_the_given_pages_only():
    assert rule("/", mode="page") == ""
    assert rule("/oak", mode="page") == "only the given page"
