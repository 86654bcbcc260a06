"""Where a person is led after an act: only ever to a page of ours."""

from django.http import HttpRequest
from django.utils.http import url_has_allowed_host_and_scheme


def own(request: HttpRequest, address: str, otherwise: str) -> str:
    """Return `address` where it leads to this site, else `otherwise`."""
    hosts = {request.get_host()}
    return (
        address
        if url_has_allowed_host_and_scheme(address, hosts, request.is_secure())
        else otherwise
    )
