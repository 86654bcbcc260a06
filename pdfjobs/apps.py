from django.apps import AppConfig


class PdfjobsConfig(AppConfig):
    name = "pdfjobs"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from jobtracker import pipelines
        from pdfjobs.pipeline import PdfPipeline

        pipelines.register(PdfPipeline())
