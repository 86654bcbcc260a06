"""The addresses of the scraper, each page with and without a final slash."""

from django.urls import path, re_path

from scraping import views

ONE = r"^scraper/sessions/(?P<pk>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"

urlpatterns = [
    re_path(r"^scraper/?$", views.scraper, name="scraper"),
    path("scraper/start", views.start, name="scraper-start"),
    path("scraper/check", views.check, name="scraper-check"),
    re_path(rf"{ONE}/?$", views.session, name="scraping-session"),
    re_path(rf"{ONE}/parts$", views.parts, name="scraping-parts"),
    re_path(rf"{ONE}/pause$", views.pause, name="scraping-pause"),
    re_path(rf"{ONE}/resume$", views.resume, name="scraping-resume"),
    re_path(rf"{ONE}/stop$", views.stop, name="scraping-stop"),
    re_path(rf"{ONE}/retry-failed$", views.retry_failed, name="scraping-retry-failed"),
]
