"""Our admin site: Django's admin in Unfold's frame, with our own pages under `/admin/`."""

from unfold.sites import UnfoldAdminSite


class TrackerAdminSite(UnfoldAdminSite):
    """The one admin site. Its pages are staff pages; permissions decide the rest."""

    site_header = "jobtracker"
    site_title = "jobtracker"
    index_title = "Tables"
    enable_nav_sidebar = False
