from zoneinfo import available_timezones

from django.contrib.auth.models import AbstractUser
from django.core.exceptions import ValidationError
from django.db import models


def validate_time_zone(name: str) -> None:
    """Raise `ValidationError` unless `name` is a zone of the tz database."""
    if name not in available_timezones():
        raise ValidationError(f"{name!r} is not a time zone, such as Europe/Athens.")


class User(AbstractUser):
    """Someone who signs in, with how they like to see the pages."""

    class Density(models.TextChoices):
        COMFORTABLE = "comfortable", "Comfortable"
        COMPACT = "compact", "Compact"

    time_zone = models.CharField(
        max_length=64, blank=True, validators=[validate_time_zone], help_text="Empty: UTC."
    )
    density = models.CharField(max_length=12, choices=Density.choices, default=Density.COMFORTABLE)
    shortcuts = models.BooleanField("keyboard shortcuts", default=True)

    class Meta(AbstractUser.Meta):
        db_table = "users"
