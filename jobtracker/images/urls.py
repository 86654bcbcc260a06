"""The addresses of stored pictures."""

from django.urls import re_path

from jobtracker.images import views

ONE = r"^admin/images/(?P<sha256>[0-9a-f]{64})"

urlpatterns = [
    re_path(rf"{ONE}$", views.image, name="image"),
    re_path(rf"{ONE}/thumbnail$", views.thumbnail, name="image-thumbnail"),
]
