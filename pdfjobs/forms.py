"""The start form of a PDF, and the one that takes its password later."""

from typing import Any

from django import forms

from jobtracker import uploads
from jobtracker.hub.forms import FilesField, FilesInput, SupplierField


class StartForm(forms.Form):
    """Catalogues to process, whose they are, and what holds for all of them.

    The data-import page has other forms beside this one, so its fields' ids start with `pdf_`.
    """

    pdfs = FilesField(
        label="Files",
        error_messages={"required": "Choose a PDF.", "empty": "The file is empty."},
        widget=FilesInput(attrs={"accept": ".pdf,application/pdf"}),
    )
    supplier = SupplierField("pdf-suppliers")
    pages = forms.CharField(
        required=False,
        max_length=200,
        label="Pages",
        help_text="all unless named",
        widget=forms.TextInput(attrs={"placeholder": "1-9, 12", "autocomplete": "off"}),
    )
    password = forms.CharField(
        required=False,
        strip=False,
        max_length=200,
        label="Password",
        help_text="if the files ask for one",
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
    )
    again = forms.BooleanField(
        required=False, label="Process again what was processed before, without asking"
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"auto_id": "pdf_%s"} | kwargs)

    @property
    def max_bytes(self) -> int:
        """How large a file may be, so that the page can say so before it is sent."""
        return uploads.max_bytes()


class PasswordForm(forms.Form):
    """The password of a file that could not be opened without it."""

    password = forms.CharField(
        strip=False,
        max_length=200,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
    )
