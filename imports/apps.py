from django.apps import AppConfig


class ImportsConfig(AppConfig):
    name = "imports"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from imports import supplier_section
        from imports.pipeline import ImportPipeline
        from jobtracker import pipelines
        from jobtracker.suppliers import sections

        pipelines.register(ImportPipeline())
        sections.register(sections.Section("imports/supplier.html", supplier_section.context))
