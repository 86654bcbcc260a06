"""A supplier's log-ins: kept sealed, used for its host, never shown again."""

import pytest
from django.urls import reverse

from imports.models import DataImportJob, FeedLogin
from jobtracker.catalogue.models import Supplier
from jobtracker.models import AuditEntry, BackgroundJob
from jobtracker.sealed import unseal
from tests.fixtures import file_servers
from tests.fixtures.file_servers import PASSWORD, USER
from tests.unit.test_outbound import Site, serving

from .import_runs import PRODUCTS, imported, lines_of, manage, refused
from .pages import act, signed_in

pytestmark = pytest.mark.django_db

FEED = (
    "\n".join(
        [",".join(PRODUCTS[0]), *(",".join(each.values()) for each in PRODUCTS)],
    )
    + "\n"
).encode()
SECRET = "Basic c2FtOnMzY3JldCB3b3Jk"


@pytest.fixture
def supplier():
    return Supplier.objects.create(name="N")


@pytest.fixture
def site(settings, monkeypatch):
    """A web server that lets in only who gives the right header, and knows what is unchanged."""
    answer = Site.do_GET

    def guarded(self):
        if self.headers["Authorization"] != SECRET:
            self.path = "/denied"
        elif self.headers["If-None-Match"] == '"v1"':
            self.path = "/same"
        answer(self)

    monkeypatch.setattr(Site, "do_GET", guarded)
    pages = {
        "/feed.csv": (200, {"ETag": '"v1"'}, FEED),
        "/denied": (401, {}, b""),
        "/same": (304, {}, b""),
    }
    with serving(pages) as server:
        settings.OUTBOUND_ALLOW = frozenset({("127.0.0.1", server.server_port)})
        yield server


@pytest.fixture
def administrator(client):
    return signed_in(client, "Administrators")


def add(client, supplier, **changed):
    form = {
        "supplier": supplier.pk,
        "host": "127.0.0.1",
        "kind": "basic",
        "name": USER,
        "password": PASSWORD,
        "host_key": "",
    }
    return act(client, reverse("admin:imports_feedlogin_add"), **form | changed)


def test_a_log_in_is_kept_sealed_and_never_shown(administrator, supplier):
    assert add(administrator, supplier).status_code == 302
    kept = FeedLogin.objects.get()
    assert PASSWORD not in kept.sealed_secret
    assert unseal(kept.sealed_secret) == PASSWORD
    page = administrator.get(reverse("admin:imports_feedlogin_change", args=[kept.pk]))
    assert PASSWORD not in page.content.decode()
    assert kept.sealed_secret not in page.content.decode()
    assert PASSWORD not in str(list(AuditEntry.objects.values()))


def test_an_empty_secret_keeps_the_one_that_is_known(administrator, supplier):
    add(administrator, supplier)
    kept = FeedLogin.objects.get()
    url = reverse("admin:imports_feedlogin_change", args=[kept.pk])
    form = {"supplier": supplier.pk, "host": "feeds.example:8443", "kind": "basic", "name": "kim"}
    assert act(administrator, url, **form, password="", host_key="").status_code == 302
    changed = FeedLogin.objects.get()
    assert (changed.host, changed.name) == ("feeds.example:8443", "kim")
    assert unseal(changed.sealed_secret) == PASSWORD


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"host": "https://feeds.example/"}, "That is no host name"),
        ({"password": ""}, "A log-in needs a secret."),
        ({"name": ""}, "Give the user, or the name of the header."),
        ({"kind": "header", "name": "X Key:"}, "That is no name of a header."),
        ({"password": "a\nb"}, "no line breaks or control characters"),
    ],
)
def test_what_can_be_no_log_in_is_told(administrator, supplier, changed, sentence):
    response = add(administrator, supplier, **changed)
    assert response.status_code == 200
    assert sentence in response.content.decode()
    assert not FeedLogin.objects.exists()


def test_a_feed_behind_a_log_in_is_imported_and_found_unchanged(administrator, supplier, site):
    url = f"http://127.0.0.1:{site.server_port}/feed.csv"
    denied = imported(url, "--supplier", "N")
    assert denied.status == "failed"
    assert denied.error.startswith("127.0.0.1 answered 401 Unauthorized. If it lets in only whom")
    assert denied.error.endswith("adds it under Log-ins for feeds on the supplier's page.")
    add(administrator, supplier)
    assert manage("suggest_mapping", url, "--supplier", "N").json["count"] == 3
    job = imported(url, "--supplier", "N")
    assert (job.status, len(lines_of())) == ("completed", 3)
    again = imported(url, "--supplier", "N")
    assert again.status == "completed"
    assert again.result["note"] == "The source has not changed since the last import."
    assert PASSWORD not in str([*BackgroundJob.objects.values(), *DataImportJob.objects.values()])


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize("command", [("import_feed", "--dry-run"), ("suggest_mapping",)])
def test_a_look_at_a_feed_behind_a_log_in_says_where_to_keep_one(settings, command, status):
    name, *options = command
    with serving({"/feed.csv": (status, {}, b""), "/gone.csv": (404, {}, b"")}) as server:
        settings.OUTBOUND_ALLOW = frozenset({("127.0.0.1", server.server_port)})
        url = f"http://127.0.0.1:{server.server_port}"
        known = refused(manage(name, f"{url}/feed.csv", *options, "--supplier", "N"))
        nobody = refused(manage(name, f"{url}/feed.csv", *options))
        gone = refused(manage(name, f"{url}/gone.csv", *options))
    assert known.startswith(f"127.0.0.1 answered {status} ")
    assert known.endswith(
        "an administrator adds it under Log-ins for feeds on the supplier's page."
    )
    assert nobody == f"{known} A supplier's log-in is used where --supplier names it."
    assert "Log-ins" not in gone


def test_a_log_in_of_another_supplier_is_not_used(administrator, site):
    add(administrator, Supplier.objects.create(name="Other"))
    job = imported(f"http://127.0.0.1:{site.server_port}/feed.csv", "--supplier", "N")
    assert job.error.startswith("127.0.0.1 answered 401 Unauthorized.")


def test_a_feed_comes_by_sftp_and_is_found_unchanged(administrator, supplier, settings, tmp_path):
    (tmp_path / "tiles.csv").write_bytes(FEED)
    with file_servers.sftp(tmp_path) as server:
        settings.OUTBOUND_ALLOW = frozenset({("127.0.0.1", server.port)})
        add(administrator, supplier, host_key=server.identity, host=f"127.0.0.1:{server.port}")
        url = f"sftp://127.0.0.1:{server.port}/tiles.csv"
        job = imported(url, "--supplier", "N")
        again = imported(url, "--supplier", "N")
    assert (job.status, len(lines_of())) == ("completed", 3)
    assert again.result["note"] == "The source has not changed since the last import."


def test_after_a_new_secret_key_the_log_in_is_asked_for_again(
    administrator, supplier, site, settings
):
    add(administrator, supplier)
    settings.SECRET_KEY = "another"
    url = f"http://127.0.0.1:{site.server_port}/feed.csv"
    assert "must be entered again" in imported(url, "--supplier", "N").error
    BackgroundJob.objects.all().delete()
    assert "must be entered again" in refused(manage("suggest_mapping", url, "--supplier", "N"))
