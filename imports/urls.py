"""The addresses of an import, each page with and without a final slash."""

from django.urls import path, re_path

from imports import step_views, views
from imports.template_urls import urlpatterns as template_urls

ONE = r"^admin/data-import/(?P<pk>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"

urlpatterns = [
    *template_urls,
    path("admin/data-import/start", views.start, name="import-start"),
    re_path(rf"{ONE}/?$", views.detail, name="import-detail"),
    re_path(rf"{ONE}/parts$", views.parts, name="import-parts"),
    re_path(rf"{ONE}/source/?$", step_views.source, name="import-source"),
    re_path(rf"{ONE}/file$", views.file, name="import-file"),
    re_path(rf"{ONE}/rejects$", views.reject_file, name="import-rejects"),
    re_path(rf"{ONE}/mapping/?$", step_views.mapping, name="import-mapping"),
    re_path(rf"{ONE}/preview/?$", step_views.preview, name="import-preview"),
    re_path(rf"{ONE}/answer$", step_views.answer, name="import-answer"),
    re_path(rf"{ONE}/decide$", views.decide, name="import-decide"),
]
