from django.apps import AppConfig


class ImportsConfig(AppConfig):
    name = "imports"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from imports.pipeline import ImportPipeline
        from jobtracker import pipelines

        pipelines.register(ImportPipeline())
