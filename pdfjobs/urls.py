"""The addresses of a PDF, each page with and without a final slash."""

from django.urls import path, re_path

from pdfjobs import views

ONE = r"^admin/data-import/pdf/(?P<document_id>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"

urlpatterns = [
    path("admin/data-import/pdf/start", views.start, name="pdf-start"),
    re_path(rf"{ONE}/?$", views.document, name="pdf-document"),
    re_path(rf"{ONE}/parts$", views.parts, name="pdf-parts"),
    re_path(rf"{ONE}/page/(?P<number>[1-9][0-9]{{0,8}})/?$", views.page, name="pdf-page"),
    re_path(rf"{ONE}/original$", views.original, name="pdf-original"),
    re_path(rf"{ONE}/files/(?P<filename>[\w-]+\.(?:webp|jpg|png))$", views.file, name="pdf-file"),
    re_path(rf"{ONE}/answer$", views.answer, name="pdf-answer"),
    re_path(rf"{ONE}/retry$", views.retry, name="pdf-retry"),
]
