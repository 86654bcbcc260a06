"""Feeds at addresses: a web log-in goes to one origin, FTPS and SFTP servers prove who they are."""

import sys

import pytest

from imports import sources
from imports.sources import Login
from jobtracker.outbound import FetchFailed, OutboundRefused
from tests.fixtures import file_servers
from tests.fixtures.file_servers import PASSWORD, USER, Server

from .test_outbound import serving

MAX = 1 << 20
FEED = b"sku,price\n" + b"A1,1.50\n" * 9_000
BASIC = Login("basic", USER, PASSWORD)


@pytest.fixture
def to(tmp_path):
    return tmp_path / "download"


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "served"
    made.mkdir()
    (made / "price list.csv").write_bytes(FEED)
    return made


def opened(settings, *ports):
    settings.OUTBOUND_ALLOW = frozenset(("127.0.0.1", port) for port in ports)


@pytest.fixture
def ftps(folder, tmp_path, settings, monkeypatch):
    with file_servers.ftps(folder, tmp_path) as server:
        opened(settings, server.port)
        monkeypatch.setenv("SSL_CERT_FILE", server.identity)
        yield server


@pytest.fixture
def sftp(folder, settings):
    with file_servers.sftp(folder) as server:
        opened(settings, server.port)
        yield server


def login(server: Server, **changed: str) -> Login:
    kept = {"kind": "basic", "name": USER, "secret": PASSWORD, "host_key": server.identity}
    return Login(**kept | changed)


def address(scheme: str, server: Server, path: str = "/price%20list.csv") -> str:
    return f"{scheme}://127.0.0.1:{server.port}{path}"


@pytest.mark.parametrize(
    ("kept", "header", "value"),
    [
        (Login("basic", "sam", "pa ss"), "Authorization", "Basic c2FtOnBhIHNz"),
        (Login("bearer", "", "t0ken"), "Authorization", "Bearer t0ken"),
        (Login("header", "X-Api-Key", "k3y"), "X-Api-Key", "k3y"),
    ],
)
def test_a_web_log_in_goes_to_its_own_origin_only(to, settings, kept, header, value):
    with serving({"/feed": (200, {}, FEED)}) as other:
        moved = {"Location": f"http://127.0.0.1:{other.server_port}/feed"}
        pages = {"/feed": (302, {"Location": "/next"}, b""), "/next": (302, moved, b"")}
        with serving(pages) as site:
            opened(settings, site.server_port, other.server_port)
            got = sources.fetch(f"http://127.0.0.1:{site.server_port}/feed", to, MAX, login=kept)
        assert (got.status, to.read_bytes()) == (200, FEED)
        assert [seen[header] for seen in site.seen] == [value, value]
        assert [seen[header] for seen in other.seen] == [None]


def test_a_redirect_to_the_inside_is_refused(to, settings):
    with serving({"/feed": (302, {"Location": "http://127.0.0.1:1/feed"}, b"")}) as site:
        opened(settings, site.server_port)
        with pytest.raises(OutboundRefused, match="is not a public address"):
            sources.fetch(f"http://127.0.0.1:{site.server_port}/feed", to, MAX)


def test_a_log_in_is_not_sent_where_others_can_read_it(to):
    with pytest.raises(OutboundRefused, match="a log-in is sent over https only"):
        sources.fetch("http://feeds.example/feed", to, MAX, login=BASIC)


class Stopped(Exception):
    pass


def stop() -> None:
    raise Stopped


@pytest.mark.parametrize("protocol", ["ftps", "sftp"])
def test_a_download_of_files_ends_where_the_job_is_to_stop(request, to, protocol):
    server = request.getfixturevalue(protocol)
    with pytest.raises(Stopped):
        sources.fetch(address(protocol, server), to, MAX, login=login(server), between=stop)
    assert not to.exists()


def test_a_download_ends_where_the_job_is_to_stop(to, settings):
    with serving({"/feed": (200, {}, FEED)}) as site:
        opened(settings, site.server_port)
        with pytest.raises(Stopped):
            sources.fetch(f"http://127.0.0.1:{site.server_port}/feed", to, MAX, between=stop)
    assert not to.exists()


@pytest.mark.parametrize("protocol", ["ftps", "sftp"])
def test_a_file_is_fetched_and_found_unchanged(request, to, folder, protocol):
    server = request.getfixturevalue(protocol)
    url = address(protocol, server)
    got = sources.fetch(url, to, MAX, login=login(server))
    assert (got.status, got.bytes, to.read_bytes()) == (200, len(FEED), FEED)
    to.unlink()
    again = sources.fetch(url, to, MAX, etag=got.etag, login=login(server))
    assert (again.status, to.exists()) == (304, False)
    (folder / "price list.csv").write_bytes(FEED + b"A2,2\n")
    assert sources.fetch(url, to, MAX, etag=got.etag, login=login(server)).status == 200


@pytest.mark.parametrize("protocol", ["ftps", "sftp"])
@pytest.mark.parametrize(
    ("path", "changed", "size", "sentence"),
    [
        ("/price%20list.csv", {"secret": "wrong"}, MAX, "(530|does not take the log-in)"),
        ("/none.csv", {}, MAX, "(550|has no file /none.csv)"),
        ("/price%20list.csv", {}, 1_000, "sends more than 1,000 bytes"),
    ],
)
def test_what_goes_wrong_is_told(request, to, protocol, path, changed, size, sentence):
    server = request.getfixturevalue(protocol)
    with pytest.raises(FetchFailed, match=sentence) as caught:
        sources.fetch(address(protocol, server, path), to, size, login=login(server, **changed))
    assert not caught.value.transient
    assert not to.exists()


@pytest.mark.parametrize("protocol", ["ftps", "sftp"])
def test_without_a_log_in_it_says_so(request, to, protocol):
    server = request.getfixturevalue(protocol)
    with pytest.raises(OutboundRefused, match="keep a log-in for it"):
        sources.fetch(address(protocol, server), to, MAX)


def test_a_certificate_that_nobody_vouches_for_is_refused(ftps, to, monkeypatch):
    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(FetchFailed, match="certificate that cannot be trusted"):
        sources.fetch(address("ftps", ftps), to, MAX, login=login(ftps))


def test_an_sftp_server_with_another_key_is_refused_and_the_key_shown(sftp, to):
    with pytest.raises(OutboundRefused) as caught:
        sources.fetch(address("sftp", sftp), to, MAX, login=login(sftp, host_key=""))
    assert f"its key is {sftp.identity}, not the one kept" in str(caught.value)


def test_without_paramiko_it_names_what_to_install(to, sftp, monkeypatch):
    monkeypatch.setitem(sys.modules, "paramiko", None)
    monkeypatch.delitem(sys.modules, "imports.sources.sftp", raising=False)
    monkeypatch.delattr(sources, "sftp", raising=False)
    with pytest.raises(OutboundRefused, match="requirements-sftp"):
        sources.fetch(address("sftp", sftp), to, MAX, login=login(sftp))


@pytest.mark.parametrize(
    "url",
    [
        "sftp://127.0.0.1/feed.csv",
        "ftps://10.1.2.3/feed.csv",
        "sftp://user:pw@8.8.8.8/feed.csv",
        "sftp://8.8.8.8/",
        "ftps://8.8.8.8:port/feed.csv",
        "ftp://8.8.8.8/feed.csv",
        "gopher://8.8.8.8/feed.csv",
    ],
)
def test_addresses_that_are_refused(settings, url):
    settings.OUTBOUND_ALLOW = frozenset()
    with pytest.raises(OutboundRefused, match="was refused"):
        sources.check(url)


def test_a_secret_is_not_shown_by_accident():
    assert PASSWORD not in repr(BASIC)
    assert PASSWORD not in repr(Login("header", "X", PASSWORD).of_web("https", "h", 443))
