from collections.abc import Mapping
from uuid import UUID

from django.apps import AppConfig

from jobtracker.live import views


class ScrapingConfig(AppConfig):
    name = "scraping"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from jobtracker import pipelines
        from scraping.pipeline import ScrapingPipeline

        pipelines.register(ScrapingPipeline())
        views.register("scraper", views.View(_render))


def _render(job_ids: views.Ids) -> Mapping[UUID, str]:
    from scraping import live  # only the processes that serve pages need it

    return live.render(job_ids)
