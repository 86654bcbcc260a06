"""What goes out goes only to plainly public addresses; tried against real servers on loopback."""

import gzip
import hashlib
import socket
import ssl
import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from jobtracker import outbound
from jobtracker.addresses import is_public
from jobtracker.outbound import FetchFailed, OutboundRefused, fetch
from tests.fixtures.site import Site as HostileSite

BODY = b"<feed><item/></feed>" * 500
MAX = 1 << 20
UNASSIGNED_PORT = 1


class Site(BaseHTTPRequestHandler):
    """Answers by path from `pages`; each is (status, headers, body)."""

    def do_GET(self):
        self.server.seen.append(self.headers)
        status, headers, body = self.server.pages[self.path]
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@contextmanager
def serving(pages, tls=None):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    server.pages, server.seen, server.daemon_threads = pages, [], True
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def site():
    with serving({"/feed": (200, {"ETag": '"v1"', "Content-Type": "text/xml"}, BODY)}) as server:
        yield server


@pytest.fixture
def allow(settings):
    """Open a host and port inside."""
    settings.OUTBOUND_ALLOW = frozenset()

    def opened(host, port):
        settings.OUTBOUND_ALLOW |= {(host, port)}

    return opened


@pytest.fixture
def names(monkeypatch):
    """Let names resolve to the addresses given here."""
    known = {}
    ask = socket.getaddrinfo

    def answer(host, port, *args, **kwargs):
        return [
            found
            for address in known.get(host, [host])
            for found in ask(address, port, *args, **kwargs)
        ]

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    return known


def url(server, path="/feed", host="127.0.0.1"):
    return f"http://{host}:{server.server_port}{path}"


INSIDE = """
    0.0.0.0 10.1.2.3 100.64.0.1 100.127.255.254 127.0.0.1 127.9.9.9 169.254.1.1 172.16.0.1
    172.31.255.255 192.0.0.1 192.0.0.8 192.0.0.170 192.0.2.1 192.31.196.1 192.52.193.1 192.88.99.1
    192.168.0.1 192.175.48.1 198.18.0.1 198.19.255.255 198.51.100.1 203.0.113.1 224.0.0.1
    239.255.255.255 240.0.0.1 255.255.255.255 168.63.129.16
    :: ::1 ::127.0.0.1 ::ffff:8.8.8.8 ::ffff:127.0.0.1 ::ffff:0:10.0.0.1 64:ff9b::808:808
    64:ff9b::7f00:1 64:ff9b:1::a00:1 100::1 100:0:0:1::1 2001::1
    2001:0:4136:e378:8000:63bf:3fff:fdd2
    2001:2::1 2001:10::1 2001:20::1 2001:1ff::1 2001:db8::1 2002:808:808::1 2002:7f00:1::1
    2620:4f:8000::1 3ffe::1 3fff::1 5f00::1 fc00::1 fd00:ec2::254 fdff::1 fe80::1 fec0::1 ff02::1
    4000::1
"""
OUTSIDE = """
    1.1.1.1 8.8.8.8 93.184.216.34 100.63.255.255 100.128.0.1 172.15.0.1 172.32.0.1 192.0.1.1
    198.17.255.255 198.20.0.1 223.255.255.255 2001:200::1 2001:4860:4860::8888 2606:4700::1111
    2a00:1450:4001::1 2620:fe::fe
"""


@pytest.mark.parametrize("address", INSIDE.split())
def test_addresses_that_are_not_plainly_public(address):
    assert not is_public(ip_address(address))


@pytest.mark.parametrize("address", OUTSIDE.split())
def test_public_addresses(address):
    assert is_public(ip_address(address))


def test_loopback_is_refused_by_default(site, allow, tmp_path):
    with pytest.raises(OutboundRefused, match=r"127\.0\.0\.1 was refused: .*OUTBOUND_ALLOW"):
        fetch(url(site), tmp_path / "feed", MAX)
    assert site.seen == []
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "host", ["localhost", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "[::1]", "0"]
)
def test_other_spellings_of_inside_are_refused(site, allow, tmp_path, host):
    with pytest.raises(OutboundRefused):
        fetch(url(site, host=host), tmp_path / "feed", MAX)
    assert site.seen == []


def test_an_allowed_host_and_port_is_fetched(site, allow, tmp_path):
    allow("127.0.0.1", site.server_port)
    got = fetch(url(site), tmp_path / "feed", MAX)
    assert (tmp_path / "feed").read_bytes() == BODY
    assert (got.status, got.etag, got.content_type) == (200, '"v1"', "text/xml")
    assert (got.bytes, got.sha256) == (len(BODY), hashlib.sha256(BODY).hexdigest())


def test_another_port_of_an_allowed_host_stays_shut(site, allow, tmp_path):
    allow("127.0.0.1", site.server_port + 1)
    with pytest.raises(OutboundRefused):
        fetch(url(site), tmp_path / "feed", MAX)


def test_an_allowed_name_keeps_its_name_in_the_request(site, allow, names, tmp_path):
    names["feeds.inside"] = ["127.0.0.1"]
    allow("feeds.inside", site.server_port)
    got = fetch(url(site, host="feeds.inside"), tmp_path / "feed", MAX)
    assert site.seen[0]["Host"] == f"feeds.inside:{site.server_port}"
    assert got.url == url(site, host="feeds.inside")


@pytest.mark.parametrize(
    "inside",
    [
        "169.254.169.254",
        "169.254.170.2",
        "100.100.100.200",
        "168.63.129.16",
        "fd00:ec2::254",
        "fd20:ce::254",
        "::ffff:169.254.169.254",
        "64:ff9b::a9fe:a9fe",
        "2002:a9fe:a9fe::1",
    ],
)
def test_metadata_addresses_stay_shut_though_allowed(allow, names, tmp_path, inside):
    names["cloud.inside"] = [inside]
    allow("cloud.inside", 80)
    allow(inside, 80)
    with pytest.raises(OutboundRefused, match="metadata"):
        fetch("http://cloud.inside/", tmp_path / "feed", MAX)


def test_an_answer_that_mixes_public_and_inside_is_refused(site, allow, names, tmp_path):
    names["shop.test"] = ["93.184.216.34", "127.0.0.1"]
    with pytest.raises(OutboundRefused, match=r"shop\.test was refused: 127\.0\.0\.1"):
        fetch(url(site, host="shop.test"), tmp_path / "feed", MAX)
    assert site.seen == []


def test_the_connection_goes_to_the_address_that_was_judged(site, allow, monkeypatch, tmp_path):
    """A second look at the name would lead elsewhere: there must be none."""
    ask, asked = socket.getaddrinfo, []

    def answer(host, port, *args, **kwargs):
        if host == "shop.test":
            asked.append(host)
        return ask("127.0.0.1" if host == "shop.test" else host, port, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    allow("shop.test", site.server_port)
    with outbound.client() as client:
        assert client.get(url(site, host="shop.test")).content == BODY
    assert asked == ["shop.test"]


def test_the_next_address_is_tried_when_one_does_not_answer(site, allow, names, tmp_path):
    names["shop.test"] = ["127.0.0.2", "127.0.0.1"]
    allow("shop.test", site.server_port)
    assert fetch(url(site, host="shop.test"), tmp_path / "feed", MAX).bytes == len(BODY)


def test_a_redirect_is_followed(site, allow, tmp_path):
    site.pages["/old"] = (301, {"Location": "/feed"}, b"")
    allow("127.0.0.1", site.server_port)
    assert fetch(url(site, "/old"), tmp_path / "feed", MAX).url == url(site)


@pytest.mark.parametrize(
    "target", ["http://127.0.0.1:1/", "http://localhost/", "file:///etc/passwd", "ftp://127.0.0.1/"]
)
def test_a_redirect_to_inside_is_refused(site, allow, tmp_path, target):
    site.pages["/old"] = (302, {"Location": target}, b"")
    allow("127.0.0.1", site.server_port)
    with pytest.raises(OutboundRefused):
        fetch(url(site, "/old"), tmp_path / "feed", MAX)


def test_a_redirect_with_a_log_in_is_refused(site, allow, tmp_path):
    location = url(site).replace("http://", "http://anna:HUSH@")
    site.pages["/old"] = (302, {"Location": location}, b"")
    allow("127.0.0.1", site.server_port)
    with pytest.raises(OutboundRefused, match="holds a log-in") as refused:
        fetch(url(site, "/old"), tmp_path / "feed", MAX)
    assert "HUSH" not in str(refused.value)


def test_redirects_come_to_an_end(site, allow, tmp_path):
    site.pages["/round"] = (302, {"Location": "/round"}, b"")
    allow("127.0.0.1", site.server_port)
    with pytest.raises(FetchFailed, match="redirected more than 5 times") as failed:
        fetch(url(site, "/round"), tmp_path / "feed", MAX)
    assert not failed.value.transient
    assert len(site.seen) == 6


@pytest.mark.parametrize(
    "bad",
    ["", "feed.xml", "//shop.test/x", "file:///etc/passwd", "ftp://shop.test/x", "http:///x",
     "http://anna:HUSH@shop.test/", "http://[::1", "gopher://shop.test/", "javascript:alert(1)"],
)  # fmt: skip
def test_what_is_no_plain_web_address_is_refused(bad, tmp_path):
    with pytest.raises(OutboundRefused) as refused:
        outbound.check(bad)
    assert "HUSH" not in str(refused.value)


def test_no_proxy_is_taken_from_the_environment(site, allow, monkeypatch, tmp_path):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{UNASSIGNED_PORT}")
    allow("127.0.0.1", site.server_port)
    assert fetch(url(site), tmp_path / "feed", MAX).status == 200


def test_an_unchanged_source_is_not_downloaded_again(site, allow, tmp_path):
    site.pages["/feed"] = (304, {"ETag": '"v1"'}, b"")
    allow("127.0.0.1", site.server_port)
    got = fetch(
        url(site),
        tmp_path / "feed",
        MAX,
        etag='"v1"',
        last_modified="Mon, 02 Nov 2026 10:00:00 GMT",
    )
    assert (got.status, got.bytes, got.sha256) == (304, 0, "")
    assert site.seen[0]["If-None-Match"] == '"v1"'
    assert site.seen[0]["If-Modified-Since"] == "Mon, 02 Nov 2026 10:00:00 GMT"
    assert not (tmp_path / "feed").exists()


def test_an_answer_of_no_change_that_nobody_asked_for_is_a_failure(site, allow, tmp_path):
    site.pages["/feed"] = (304, {}, b"")
    allow("127.0.0.1", site.server_port)
    with pytest.raises(FetchFailed, match="304 Not Modified"):
        fetch(url(site), tmp_path / "feed", MAX)


@pytest.mark.parametrize(
    ("status", "transient"), [(404, False), (403, False), (204, False), (503, True), (429, True)]
)
def test_a_bad_status_says_host_and_answer(site, allow, tmp_path, status, transient):
    site.pages["/feed"] = (status, {}, b"")
    allow("127.0.0.1", site.server_port)
    with pytest.raises(FetchFailed, match=rf"127\.0\.0\.1 answered {status} \w+") as failed:
        fetch(url(site), tmp_path / "feed", MAX)
    assert failed.value.transient is transient
    assert not list(tmp_path.iterdir())


def test_too_much_is_cut_off_and_nothing_is_left(site, allow, tmp_path):
    allow("127.0.0.1", site.server_port)
    with pytest.raises(FetchFailed, match="more than 9,999 bytes") as failed:
        fetch(url(site), tmp_path / "feed", 9_999)
    assert not failed.value.transient
    assert not list(tmp_path.iterdir())
    assert fetch(url(site), tmp_path / "feed", len(BODY)).bytes == len(BODY)


def test_gzip_is_unpacked(site, allow, tmp_path):
    site.pages["/feed"] = (200, {"Content-Encoding": "gzip"}, gzip.compress(BODY))
    allow("127.0.0.1", site.server_port)
    fetch(url(site), tmp_path / "feed", MAX)
    assert (tmp_path / "feed").read_bytes() == BODY


def test_a_gzip_bomb_is_stopped_at_the_limit(site, allow, tmp_path):
    site.pages["/feed"] = (200, {"Content-Encoding": "gzip"}, gzip.compress(bytes(50 * MAX)))
    allow("127.0.0.1", site.server_port)
    with pytest.raises(FetchFailed, match="more than"):
        fetch(url(site), tmp_path / "feed", MAX)
    assert not list(tmp_path.iterdir())


def test_pieces_stay_small_however_much_they_hold(site, allow):
    site.pages["/feed"] = (200, {"Content-Encoding": "gzip"}, gzip.compress(bytes(5 * MAX)))
    allow("127.0.0.1", site.server_port)
    with outbound.client() as client, client.stream("GET", url(site)) as response:
        sizes = [len(piece) for piece in outbound._pieces(response, 60.0)]
    assert sum(sizes) == 5 * MAX
    assert max(sizes) <= outbound.PIECE_BYTES


@pytest.mark.parametrize(
    ("headers", "body", "reason", "transient"),
    [
        (
            {"Content-Encoding": "gzip"},
            gzip.compress(BODY, mtime=0)[:-20],
            "broke off within",
            True,
        ),
        ({"Content-Encoding": "gzip"}, BODY, "broken gzip", True),
        ({"Content-Encoding": "br"}, BODY, "packs its answer as br", False),
        ({"Content-Length": "99999"}, BODY, "broke off", True),
    ],
    ids=["cut gzip", "no gzip", "unknown packing", "cut body"],
)
def test_a_broken_answer_leaves_nothing(site, allow, tmp_path, headers, body, reason, transient):
    site.pages["/feed"] = (200, headers, body)
    allow("127.0.0.1", site.server_port)
    with pytest.raises(FetchFailed, match=reason) as failed:
        fetch(url(site), tmp_path / "feed", MAX)
    assert failed.value.transient is transient
    assert not list(tmp_path.iterdir())


def test_an_endless_download_is_given_up(site, allow, tmp_path):
    allow("127.0.0.1", site.server_port)
    with pytest.raises(FetchFailed, match="still sending") as failed:
        fetch(url(site), tmp_path / "feed", MAX, seconds=-1.0)
    assert failed.value.transient


def test_a_server_that_drips_is_given_up_before_it_fills_a_piece(allow, tmp_path):
    sent = []

    def drip(handler):
        for number in range(100):
            handler.wfile.write(b"x")
            handler.wfile.flush()
            sent.append(number)
            if handler.site.closing.wait(0.03):
                return

    with HostileSite() as hostile:
        hostile.answer("/feed", act=drip)
        host, _, port = hostile.host.rpartition(":")
        allow(host, int(port))
        with pytest.raises(FetchFailed, match="still sending"):
            fetch(hostile.url("/feed"), tmp_path / "feed", MAX, seconds=0.1)
        assert len(sent) < 50
    assert not list(tmp_path.iterdir())


def test_a_silent_server_is_given_up(allow, monkeypatch, tmp_path):
    monkeypatch.setattr(outbound, "TIMEOUT", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        allow("127.0.0.1", port)
        with pytest.raises(FetchFailed, match="did not answer in time") as failed:
            fetch(f"http://127.0.0.1:{port}/", tmp_path / "feed", MAX)
    assert failed.value.transient


def test_nobody_there_is_a_passing_trouble(allow, tmp_path):
    allow("127.0.0.1", UNASSIGNED_PORT)
    with pytest.raises(FetchFailed, match=r"127\.0\.0\.1 cannot be reached") as failed:
        fetch(f"http://127.0.0.1:{UNASSIGNED_PORT}/", tmp_path / "feed", MAX)
    assert failed.value.transient


@pytest.mark.parametrize(
    ("code", "transient"), [(socket.EAI_NONAME, False), (socket.EAI_AGAIN, True)]
)
def test_an_unknown_name_is_said_so(monkeypatch, code, transient):
    def answer(*_, **__):
        raise socket.gaierror(code, "no such name")

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    with pytest.raises(FetchFailed, match=r"shop\.test cannot be found: no such name") as failed:
        outbound.check("https://shop.test/")
    assert failed.value.transient is transient


@pytest.mark.parametrize("address", ["http://a..b/", "http://ex ample/", "http://127.0.0.1:99999/"])
def test_an_address_that_cannot_be_resolved_is_no_traceback(address):
    with pytest.raises(outbound.OutboundError):
        outbound.check(address)


@pytest.fixture
def certificate(tmp_path):
    """A key and a certificate of shop.test that signs itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "shop.test")])
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.now(UTC) - timedelta(days=1))
        .not_valid_after(datetime.now(UTC) + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("shop.test")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "shop.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + signed.public_bytes(serialization.Encoding.PEM)
    )
    return path


@pytest.fixture
def secure_site(certificate):
    names = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    context.sni_callback = lambda _, name, __: names.append(name)
    with serving({"/feed": (200, {}, BODY)}, tls=context) as server:
        server.sni = names
        yield server


def test_tls_asks_for_the_name_and_checks_it(
    secure_site, certificate, allow, names, monkeypatch, tmp_path
):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    names.update({"shop.test": ["127.0.0.1"], "other.test": ["127.0.0.1"]})
    for name in names:
        allow(name, secure_site.server_port)
    path = f":{secure_site.server_port}/feed"
    assert fetch(f"https://shop.test{path}", tmp_path / "feed", MAX).bytes == len(BODY)
    assert secure_site.sni == ["shop.test"]
    with pytest.raises(FetchFailed, match=r"other\.test has a certificate that cannot") as failed:
        fetch(f"https://other.test{path}", tmp_path / "other", MAX)
    assert not failed.value.transient


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("7", 7),
        ("999999999999", 86_400),
        ("", None),
        ("soon", None),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0),
        ("Wed, 21 Oct 2099 07:28:00 GMT", 86_400),
    ],
)
def test_a_failure_says_to_when_it_puts_us_off(site, allow, tmp_path, said, seconds):
    site.pages["/feed"] = (429, {"Retry-After": said} if said else {}, b"")
    allow("127.0.0.1", site.server_port)
    with pytest.raises(FetchFailed, match="429 Too Many Requests") as failed:
        fetch(url(site), tmp_path / "feed", MAX)
    assert (failed.value.status, failed.value.retry_after) == (429, seconds)
    assert failed.value.transient
