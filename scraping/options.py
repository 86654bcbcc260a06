"""The options of a crawl: what `scraping_config` keeps, and a retry obeys again."""

from dataclasses import asdict, dataclass, field
from typing import Any

MODES = ("auto", "page", "sitemap", "crawl")


@dataclass(frozen=True)
class Options:
    """`include` and `exclude` are patterns of addresses (`*` matches anything); `categories` words
    of which one must stand in a product's category or address; `delay` is in seconds, None for what
    robots.txt and the site's own speed say; `model` is who extracts."""

    service: str = "scrapy"
    model: str = "rules"
    mode: str = "auto"
    max_pages: int = 1000
    max_depth: int = 5
    include: list[str] = field(default_factory=list)
    exclude: list[str] = field(default_factory=list)
    categories: list[str] = field(default_factory=list)
    ignore_robots: bool = False
    delay: float | None = None
    incremental: bool = True

    def to_json(self) -> dict[str, Any]:
        """Return the options as `scraping_config` keeps them."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Options":
        """The reverse of `to_json`; keys of other versions are passed over."""
        return cls(**{key: value for key, value in data.items() if key in cls.__annotations__})
