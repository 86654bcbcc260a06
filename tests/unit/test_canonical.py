"""One page has one identity, however it was linked."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scraping.canonical import canonical, in_scope


@pytest.mark.parametrize(
    ("written", "identity"),
    [
        ("HTTP://Shop.Example:80/a/../b?z=1&a=2#top", "http://shop.example/b?a=2&z=1"),
        ("https://shop.example:443", "https://shop.example/"),
        ("https://shop.example./oak", "https://shop.example/oak"),
        ("https://shop.example:8443/oak", "https://shop.example:8443/oak"),
        ("https://shop.example/oak?", "https://shop.example/oak"),
        (
            "https://shop.example/p?id=1&utm_source=x&gclid=2&fbclid=3",
            "https://shop.example/p?id=1",
        ),
        ("https://shop.example/p?ref=7&mc_cid=1&_ga=2&msclkid=3", "https://shop.example/p?ref=7"),
        ("https://shop.example/caf%c3%a9", "https://shop.example/caf%C3%A9"),
        ("https://shop.example/café", "https://shop.example/caf%C3%A9"),
        ("https://münchen.example/", "https://xn--mnchen-3ya.example/"),
        ("http://[::1]:8000/a", "http://[::1]:8000/a"),
        ("http://[::1]:80/a", "http://[::1]/a"),
    ],
)
def test_an_address_has_one_form(written, identity):
    assert canonical(written) == identity
    assert canonical(identity) == identity


def test_what_names_a_page_is_kept():
    assert canonical("https://shop.example/p?id=1") != canonical("https://shop.example/p?id=2")


@pytest.mark.parametrize("broken", ["", "no address", "http://a:99999999/", "http://[::1", "//"])
def test_what_cannot_be_read_comes_back(broken):
    assert isinstance(canonical(broken), str)


@given(st.text(max_size=80))
def test_no_text_breaks_it(text):
    assert isinstance(canonical(f"https://shop.example/{text}"), str)
    assert isinstance(canonical(text), str)
    assert in_scope(text, ["https://shop.example/"]) in (True, False)


@pytest.mark.parametrize(
    ("url", "inside"),
    [
        ("https://shop.example/a", True),
        ("http://www.shop.example/a", True),
        ("https://shop.example:443/a", True),
        ("https://shop.example:8443/a", False),
        ("https://other.shop.example/a", False),
        ("https://shop.example.evil.example/a", False),
        ("https://shop.example@evil.example/a", False),
        ("ftp://shop.example/a", False),
    ],
)
def test_a_site_is_its_host_and_port(url, inside):
    assert in_scope(url, ["https://shop.example/start"]) is inside
