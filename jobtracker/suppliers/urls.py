"""The addresses of the suppliers, each page with and without a final slash."""

from django.urls import re_path

from jobtracker.suppliers import views

ROOT = "admin/suppliers"
ONE = rf"^{ROOT}/(?P<supplier_id>\d{{1,18}})"

urlpatterns = [
    re_path(rf"^{ROOT}/?$", views.suppliers, name="suppliers"),
    re_path(rf"{ONE}/?$", views.supplier, name="supplier"),
    re_path(rf"{ONE}/count$", views.count, name="supplier-count"),
]
