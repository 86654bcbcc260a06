"""What is extracted from a page of a site: pure data."""

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Evidence:
    """Where a value came from: `method` is `json-ld`, `microdata` or `opengraph` with the path
    (`json-ld:offers.price`), `raw` what stood there."""

    method: str
    raw: str
    confidence: float = 1.0


@dataclass
class Product:
    """One product: raw texts by target of `catalogue.normalise.TARGETS` (lists for `images`,
    `category`), the evidence of each. Variants of one product are folded: `variants` has what
    differs, as attribute objects."""

    values: dict[str, Any]
    evidence: dict[str, Evidence]
    variants: list[dict[str, str]] = field(default_factory=list)


@dataclass
class Extraction:
    """A page read. `canonical` is the address that the page gives itself (absolute, "" for none);
    `links` are absolute http(s) addresses in document order, without fragments, each once;
    `nofollow` and `noindex` are the robots meta's words."""

    canonical: str = ""
    title: str = ""
    products: list[Product] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    nofollow: bool = False
    noindex: bool = False
    needs_javascript: bool = False
    structured: bool = False
    warnings: list[str] = field(default_factory=list)
