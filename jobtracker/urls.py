"""Addresses. A pipeline brings its own pages through its description."""

from django.contrib import admin
from django.urls import path
from django.views.generic import RedirectView

from jobtracker import health, pipelines
from jobtracker.catalogue.pages.urls import urlpatterns as material_urls
from jobtracker.hub.urls import urlpatterns as hub_urls
from jobtracker.images.urls import urlpatterns as image_urls
from jobtracker.monitor.urls import urlpatterns as monitor_urls
from jobtracker.schedule_pages.urls import urlpatterns as schedule_urls
from jobtracker.suppliers.urls import urlpatterns as supplier_urls

# Before the addresses: the admin makes its own from the tables that it knows by then.
admin.autodiscover()

handler500 = "jobtracker.outage.failed"

urlpatterns = [
    path("", RedirectView.as_view(url="/admin/async-queue-monitor")),
    *monitor_urls,
    *hub_urls,
    *schedule_urls,
    *material_urls,
    *supplier_urls,
    *image_urls,
    *(url for pipeline in pipelines.registered() for url in pipeline.urls()),
    path("health/live", health.live, name="health-live"),
    path("health/ready", health.ready, name="health-ready"),
    path("admin/", admin.site.urls),
]
