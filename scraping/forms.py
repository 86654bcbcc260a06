"""The start form of a crawl."""

import re
from typing import Any

from django import forms

from jobtracker.hub.forms import SupplierField
from jobtracker.sources import check_url
from jobtracker.uploads import SourceRefused
from scraping.options import Options
from scraping.start import by_site

MODES = (
    ("auto", "Sitemap, else links"),
    ("sitemap", "Sitemap only"),
    ("crawl", "Follow links"),
    ("page", "These pages only"),
)
MAX_URLS = 100
_DEFAULTS = Options()


class WordsField(forms.CharField):
    """Several texts, one a line; with `commas` also parted by commas."""

    def __init__(self, *, commas: bool = False, **kwargs: Any) -> None:
        self._between = re.compile(r"[\r\n,]+" if commas else r"[\r\n]+")
        self._join = ", " if commas else "\n"
        super().__init__(**kwargs)

    def prepare_value(self, value: Any) -> Any:
        """Write texts that were kept as a person writes them."""
        return self._join.join(value) if isinstance(value, list) else value

    def clean(self, value: Any) -> Any:
        text = super().clean(value) or ""
        return [part.strip() for part in self._between.split(text) if part.strip()]


def _lines(placeholder: str, rows: int = 2, **attributes: str) -> forms.Textarea:
    given = {"rows": rows, "placeholder": placeholder, "spellcheck": "false"}
    return forms.Textarea(attrs=given | attributes)


class StartForm(forms.Form):
    """The addresses of one site, whose it is, and how far to go."""

    urls = WordsField(
        label="Site, sitemap or pages, one a line",
        widget=_lines("https://supplier.example/collections", inputmode="url"),
    )
    supplier = SupplierField()
    mode = forms.ChoiceField(choices=MODES, label="Find pages by", initial="auto")
    max_pages = forms.IntegerField(
        min_value=1, max_value=1_000_000, initial=_DEFAULTS.max_pages, label="Pages at most"
    )
    max_depth = forms.IntegerField(
        min_value=0, max_value=100, initial=_DEFAULTS.max_depth, label="Links deep at most"
    )
    include = WordsField(required=False, label="Only addresses like", widget=_lines("*/products/*"))
    exclude = WordsField(required=False, label="Never addresses like", widget=_lines("*/blog/*"))
    categories = WordsField(
        required=False,
        commas=True,
        label="Only these categories",
        widget=forms.TextInput(attrs={"placeholder": "tiles, flooring"}),
    )
    delay = forms.FloatField(
        required=False,
        min_value=0,
        max_value=600,
        label="Seconds between requests",
        widget=forms.NumberInput(attrs={"step": "any", "placeholder": "as the site allows"}),
    )
    ignore_robots = forms.BooleanField(
        required=False, label="Ignore robots.txt: I may read all of this site"
    )

    @property
    def basics(self) -> list[forms.BoundField]:
        return [self[name] for name in ("mode", "max_pages", "max_depth")]

    @property
    def extras(self) -> list[forms.BoundField]:
        """What most crawls leave as it is."""
        return [self[name] for name in ("include", "exclude", "categories", "delay")]

    @property
    def extras_open(self) -> bool:
        """Tell whether something stands there that must be seen."""
        names = [field.name for field in self.extras]
        return any(name in self.errors or self.data.get(name) for name in [*names, "ignore_robots"])

    def clean_urls(self) -> list[str]:
        urls: list[str] = self.cleaned_data["urls"]
        if len(urls) > MAX_URLS:
            raise forms.ValidationError(f"Give at most {MAX_URLS} addresses; a sitemap takes more.")
        for url in urls:
            if not url.lower().startswith(("http://", "https://")):
                raise forms.ValidationError(f"{url[:80]} is no http or https address.")
        return urls

    def options(self) -> Options:
        """Return what the form says as a crawl obeys it."""
        data = self.cleaned_data
        names = ("mode", "max_pages", "max_depth", "include", "exclude", "categories")
        chosen: dict[str, Any] = {name: data[name] for name in names}
        return Options(**chosen, delay=data["delay"], ignore_robots=data["ignore_robots"])


class ScheduleForm(StartForm):
    """What a schedule crawls. Whose it is, the schedule says."""

    supplier = None  # type: ignore[assignment]

    def clean_urls(self) -> list[str]:
        urls = super().clean_urls()
        try:
            if len(by_site(urls)) > 1:
                raise SourceRefused("Give addresses of one site: a schedule for each.")
            for url in urls:
                check_url(url)
        except SourceRefused as error:
            raise forms.ValidationError(str(error)) from error
        return urls

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if not self.errors and (trouble := self.options().trouble()):
            raise forms.ValidationError(trouble)
        return cleaned
