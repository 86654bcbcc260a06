from django.apps import AppConfig
from django.db.models.signals import post_migrate


class JobtrackerConfig(AppConfig):
    name = "jobtracker"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from jobtracker import access, reporting

        reporting.init_from_settings()
        post_migrate.connect(access.sync_roles_after_migrate, sender=self)
