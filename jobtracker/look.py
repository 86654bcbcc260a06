"""What Unfold shows around every page: colours, icon, side navigation.

Read by `settings.py`, so nothing here may import models at module level.
"""

from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse
from unfold.dataclasses import SearchResult

# Unfold writes dark navigation text in 500; these shades keep 4.5:1 on its grounds.
INDIGO = {
    "50": "#EEF2FF",
    "100": "#E0E7FF",
    "200": "#C7D2FE",
    "300": "#A5B4FC",
    "400": "#8F9BFB",
    "500": "#7C86F8",
    "600": "#4F46E5",
    "700": "#4338CA",
    "800": "#3730A3",
    "900": "#312E81",
    "950": "#1E1B4B",
}


def favicon(request: HttpRequest) -> str:
    """Return the icon of a quiet queue; the pages' module swaps it for the worst state."""
    return static("jobtracker/favicon.svg")


FOUND = 8  # jobs and suppliers that the palette lists

# The tables of the admin that have a place of their own in the navigation.
TABLES = (
    ("Workers", "memory", "jobtracker.Worker"),
    ("Webhook calls", "webhook", "webhooks.WebhookCall"),
    ("Audit log", "history", "jobtracker.AuditEntry"),
)


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the groups of the side navigation, with what the user may see.

    Unfold's own idea of the active item is a substring test on the path, which would also mark
    `/admin/x` on `/admin/xy`: each item says itself whether it is active.
    """
    from jobtracker.access import VIEW
    from jobtracker.monitor.queries import open_causes

    causes = open_causes()
    queue = _item(request, "Queue", "format_list_bulleted", "monitor", VIEW)
    if causes:
        queue["badge"] = str(causes)
    groups: list[dict[str, Any]] = [
        {
            "title": "Work",
            "items": [
                queue,
                _item(request, "Schedules", "schedule", "schedules", "jobtracker.view_jobschedule"),
            ],
        },
        {
            "title": "Bring in",
            "separator": True,
            "items": [
                _item(request, "Data import", "upload_file", "data-import", VIEW),
                _item(
                    request,
                    "Mapping templates",
                    "account_tree",
                    "import-templates",
                    "imports.view_mappingtemplate",
                ),
                _item(request, "Scraper", "travel_explore", "scraper", VIEW),
            ],
        },
        {
            "title": "Results",
            "separator": True,
            "items": [
                _item(request, "Materials", "inventory_2", "materials", "catalogue.view_material"),
                _item(request, "Suppliers", "storefront", "suppliers", "catalogue.view_supplier"),
            ],
        },
        {
            "title": "Operate",
            "separator": True,
            "items": [_table(request, *table) for table in TABLES],
        },
    ]
    _mark_one(groups)
    return groups


def _mark_one(groups: list[dict[str, Any]]) -> None:
    """Leave of the items that lead above the page only the nearest one active."""
    above = [item for group in groups for item in group["items"] if item["active"]]
    nearest = max((len(item["link"]) for item in above), default=0)
    for item in above:
        item["active"] = len(item["link"]) == nearest


def _item(request: HttpRequest, title: str, icon: str, url: str, permission: str) -> dict[str, Any]:
    link = reverse(url)
    return {
        "title": title,
        "icon": icon,
        "link": link,
        "active": f"{request.path.rstrip('/')}/".startswith(f"{link.rstrip('/')}/"),
        "permission": lambda request: request.user.has_perm(permission),
    }


def _table(request: HttpRequest, title: str, icon: str, label: str) -> dict[str, Any]:
    app, model = label.lower().split(".")
    url = f"admin:{app}_{model}_changelist"
    return _item(request, title, icon, url, f"{app}.view_{model}")


def search(request: HttpRequest, term: str) -> list[SearchResult]:
    """Return jobs and suppliers for the palette: links only, as it keeps them for minutes."""
    from jobtracker.access import VIEW
    from jobtracker.catalogue.models import Supplier
    from jobtracker.monitor import rows
    from jobtracker.monitor.filters import Filter

    if not request.user.has_perm(VIEW):
        return []
    jobs = rows.read(Filter(terms=(term,)).rows().order_by("-id")[:FOUND])
    suppliers = Supplier.objects.filter(name__icontains=term).order_by("name")[:FOUND]
    return [
        *(SearchResult(row.name, row.origin, row.url, "list") for row in jobs),
        *(
            SearchResult(
                supplier.name,
                "Supplier",
                reverse("supplier", args=[supplier.pk]),
                "storefront",
            )
            for supplier in suppliers
        ),
    ]


UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "jobtracker",
    "SITE_HEADER": "jobtracker",
    "SITE_SUBHEADER": "Catalogue workshop",
    "SITE_SYMBOL": "layers",
    "SITE_URL": None,  # the admin is the site
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": favicon}],
    "BORDER_RADIUS": "8px",
    "COLORS": {"primary": INDIGO},
    "COMMAND": {"search_callback": "jobtracker.look.search"},
    "SIDEBAR": {
        "show_search": True,
        "command_search": True,
        "show_all_applications": True,
        "navigation": "jobtracker.look.navigation",
    },
}
