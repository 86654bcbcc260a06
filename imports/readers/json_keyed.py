"""Objects whose entries are records: `{"A1": {...}, "A2": {...}}` is a list with a key for each.

What tells them from objects with fields: all entries are objects, most of them have most of the
names that any has, hardly a key comes twice, and none is what a field of a product is called. In
a tree of paths their entries are gathered under one name, `ANY`.
"""

from .model import KEY
from .record_path import ANY, PathNode, PathTree, is_field_name

LIKE = 0.6  # of all the names in the entries are in each, on average
TIMES = 1.5  # that a key occurs at most, on average
LOOKED_AT = 32  # entries after which it is settled while the document is still read


def entry_of(node: PathNode) -> PathNode | None:
    """The node that stands for all entries of a keyed object; None for another one."""
    entry = node.children.get(ANY)
    return entry if entry is not None and KEY in entry.children else None


def gather(tree: PathTree, lists: set[PathNode], wanted: str | None) -> None:
    """Gather the entries of the keyed objects of a document, from the outermost in, and of those
    that the path `wanted` takes for keyed. `lists` are the nodes that are lists."""
    waiting = [tree.root]
    while waiting:
        node = waiting.pop()
        gathered = entry_of(node) is not None and len(node.children) == 1
        if not gathered and (_is_stated(node, wanted) or is_keyed(node, lists)):
            tree.gather(node)
        waiting += node.children.values()


def is_keyed(node: PathNode, lists: set[PathNode]) -> bool:
    """Whether the children of a node are records under their keys."""
    if entry_of(node):
        return True
    children = node.children.values()
    entries = [child for child in children if child.children]
    if len(entries) < 2 or any(child.noted or child in lists for child in children):
        return False
    if sum(child.count for child in children) > TIMES * len(children):
        return False
    names = {name for entry in entries for name in entry.children}
    alike = sum(len(entry.children) for entry in entries) / (len(entries) * len(names))
    return alike >= LIKE and not any(map(is_field_name, node.children))


def _is_stated(node: PathNode, wanted: str | None) -> bool:
    """Whether a path that a person stated has any name below the node: `$.a.*`, or its end."""
    if not wanted or ANY not in wanted:
        return False
    parts = wanted.split(".")
    before = (".".join(parts[:at]) for at, part in enumerate(parts) if part == ANY)
    return any(path and f".{node.path}".endswith(f".{path}") for path in before)
