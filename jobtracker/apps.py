from django.apps import AppConfig
from django.conf import settings
from django.contrib.admin import apps as admin_apps
from django.db.models.signals import post_migrate


class TrackerAdminConfig(admin_apps.SimpleAdminConfig):
    """Django's admin on our own site class. Its tables are looked up with the addresses, so that
    workers, which serve none, do not carry them."""

    default = False
    default_site = "jobtracker.site.TrackerAdminSite"


class JobtrackerConfig(AppConfig):
    default = True
    name = "jobtracker"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from jobtracker import access

        if settings.SENTRY_DSN:
            # Its client costs every process a fifth of a second to import.
            from jobtracker import reporting

            reporting.init_from_settings()
        post_migrate.connect(access.sync_roles_after_migrate, sender=self)
