"""The start form of an import."""

from typing import Any, cast

from django import forms
from django.conf import settings

from imports.feed_source import check_url
from imports.mapping_choice import Confirm
from imports.readers import Source
from imports.start import template_named
from jobtracker.catalogue.models import Supplier, WhenMissing
from jobtracker.hub.forms import CurrencyField, FilesField, SupplierField
from jobtracker.sources import is_url
from jobtracker.uploads import SourceRefused, allowed_path, check_inside


class MissingField(forms.ChoiceField):
    """What becomes of products that a whole feed has no more; "" as is the supplier's default."""

    def __init__(self) -> None:
        super().__init__(
            required=False,
            label="Products that the feed has no more",
            choices=[("", "the supplier’s default"), *WhenMissing.choices],
        )

    def say_default(self, supplier: str) -> None:
        """Say what the default is, where the supplier is known."""
        if found := Supplier.objects.filter(name=supplier).first():
            default = f"default: {found.get_when_missing_display()}"
            self.choices = [("", default), *WhenMissing.choices]


class StartForm(forms.Form):
    """One source - uploaded files, a path on the server or an address - and whose it is; of one
    file also a second that is joined to it."""

    feeds = FilesField(required=False, label="Files")
    path = forms.CharField(
        required=False,
        label="Path on the server",
        widget=forms.TextInput(attrs={"placeholder": "/srv/feeds/tiles.xml"}),
    )
    url = forms.CharField(
        required=False,
        label="Address",
        widget=forms.TextInput(
            attrs={"placeholder": "https://supplier.example/feed.xml", "inputmode": "url"}
        ),
    )
    join = forms.FileField(required=False, label="Second file")
    join_path = forms.CharField(
        required=False,
        label="Path of the second file",
        widget=forms.TextInput(attrs={"placeholder": "/srv/feeds/prices.csv"}),
    )
    join_on = forms.CharField(
        required=False,
        max_length=1000,
        label="Joined by",
        help_text="its field = that of the first file; empty: found",
        widget=forms.TextInput(attrs={"placeholder": "Article=sku", "autocomplete": "off"}),
    )
    supplier = SupplierField()
    currency = CurrencyField("for prices that name none")
    confirm = forms.TypedChoiceField(
        required=False,
        coerce=Confirm,
        empty_value=Confirm.NEVER,
        initial=Confirm.NEW,
        label="Show me the mapping before anything is written",
        choices=[
            (Confirm.NEW, "of a feed that is new here"),
            (Confirm.ALWAYS, "of any feed"),
            (Confirm.NEVER, "only where it is not sure"),
        ],
    )
    price_only = forms.BooleanField(
        required=False, label="Prices and stock only: change nothing else"
    )
    missing = MissingField()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not settings.IMPORT_DIRS:
            del self.fields["path"], self.fields["join_path"]

    @property
    def deactivating(self) -> list[str]:
        """The suppliers whose default it is that missing products become inactive."""
        found = Supplier.objects.filter(when_missing=WhenMissing.DEACTIVATE)
        return list(found.values_list("name", flat=True))

    @property
    def join_open(self) -> bool:
        """Tell whether something of a second file stands there that must be seen."""
        names = ("join", "join_path", "join_on")
        return any(self.errors.get(n) or self.data.get(n) or self.files.get(n) for n in names)

    def clean_join_path(self) -> str:
        path: str = self.cleaned_data["join_path"]
        try:
            return str(allowed_path(path)) if path else ""
        except SourceRefused as error:
            raise forms.ValidationError(str(error)) from error

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        self._check_join(cleaned)
        given = [name for name in ("feeds", "path", "url") if cleaned.get(name)]
        if not given and not self.errors:
            raise forms.ValidationError("Choose a file, or give a path or an address.")
        if len(given) > 1:
            raise forms.ValidationError("Give one source: files, a path or an address.")
        return cleaned

    def _check_join(self, cleaned: dict[str, Any]) -> None:
        """A second file is one, and joined to one file."""
        given = [name for name in ("join", "join_path") if cleaned.get(name)]
        if len(given) > 1:
            self.add_error("join_path", "Give one second file: choose it, or give its path.")
        elif given and cleaned.get("url"):
            said = "A second file is not joined to an address: save that feed, and choose both."
            self.add_error(given[0], said)
        elif given and len(cleaned.get("feeds") or []) > 1:
            said = "A second file is joined to one file: choose only one above."
            self.add_error(given[0], said)
        elif cleaned.get("join_on") and not given and not self.errors:
            self.add_error("join_on", "Choose the second file that this joins.")


class EncodingField(forms.CharField):
    """The name of a text encoding; empty where it is to be found."""

    def __init__(self, **kwargs: Any) -> None:
        known = {"required": False, "max_length": 40, "label": "Encoding"}
        super().__init__(**{**known, "help_text": "as windows-1252", **kwargs})

    def clean(self, value: Any) -> str:
        name: str = super().clean(value)
        try:
            "".encode(name or "utf-8")
        except (LookupError, ValueError):
            raise forms.ValidationError(f"There is no text encoding called “{name}”.") from None
        return name


class ReadingForm(forms.Form):
    """How a stored source is to be read; what is left empty is found out."""

    encoding = EncodingField(
        widget=forms.TextInput(attrs={"list": "import-encodings", "autocomplete": "off"})
    )
    delimiter = forms.CharField(
        required=False,
        max_length=8,
        strip=False,
        label="Delimiter of a table",
        help_text="one character, or tab",
    )
    record = forms.CharField(
        required=False,
        max_length=1000,
        label="Record of XML or JSON",
        widget=forms.TextInput(attrs={"list": "import-records", "autocomplete": "off"}),
        help_text="path of one product",
    )
    entry = forms.CharField(
        required=False,
        max_length=500,
        label="File in the archive, or sheet",
        widget=forms.TextInput(attrs={"list": "import-entries", "autocomplete": "off"}),
        help_text="as prices.xlsx/Sheet1",
    )
    repair = forms.BooleanField(
        required=False, label="Mend malformed XML; what is mended is named as a warning"
    )

    def __init__(self, *args: Any, source: Source | None = None, **kwargs: Any) -> None:
        """Ask only for what means anything to the way in which the `source` was read, if it was."""
        super().__init__(*args, **kwargs)
        if source is None:
            return
        if source.type != "csv":
            del self.fields["delimiter"]
        if source.type not in ("xml", "json"):
            del self.fields["record"]
        if source.type != "xml":
            del self.fields["repair"]
        if source.type == "xlsx":
            del self.fields["encoding"]
        if not source.entry:
            del self.fields["entry"]

    def clean_delimiter(self) -> str:
        character: str = self.cleaned_data["delimiter"]
        if len(character) > 1 and character != "tab":
            raise forms.ValidationError(f"“{character}” is more than one character.")
        return character

    @property
    def stated(self) -> dict[str, str]:
        """What was filled in."""
        said = {name: value for name, value in self.cleaned_data.items() if value}
        return said | {"repair": "yes"} if "repair" in said else said

    @property
    def texts(self) -> list[forms.BoundField]:
        """The fields that are written into."""
        return [field for field in self if field.name != "repair"]


class ScheduleForm(forms.Form):
    """What a schedule imports: an address, or a file that is there when the job runs."""

    url = forms.CharField(
        required=False,
        max_length=2000,
        label="Address of the feed",
        widget=forms.TextInput(
            attrs={"placeholder": "https://supplier.example/feed.xml", "inputmode": "url"}
        ),
    )
    path = forms.CharField(
        required=False,
        max_length=1000,
        label="Or a path",
        help_text="inside IMPORT_DIRS",
        widget=forms.TextInput(attrs={"placeholder": "/srv/feeds/tiles.xml"}),
    )
    template = forms.CharField(
        required=False,
        max_length=120,
        label="Mapping template",
        help_text="else found by shape",
    )
    currency = CurrencyField("for prices that name none")
    encoding = EncodingField(help_text="else found, each time")
    price_only = forms.BooleanField(
        required=False, label="Prices and stock only: change nothing else"
    )
    missing = MissingField()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = cast(MissingField, self.fields["missing"])
        field.say_default(self.data.get("supplier") or self.initial.get("supplier", ""))

    def clean_url(self) -> str:
        url: str = self.cleaned_data["url"]
        if url and not is_url(url):
            raise forms.ValidationError(
                f"{url[:80]} is no http or https address, nor one of ftps or sftp."
            )
        return url

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if self.errors:
            return cleaned
        url, path = cleaned["url"], cleaned["path"]
        if bool(url) == bool(path):
            raise forms.ValidationError("Give one source: an address or a path on the server.")
        supplier = self.data.get("supplier", "").strip()
        if cleaned["template"] and not template_named(supplier, cleaned["template"]):
            self.add_error("template", f"{supplier or 'No one'} has no template of that name.")
        try:
            if url:
                check_url(url)
            else:
                check_inside(path)
        except SourceRefused as error:
            self.add_error("url" if url else "path", str(error))
        return cleaned
