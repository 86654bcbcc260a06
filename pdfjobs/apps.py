from django.apps import AppConfig


class PdfjobsConfig(AppConfig):
    name = "pdfjobs"
    default_auto_field = "django.db.models.BigAutoField"
