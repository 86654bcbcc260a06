from django.db import models

from jobtracker.models.fields import created_now


class FileToRemove(models.Model):
    """A stored file that no row names any more. Its row commits with the change that let it go,
    and goes once the file is gone: a process that dies in between leaves nothing unknown."""

    storage = models.CharField(max_length=20, help_text="A key of STORAGES.")
    name = models.CharField(max_length=300)
    at = created_now()

    class Meta:
        db_table = "files_to_remove"
        verbose_name = "file to remove"
        verbose_name_plural = "files to remove"
        constraints = [
            models.UniqueConstraint(fields=["storage", "name"], name="file_to_remove_once")
        ]

    def __str__(self) -> str:
        return f"{self.storage}: {self.name}"
