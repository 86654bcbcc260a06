from django.apps import AppConfig


class ScrapingConfig(AppConfig):
    name = "scraping"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from jobtracker import pipelines
        from scraping.pipeline import ScrapingPipeline

        pipelines.register(ScrapingPipeline())
