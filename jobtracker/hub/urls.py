"""The address of the data-import page, with and without a final slash."""

from django.urls import re_path

from jobtracker.hub import views

urlpatterns = [re_path(r"^admin/data-import/?$", views.hub, name="data-import")]
