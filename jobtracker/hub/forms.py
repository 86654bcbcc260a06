"""What the start forms of the pipelines share."""

from typing import Any

from django import forms


class FilesInput(forms.ClearableFileInput):
    """A file input that takes several files."""

    allow_multiple_selected = True


class FilesField(forms.FileField):
    """Uploaded files as a list: any number of them, at least one where the field is required."""

    widget = FilesInput

    def clean(self, data: Any, initial: Any = None) -> list[Any]:
        files = data if isinstance(data, list | tuple) else [data] if data else []
        if not files and self.required:
            files = [None]
        return [super(FilesField, self).clean(file, initial) for file in files]
