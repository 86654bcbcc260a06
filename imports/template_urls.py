"""The addresses of the template library, each page with and without a final slash, and of the
log-ins that a supplier's page shows."""

from django.urls import path, re_path

from imports import supplier_section
from imports import template_views as views

ROOT = "admin/data-import/templates"
ONE = rf"^{ROOT}/(?P<template_id>\d{{1,18}})"

urlpatterns = [
    re_path(rf"^{ROOT}/?$", views.templates, name="import-templates"),
    path(f"{ROOT}/new", views.new, name="import-template-new"),
    re_path(rf"{ONE}/?$", views.template, name="import-template"),
    re_path(rf"{ONE}/edit/?$", views.edit, name="import-template-edit"),
    re_path(rf"{ONE}/upload$", views.upload, name="import-template-upload"),
    re_path(rf"{ONE}/use-again$", views.use_again, name="import-template-use-again"),
    re_path(rf"{ONE}/rename$", views.rename, name="import-template-rename"),
    re_path(rf"{ONE}/set-aside$", views.set_aside, name="import-template-set-aside"),
    re_path(rf"{ONE}/take-back$", views.take_back, name="import-template-take-back"),
    re_path(rf"{ONE}/download$", views.download, name="import-template-download"),
    re_path(
        r"^admin/data-import/logins/(?P<login_id>\d{1,18})/delete$",
        supplier_section.delete_login,
        name="feed-login-delete",
    ),
]
