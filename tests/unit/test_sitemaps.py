"""Sitemaps as sites really write them give their addresses, and bombs give little."""

import gzip
import time
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scraping import sitemaps
from scraping.sitemaps import read_sitemap, unpack

AT = "https://shop.example/sitemap.xml"
NS = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'


def urls(body, at=AT):
    return read_sitemap(body if isinstance(body, bytes) else body.encode(), at).urls


def test_a_urlset():
    found = read_sitemap(
        f"<?xml version='1.0'?><urlset {NS}><url><loc> https://shop.example/a </loc></url>"
        "<url><loc>https://shop.example/b?x=1&amp;y=2</loc></url></urlset>".encode(),
        AT,
    )
    assert (found.kind, found.warnings) == ("urlset", [])
    assert found.urls == ["https://shop.example/a", "https://shop.example/b?x=1&y=2"]


def test_an_index_names_children():
    found = read_sitemap(
        f"<sitemapindex {NS}><sitemap><loc>/s1.xml.gz</loc></sitemap></sitemapindex>".encode(), AT
    )
    assert (found.kind, found.urls) == ("index", [])
    assert found.children == ["https://shop.example/s1.xml.gz"]


@pytest.mark.parametrize(
    "written",
    [
        "<urlset><url><loc>/a?x=1&y=2</loc></url></urlset>",
        "<urlset><url><loc><![CDATA[/a?x=1&y=2]]></loc></url></urlset>",
        "<urlset><!-- <loc>/old</loc> --><url><loc>/a?x=1&y=2</loc></url></urlset>",
        "<s:urlset xmlns:s='u'><s:url><s:loc>/a?x=1&amp;y=2</s:loc></s:url></s:urlset>",
        "\ufeff<urlset><url><loc>\n/a?x=1&y=2\n</loc><loc>/a?x=1&y=2</loc></url></urlset>",
        "<urlset><url><loc>/a?x=1&y=2</loc><image:image><image:loc>/i.jpg</image:loc>"
        "</image:image></url></urlset>",
    ],
)
def test_what_sites_get_wrong_costs_nothing(written):
    assert urls(written) == ["https://shop.example/a?x=1&y=2"]


def test_a_cut_file_gives_what_was_there():
    found = read_sitemap(b"<urlset><url><loc>/a</loc></url><url><loc>/b</lo", AT)
    assert found.urls[0] == "https://shop.example/a"
    found = read_sitemap(b"<urlset><url><loc>/a</loc></url><url><loc>https://shop.ex", AT)
    assert found.urls == ["https://shop.example/a"]
    assert found.warnings == ["is cut off; what was there was read"]


def test_text_rss_and_atom():
    assert urls("https://shop.example/a\r\nhttps://shop.example/b\n# x") == [
        "https://shop.example/a",
        "https://shop.example/b",
    ]
    rss = "<rss><channel><link>/home</link><item><link>/a</link></item></channel></rss>"
    assert urls(rss) == ["https://shop.example/a"]
    atom = (
        "<feed><link href='/home'/><entry><link rel='edit' href='/e'/><link href='/a'/></entry>"
        "</feed>"
    )
    assert urls(atom) == ["https://shop.example/a"]


def test_packed_files():
    plain = b"<urlset><url><loc>/a</loc></url></urlset>"
    assert urls(gzip.compress(plain)) == ["https://shop.example/a"]
    assert urls(gzip.compress(gzip.compress(plain))) == ["https://shop.example/a"]
    many = b"<urlset>" + b"".join(b"<url><loc>/%d</loc></url>" % n for n in range(5000))
    assert 0 < len(urls(gzip.compress(many)[:-4000])) < 5000
    wide = "<urlset><url><loc>/a</loc></url></urlset>".encode("utf-16")
    assert urls(wide) == ["https://shop.example/a"]


def test_a_page_is_no_sitemap():
    found = read_sitemap(b"<!doctype html><html><body>Not found</body></html>", AT)
    assert (found.kind, found.urls, found.warnings) == ("", [], ["is no sitemap"])


def test_entries_are_capped():
    body = b"<urlset>" + b"<url><loc>/x</loc></url>" * 9 + b"</urlset>"
    assert len(urls(body)) == 1
    rows = b"".join(b"<loc>/%d</loc>" % n for n in range(sitemaps.MOST_ENTRIES + 9))
    found = read_sitemap(b"<urlset>" + rows + b"</urlset>", AT)
    assert len(found.urls) == sitemaps.MOST_ENTRIES
    assert found.warnings == ["only the first 50,000 entries were read"]


def test_a_bomb_is_not_unpacked(monkeypatch):
    packer = zlib.compressobj(9, wbits=31)
    bomb = b"".join(packer.compress(bytes(1 << 20)) for _ in range(100)) + packer.flush()
    data, more = unpack(bomb, 1 << 20)
    assert (len(data), more) == (1 << 20, True)
    monkeypatch.setattr(sitemaps, "MOST_BYTES", 1 << 20)
    assert "only the first 1 MB were read" in read_sitemap(bomb, AT).warnings


@pytest.mark.parametrize(
    "hostile",
    [
        b"<urlset>" + b"<!--" * 200_000,
        b"<urlset>" + b"<loc>" * 200_000,
        b"<urlset>" + b"<loc> " + b" " * 1_000_000,
        b"<feed><entry>" + b"<link " * 200_000,
        b"<" * 1_000_000,
        b"http://x " * 200_000,
        b"<urlset>" + b"<loc><![CDATA[" * 100_000,
    ],
)
def test_hostile_text_takes_no_time(hostile):
    began = time.process_time()
    read_sitemap(hostile, AT)
    assert time.process_time() - began < 3


@given(st.binary(max_size=300), st.integers(0, 80))
def test_no_bytes_break_it(noise, at):
    plain = b"<urlset><url><loc>https://shop.example/a</loc></url></urlset>"
    read_sitemap(noise, AT)
    read_sitemap(plain[:at] + noise + plain[at:], AT)
    read_sitemap(gzip.compress(plain)[:at] + noise, AT)
