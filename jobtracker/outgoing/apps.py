from django.apps import AppConfig


class OutgoingConfig(AppConfig):
    name = "jobtracker.outgoing"
    label = "outgoing"
    default_auto_field = "django.db.models.BigAutoField"
