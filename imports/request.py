"""What a person asks an import to do, and what its job is told of that."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from imports import feed_source, joins
from imports.mapping import Mapping
from imports.mapping_choice import Confirm
from imports.models import MappingTemplate
from jobtracker.catalogue.models import Supplier, WhenMissing
from jobtracker.catalogue.normalise import is_code
from jobtracker.models import User
from jobtracker.sources import is_url, supplier_name
from jobtracker.states import Priority
from jobtracker.uploads import SourceRefused


@dataclass(frozen=True)
class Request:
    """What a person asks for. `source` is a path or an address, `upload` a file from the pages
    (then `source` is its name); `confirm` asks for a look at the mapping; `price_only` changes
    nothing but prices and stock of known products; `missing` says what becomes of those that a
    whole feed has no more (`WhenMissing`), "" that it is as the supplier's default; `join` is a
    second file, on this machine or in the same archive, and `join_on` what joins it, as
    `joins.Second` reads them, or `join` is the name of a `join_upload` from the pages; `pair` says
    how the two files of a reject file are read (see `as_before`); `repair` mends malformed XML; the
    rest overrides what would be found out. Raises `SourceRefused` for what can be no import's."""

    source: str
    upload: Any = None
    supplier: str = ""
    type: str | None = None
    record: str | None = None
    encoding: str | None = None
    delimiter: str | None = None
    entry: str | None = None
    join: str | None = None
    join_on: str | None = None
    join_upload: Any = None
    pair: dict[str, str] = field(default_factory=dict)
    repair: bool = False
    currency: str | None = None
    mapping: Mapping | None = None
    template: MappingTemplate | None = None
    confirm: Confirm = Confirm.NEVER
    price_only: bool = False
    missing: str = ""
    priority: Priority = Priority.NORMAL
    created_by: User | None = None
    stated: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        currency = (self.currency or "").upper()
        if currency and not is_code(currency):
            raise SourceRefused(f"{self.currency} is no ISO 4217 currency code.")
        if self.price_only and self.missing == WhenMissing.DEACTIVATE:
            raise SourceRefused("A feed of prices only does not tell which products are missing.")
        if self.join_on is not None and not self.join:
            raise SourceRefused("--join-on says what joins a second file: name it with --join.")
        if self.has_second and is_url(self.source):
            raise SourceRefused(
                f"{self.source} cannot be joined with a file of this machine. Fetch it first, or"
                " name a file of the archive that the address leads to."
            )
        object.__setattr__(self, "currency", currency)
        object.__setattr__(self, "supplier", supplier_name(self.supplier))
        options = {name: getattr(self, name) for name in (*feed_source.READING, "currency")}
        options["repair"] = "yes" if self.repair else None
        object.__setattr__(self, "stated", {k: v for k, v in options.items() if v})

    @property
    def reading(self) -> dict[str, str]:
        """What was stated of how to read the source."""
        found = {name: value for name, value in self.stated.items() if name in feed_source.READING}
        if self.repair:
            found["repair"] = self.stated["repair"]
        if self.join:
            found["join_file" if self.second_file else "join"] = self.second.file
            found["join_on"] = self.second.fields
        return found | self.pair

    @property
    def second(self) -> joins.Second:
        """The second file as it is named."""
        return joins.Second.from_text(self.join or "", self.join_on)

    @property
    def second_file(self) -> Path | None:
        """The file on this machine that is joined, if it is one."""
        path = Path(self.second.file)
        return path if self.join and self.join_upload is None and path.is_file() else None

    @property
    def has_second(self) -> bool:
        """Whether what is joined is a file by itself, not one of the archive that the first is."""
        return self.join_upload is not None or self.second_file is not None

    @property
    def names(self) -> tuple[str, str]:
        """What a file and its second are called in the archive that keeps them."""
        return joins.together(Path(self.source), Path(self.second.file))

    @property
    def _joined(self) -> dict[str, str]:
        """What the job is told of a second file, which it finds beside the first."""
        if not self.join:
            return self.pair
        joined = {"join": self.second.file, "join_on": self.second.fields}
        if self.has_second:
            first, joined["join"] = self.names
            joined["entry"] = f"{first}/{self.entry}" if self.entry else first
        return joined

    @property
    def told(self) -> dict[str, str]:
        """What the job is told of how to read what is kept: one file, or the archive of two."""
        return self.stated | self._joined

    def metadata(self, supplier: Supplier) -> dict[str, Any]:
        """Return what the job keeps of the request, and of the supplier's defaults, for its
        stages."""
        kept: dict[str, Any] = {"stated": self.told}
        if self.confirm:
            kept["confirm"] = self.confirm
        if self.price_only:
            kept["price_only"] = True
        elif (self.missing or supplier.when_missing) == WhenMissing.DEACTIVATE:
            kept["missing"] = WhenMissing.DEACTIVATE
        if self.mapping:
            kept["mapping"] = self.mapping.to_json()
        return kept


def supplier_title(request: Request) -> str:
    """Return the name of the supplier; without one the source gives it, so that feeds of different
    suppliers never share keys by accident."""
    if request.supplier:
        return request.supplier
    host = urlsplit(request.source).hostname if is_url(request.source) else None
    return host or Path(feed_source.name_of(request.source)).stem
