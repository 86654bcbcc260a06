"""Which element of an XML feed, or which list of a JSON feed, holds the records.

The most frequent element is the right one in about half of real feeds only: pictures, prices
and categories outnumber products. So each element is scored by what stands below it, a price,
a code, a name and a link, weighted by how near and how much its own they are, times the
logarithm of its count. Elements with a price and with a code or name come before all others.
"""

import math
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator

from .model import KEY, Candidate, Fields, UnreadableFeed

ANY = "*"  # in a path: any name
MAX_PATHS = 5_000  # distinct paths kept while the record is looked for
NOTED = 500  # values looked at per path
SAMPLES = 20  # values kept per path
SHOWN = 8  # candidates reported
SURE = 100  # occurrences of a record that make the rest of a large document needless

WEIGHTS = {"price": 3.0, "code": 3.0, "name": 2.0, "link": 1.0}
NEARNESS = 0.7  # factor for each level between an element and its evidence
NESTED_PRICE = 0.5  # factor for a price that occurs several times below the element
OWN = 1.5  # an element's own code or name occurs at most so often in it
FIELD_WEIGHT = 0.1  # for each further field, up to ten: decides where no evidence is found
PRODUCT_NAME = 2.0  # an element called product, article, item ...
PART_NAME = 0.5  # factor for an element called variant, image, category ...

_PRICE = re.compile(r"price|preis|prijs|prix|preci|prezz|preco|pret\b|pris\b|\bcen[aey]|τιμη|цена")
_NO_PRICE = re.compile(
    r"\b(quantity|qty|menge|factor|unit|units|min|minimum|flag|date|currency|type|group|shipping|"
    r"delivery|percent|discount)\b"
)
_AMOUNT = re.compile(r"\b(amount|betrag|importe|montant|kwota)\b")
_CODE = re.compile(
    r"\b(id|sku|code|codigo|codice|ean|ean13|gtin|gtin13|upc|isbn|mpn|aid|pid|ref|reference|"
    r"referencia|referenz|kod|nr|no|number|nummer|numero|barcode|artnr|artno|artikelnummer|"
    r"symbol|indeks|handle|κωδικος|κωδ|артикул|код)\b|(product|item|article|artikel)(id|nr|no)\b"
)
_NAME = re.compile(
    r"\b(name|title|titel|titre|titulo|titolo|nombre|nom|nome|nazwa|nazev|naziv|navn|namn|"
    r"bezeichnung|denominacion|designation|denumire|description|descripcion|beschreibung|"
    r"productname|ονομα|τιτλος|ονομασια|название|наименование|имя)\b"
)
_PRODUCT = re.compile(
    r"(product|produkt|produit|producto|produto|prodotto|proizvod|tuote|article|artikel|articulo|"
    r"articolo|item|offer|angebot|shopitem|entry|material|προιον|товар)$"
)
_PART = re.compile(
    r"\b(variants?|variations?|options?|images?|pictures?|photos?|media|prices?|shipping|"
    r"delivery|categor(y|ies)|groups?|attributes?|features?|properties|property|params?|specs?|"
    r"reviews?|stocks?|warehouses?)$"
)
_NUMBER = re.compile(r"[^\d]{0,6}\d[\d.,'\s]*[^\d]{0,6}")
_CURRENCY = (
    r"(?:[€$£¥₹₺₽₴]|zł|Kč|(?:EUR|USD|GBP|CHF|PLN|CZK|HUF|RON|SEK|NOK|DKK|TRY|INR|RUB|UAH)\b)"
)
_MONEY = re.compile(rf"{_CURRENCY}\s?\d[\d.,'\s]*|\d[\d.,'\s]*{_CURRENCY}")
_LINK = re.compile(r"(https?:)?//|www\.")


class PathNode:
    """One distinct path of a document: how often it occurs and what its values look like."""

    __slots__ = ("children", "count", "distinct", "name", "noted", "parent", "path", "samples")

    def __init__(self, name: str, parent: "PathNode | None", path: str) -> None:
        self.name = name
        self.parent = parent
        self.path = path
        self.children: dict[str, PathNode] = {}
        self.count = 0
        self.noted = 0
        self.samples: list[str] = []
        self.distinct: set[int] = set()

    def note(self, value: str) -> None:
        """Take a value into account, unless it is blank or enough have been seen."""
        if self.noted == NOTED or value.isspace() or not value:
            return
        self.noted += 1
        self.distinct.add(hash(value))
        if len(self.samples) < SAMPLES:
            self.samples.append(value.strip()[:200])

    def take_in(self, other: "PathNode") -> None:
        """Take what another node counted and noted for this one's."""
        self.count += other.count
        self.noted = min(self.noted + other.noted, NOTED)
        self.distinct |= other.distinct
        self.samples = (self.samples + other.samples)[:SAMPLES]

    def descendants(self) -> "Iterator[PathNode]":
        """The nodes below, in the order in which the document first showed them."""
        for child in self.children.values():
            yield child
            yield from child.descendants()


class PathTree:
    """All distinct paths of a document, at most `limit` of them; `full` once one was left out.

    A path is the names from the root to a node, joined by `separator`. `part` names the part of
    the document that was read, where that is not the whole.
    """

    def __init__(self, limit: int = MAX_PATHS, separator: str = "/") -> None:
        self.root = PathNode("", None, "")
        self.separator = separator
        self.full = False
        self.part = ""
        self._room = limit

    def child(self, node: PathNode, name: str) -> PathNode:
        """The node for a child's or attribute's name; beyond the limit one that is not kept."""
        known = node.children.get(name)
        if known is not None:
            return known
        path = f"{node.path}{self.separator}{name}" if node.path else name
        child = PathNode(name, node, path)
        if self._room:
            self._room -= 1
            node.children[name] = child
        else:
            self.full = True
        return child

    def gather(self, node: PathNode) -> PathNode:
        """Put one child called `ANY` in the place of all of a node's; its `KEY` is their names."""
        self._room += sum(1 for _ in node.descendants())
        several, node.children = node.children, {}
        gathered = self.child(node, ANY)
        key = self.child(gathered, KEY)
        for name, child in several.items():
            self._merge(gathered, child)
            if name != ANY:
                key.count += 1
                key.note(name)
        return gathered

    def _merge(self, into: PathNode, node: PathNode) -> None:
        into.take_in(node)
        for name, child in node.children.items():
            self._merge(self.child(into, name), child)


def is_field_name(name: str) -> bool:
    """Whether a name is what a product's price, code or name is called, and nothing else."""
    words = _words(name)
    return any(known.fullmatch(words) for known in (_PRICE, _AMOUNT, _CODE, _NAME))


def choose(
    tree: PathTree, wanted: str | None, nothing: str
) -> tuple[PathNode, tuple[Candidate, ...], tuple[str, ...]]:
    """The element that is the record, which is the one at the path `wanted` or else the likeliest;
    the candidates, the likeliest first; and what a person should know. Raises UnreadableFeed, with
    `nothing` where no element can be one."""
    candidates = tuple(candidate for _, candidate in _ranked(tree)[:SHOWN])
    if not candidates:
        raise UnreadableFeed(nothing)
    warnings: tuple[str, ...] = ()
    if tree.full:
        warnings += (f"Only the first {MAX_PATHS:,} different paths were looked at.",)
    chosen = _named(tree, wanted or candidates[0].path, candidates)
    if not wanted and (alike := [node.path for node in _alike(tree, chosen)]):
        more = f" and {len(alike) - SHOWN:,} more" if len(alike) > SHOWN else ""
        warnings += (
            f"Only {chosen.path} is read; of the same form, and left out, are"
            f" {', '.join(alike[:SHOWN])}{more}.",
        )
    return chosen, candidates, warnings


def _alike(tree: PathTree, record: PathNode) -> Iterator[PathNode]:
    """The other elements with just the fields of a record, which may be records as well: none that
    stands in it."""
    inside = {record, *record.descendants()}
    names = set(record.children)
    return (
        node
        for node in _elements(tree)
        if len(names) > 1 and set(node.children) == names and node not in inside
    )


def is_sure(tree: PathTree) -> bool:
    """Whether the likeliest element is a product that is for sale, and not a few of them."""
    ranked = _ranked(tree)
    return bool(ranked) and ranked[0][0][0] and ranked[0][1].count >= SURE


def merit(records: Iterable[Fields]) -> tuple[bool, float]:
    """How far the fields of some records look like a product's that is for sale: whether they do
    at all, then a score."""
    tree = PathTree(1_000)
    record = tree.child(tree.root, "record")
    for fields in records:
        record.count += 1
        for name, values in fields.items():
            node = tree.child(record, name)
            for value in [values] if isinstance(values, str) else values:
                node.count += 1
                node.note(value)
    ranked = _ranked(tree)
    return ranked[0][0] if ranked else (False, 0.0)


def _ranked(tree: PathTree) -> "list[tuple[tuple[bool, float], Candidate]]":
    evidence = {node: kind for node in tree.root.descendants() if (kind := _kind(node))}
    groups = [node for node in _elements(tree) if node.children]
    if len(groups) == 1:  # a plain list: its entries have no fields below them
        groups += [node for node in groups[0].children.values() if node.count > 1]
    scored = [_score(node, evidence, tree.part) for node in groups]
    return sorted(scored, key=lambda found: found[0], reverse=True)


def _named(tree: PathTree, wanted: str, candidates: tuple[Candidate, ...]) -> PathNode:
    """The element at a path, or the only one whose path ends so; else UnreadableFeed."""
    wanted = wanted.strip(tree.separator)
    end = tree.separator + wanted
    found = [node for node in _elements(tree) if node.path == wanted]
    found = found or [node for node in _elements(tree) if node.path.endswith(end)]
    if len(found) == 1:
        return found[0]
    if found:
        paths = ", ".join(node.path for node in found[:SHOWN])
        raise UnreadableFeed(f'The record path "{wanted}" may mean several elements: {paths}.')
    paths = ", ".join(candidate.path for candidate in candidates[:5])
    raise UnreadableFeed(
        f'The record path "{wanted}" does not occur in the feed; it has, likeliest first: {paths}.'
    )


def columns_below(record: PathNode) -> Iterator[str]:
    """The field paths below a record."""
    if record.noted:
        yield "."
    start = len(record.path) + 1
    for node in record.descendants():
        is_group = any(not name.startswith("@") for name in node.children)
        if node.noted or not is_group:
            yield node.path[start:]


def _elements(tree: PathTree) -> Iterator[PathNode]:
    return (node for node in tree.root.descendants() if not node.name.startswith("@"))


def _score(
    node: PathNode, evidence: dict[PathNode, str], part: str
) -> tuple[tuple[bool, float], Candidate]:
    best: dict[str, tuple[float, PathNode]] = {}
    fields = 0
    for distance, leaf in tuple(_leaves(node)) or ((0, node),):
        fields += 1
        kind = evidence.get(leaf)
        if kind is None:
            continue
        weight = WEIGHTS[kind] * NEARNESS**distance * min(1.0, leaf.count / node.count)
        group = leaf.parent if leaf.parent else leaf
        if group.count > OWN * node.count:
            if kind != "price":
                continue
            weight *= NESTED_PRICE
        if weight > best.get(kind, (0.0, leaf))[0]:
            best[kind] = weight, leaf
    total = sum(weight for weight, _ in best.values()) + FIELD_WEIGHT * min(fields, 10)
    words = _words(node.parent.name if node.name == ANY and node.parent else node.name)
    if _PRODUCT.search(words) and best:
        total += PRODUCT_NAME
    elif _PART.search(words):
        total *= PART_NAME
    score = round(total * math.log2(1 + node.count), 2)
    sells = "price" in best and ("code" in best or "name" in best)
    return (sells, score), Candidate(node.path, node.count, score, _reason(node, best, part))


def _reason(node: PathNode, best: dict[str, tuple[float, PathNode]], part: str) -> str:
    start = len(node.path) + 1
    shown = [f"{kind} ({best[kind][1].path[start:] or '.'})" for kind in WEIGHTS if kind in best]
    times = ("once" if node.count == 1 else f"{node.count:,} times") + part
    return f"occurs {times}, with {', '.join(shown)}" if shown else f"occurs {times}"


def _leaves(node: PathNode, distance: int = 0) -> Iterator[tuple[int, PathNode]]:
    """The paths with values below an element, each with the number of levels between."""
    for child in node.children.values():
        if child.noted:
            yield distance, child
        yield from _leaves(child, distance + (not child.name.startswith("@")))


def _kind(leaf: PathNode) -> str | None:
    """What a path's values and name are evidence of, if anything."""
    if not leaf.noted:
        return None
    words = _words(leaf.name)
    values = leaf.samples
    if leaf.name == KEY:
        return "code" if _most(values, lambda value: any(map(str.isdigit, value))) else None
    if _most(values, lambda value: bool(_LINK.match(value))):
        return "link"
    if not _NO_PRICE.search(words):
        called_so = _PRICE.search(words) or _AMOUNT.search(words)
        looks = _NUMBER if called_so else _MONEY
        if _most(values, lambda value: bool(looks.fullmatch(value))):
            return "price"
    if _CODE.search(words):
        short = _most(values, lambda value: len(value) <= 64 and value.count(" ") < 3)
        return "code" if short and len(leaf.distinct) > 0.8 * leaf.noted else None
    if _NAME.search(words) and _most(values, lambda value: any(map(str.isalpha, value))):
        return "name"
    return None


def _most(values: list[str], is_so: Callable[[str], bool]) -> bool:
    return sum(map(is_so, values)) > 0.6 * len(values)


def _words(name: str) -> str:
    """A name's words, folded: `g:priceWithVAT` -> `price with vat`."""
    local = name.rpartition(":")[2]
    split = re.sub(r"(?<=[a-zα-ω0-9])(?=[A-ZΑ-Ω])|[^\w]|_", " ", local)
    folded = unicodedata.normalize("NFKD", split.casefold())
    return "".join(char for char in folded if not unicodedata.combining(char)).strip()
