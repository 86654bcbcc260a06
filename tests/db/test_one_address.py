"""A page is shown under the one address that its socket answers to."""

import pytest

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def address(settings):
    settings.PUBLIC_URL = "http://127.0.0.1:8000"
    settings.ALLOWED_HOSTS = ["*"]


def test_another_name_of_this_machine_leads_to_the_public_address(client):
    answer = client.get("/admin/login/?next=/admin/", HTTP_HOST="localhost:8000")
    assert answer.url == "http://127.0.0.1:8000/admin/login/?next=/admin/"


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost:9000", "proxy.example:8000"])
def test_every_other_request_is_answered_where_it_came(client, host):
    assert client.get("/admin/login/", HTTP_HOST=host).status_code == 200


def test_health_and_forms_are_answered_under_any_name(client):
    assert client.get("/health/live", HTTP_HOST="localhost:8000").status_code == 200
    assert client.post("/admin/login/", HTTP_HOST="localhost:8000").status_code == 200
