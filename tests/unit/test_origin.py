"""Only a page of exactly this site opens a socket: scheme, host and port."""

import pytest

from jobtracker.live.origin import allowed


@pytest.mark.parametrize(
    ("public_url", "origin"),
    [
        ("http://127.0.0.1:8000", b"http://127.0.0.1:8000"),
        ("https://jobs.example.org", b"https://jobs.example.org"),
        ("https://jobs.example.org:443", b"https://jobs.example.org"),
        ("https://Jobs.example.org/queue", b"https://jobs.example.org"),
        ("http://[::1]:8000", b"http://[::1]:8000"),
    ],
)
def test_the_sites_own_pages_are_let_in(public_url: str, origin: bytes) -> None:
    assert allowed([(b"host", b"elsewhere"), (b"origin", origin)], public_url)


@pytest.mark.parametrize(
    "origins",
    [
        [],
        [b""],
        [b"null"],
        [b"http://jobs.example.org"],
        [b"https://jobs.example.org:8443"],
        [b"https://jobs.example.org.evil.example"],
        [b"https://evil.example/https://jobs.example.org"],
        [b"https://jobs.example.org:x"],
        [b"https://jobs.example.org:99999"],
        [b"ftp://jobs.example.org"],
        [b"\xff"],
        [b"https://jobs.example.org", b"https://evil.example"],
    ],
)
def test_every_other_page_is_not(origins: list[bytes]) -> None:
    headers = [(b"origin", origin) for origin in origins]
    assert not allowed(headers, "https://jobs.example.org")


def test_without_an_address_of_its_own_the_site_lets_nobody_in() -> None:
    assert not allowed([(b"origin", b"null")], "")
