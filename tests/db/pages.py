"""Short ways to look at pages as someone, and to act on them."""

from django.contrib.auth.models import Group
from django.test import Client

from jobtracker.models import User


def signed_in(client: Client, group: str) -> Client:
    """Return `client` as a staff member of one of our groups, with CSRF checks on."""
    user, _ = User.objects.get_or_create(username=group.lower(), is_staff=True)
    user.groups.set([Group.objects.get(name=group)])
    client.handler.enforce_csrf_checks = True
    client.force_login(user)
    return client


def act(client: Client, url: str, /, **form: str):
    """Post a form as a page of ours would, with the token that the page holds."""
    token = client.get("/admin/async-queue-monitor").context["csrf_token"]
    return client.post(url, {"csrfmiddlewaretoken": str(token), **form})
