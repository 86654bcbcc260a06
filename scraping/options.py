"""The options of a crawl: what `scraping_config` keeps, and a retry obeys again."""

from dataclasses import asdict, dataclass, field
from math import isfinite
from typing import Any

MODES = ("auto", "page", "sitemap", "crawl")
SERVICES = ("scrapy",)
MODELS = ("rules",)
MOST_PAGES = 1_000_000
MOST_DEPTH = 100
LONGEST_DELAY = 600.0  # seconds
PATTERN_CHARS = 500


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

    def trouble(self) -> str:
        """Return a sentence on what no crawl can obey, "" where all is well."""
        for name, known in (("service", SERVICES), ("model", MODELS), ("mode", MODES)):
            if (given := getattr(self, name)) not in known:
                return f"The {name} {given!r} is not known; there is {', '.join(known)}."
        if not 1 <= self.max_pages <= MOST_PAGES:
            return f"The most pages must lie between 1 and {MOST_PAGES:,}."
        if not 0 <= self.max_depth <= MOST_DEPTH:
            return f"The most links deep must lie between 0 and {MOST_DEPTH}."
        if self.delay is not None and not (
            isfinite(self.delay) and 0 <= self.delay <= LONGEST_DELAY
        ):
            return f"The delay must lie between 0 and {LONGEST_DELAY:g} seconds."
        for words in (self.include, self.exclude, self.categories):
            for word in words:
                if not word.strip() or len(word) > PATTERN_CHARS or not word.isprintable():
                    return f"{word[:60]!r} is no pattern or word that an address can be held to."
        return ""
