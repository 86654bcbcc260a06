"""XML feeds, record by record, without ever holding the document.

The parser builds a tree as it goes; what has ended is taken out of it after each piece of the
file, inside the record path and outside, so memory depends on the largest record only. It
reports nothing but the records: an event an element would double the time. Nothing outside the
file is ever loaded, and libxml2's own limits (entity amplification, depth, text of 10 MB) stay
switched on.
"""

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

from lxml import etree

from . import xml_repair
from .detect import HEAD_BYTES, bom_encoding, unmarked_utf16
from .encoding import checked_codec, detect_encoding
from .model import Inspection, MalformedXml, Record, Source, UnreadableFeed
from .record_path import PathTree, choose, columns_below, is_sure
from .xml_record import MAX_DEPTH, Names, fields_of, line_of, too_deep
from .xml_repair import Repairs

PIECE_BYTES = 65_536  # parsed at a time
LOOKED_AT = 128  # pieces, 8 MB, from which the record is chosen if they leave no doubt
MAX_RECORD_ELEMENTS = 100_000  # a record beyond this is a container taken for a record
TAIL_BYTES = 4096  # where the end of the document is looked for

_OPTIONS: dict[str, Any] = {
    "resolve_entities": "internal",
    "no_network": True,
    "load_dtd": False,
    "huge_tree": False,
    "remove_comments": True,
    "remove_pis": True,
}

_DECLARED = re.compile(rb"""<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z0-9._:-]+)["']""")
_ROOT = re.compile(rb"<[A-Za-z_:\x80-\xff]")
_COMMENTS = re.compile(rb"<!--.*?(-->|\Z)|<\?.*?(\?>|\Z)", re.DOTALL)
_POSITION = re.compile(r", line \d+, column \d+$")

_UNCLOSED = re.compile(r"Premature end of data in tag (\S+) line (\d+)")
_STRAY_AMPERSAND = "xmlParseEntityRef: no name"
_MISMATCH = re.compile(r"Opening and ending tag mismatch: (\S+) line (\d+) and (\S+)")
_UNDEFINED = re.compile(r"Entity '(.+)' not defined")
_NOT_MENDED = (
    "ERR_RESOURCE_LIMIT", "ERR_ENTITY_LOOP", "ERR_NO_MEMORY", "ERR_INTERNAL_ERROR",
    "ERR_CDATA_NOT_FINISHED", "ERR_COMMENT_NOT_FINISHED", "ERR_PI_NOT_FINISHED",
)  # fmt: skip
_BOMB = re.compile(r"amplification|entity reference loop|entity loop", re.IGNORECASE)


def inspect(
    path: Path,
    *,
    encoding: str | None,
    delimiter: str | None,
    record: str | None,
    repair: bool = False,
) -> Inspection:
    """Read the document for its paths, a large one only until its record is sure, and choose
    among them. To `repair` it is to read all of it; what was mended is told in the warnings."""
    if delimiter:
        raise UnreadableFeed("The file is XML: a delimiter can only be given for CSV.")
    codec = checked_codec(path, encoding) if encoding else stated_encoding(path)
    repairs = Repairs() if repair else None
    tree = _paths(path, codec, repairs, to_the_end=repair or record is not None)
    nothing = "The XML holds no record: no element has fields below it."
    chosen, candidates, warnings = choose(tree, record, nothing)
    source = Source("xml", codec, record_path=chosen.path)
    if repairs and repairs.faults:
        xml_repair.check(path, codec, tree, chosen, repairs)
        source = replace(source, repair=True, mended=repairs.mended)
        warnings += repairs.told()
    return Inspection(source, candidates, tuple(columns_below(chosen)), warnings)


def read(path: Path, source: Source) -> Iterator[Record]:
    """The elements at the record path, each with its fields flattened, and a warning where it was
    mended."""
    records = _read(path, source)
    return xml_repair.told_of(records, source.mended) if source.mended else records


def _read(path: Path, source: Source) -> Iterator[Record]:
    names = Names()
    for number, element in enumerate(_records(path, source, names), 1):
        raw = etree.tostring(element, encoding="unicode", with_tail=False)
        yield Record(number, line_of(element), fields_of(element, names), raw)


def count(path: Path, source: Source) -> Iterator[int]:
    """The number of each record, with nothing made of it: a third of the time of `read`."""
    for number, _ in enumerate(_records(path, source, Names()), 1):
        yield number


def around(path: Path, source: Source) -> tuple[str, str]:
    """What stands in the document before its first record and after it, all records left out.
    It is held in memory."""
    assert source.record_path, "an XML source is read by its record path"
    wanted = source.record_path.split("/")
    if len(wanted) == 1:
        return "", ""
    override = None if source.encoding == (_self_stated(path) or "utf-8") else source.encoding
    names, at = Names(), []
    first: Any = None
    ended: Any = None
    events = etree.iterparse(
        path,
        events=("start-ns", "start", "end"),
        encoding=override,
        recover=source.repair,
        **_OPTIONS,
    )
    for event, element in events:
        if event == "start-ns":
            names.declare(*element)
        elif event == "start":
            at.append(names.element(element))
        else:
            if at == wanted:
                element.clear(keep_tail=True)
                # What just ended must stay until the parser has left it.
                if ended is not None and ended is not first:
                    ended.getparent().remove(ended)
                ended = element
                first = element if first is None else first
            at.pop()
    if ended is not first:
        ended.getparent().remove(ended)
    place = etree.Comment(uuid4().hex)
    place.tail = first.tail
    first.getparent().replace(first, place)
    before, _, after = etree.tostring(events.root.getroottree(), encoding="unicode").partition(
        f"<!--{place.text}-->"
    )
    return before, after


def stated_encoding(path: Path) -> str:
    """The encoding by mark or XML declaration, else as for any text."""
    return _self_stated(path) or detect_encoding(path)


def _self_stated(path: Path) -> str | None:
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    marked = bom_encoding(head) or unmarked_utf16(head)
    declared = _DECLARED.match(head)
    return marked or (declared.group(1).decode().lower() if declared else None)


def _paths(path: Path, codec: str, repairs: Repairs | None, *, to_the_end: bool) -> PathTree:
    """The distinct paths of a document, with counts and a few values of each."""
    names = Names()
    tree = PathTree()
    above = [tree.root]
    look = LOOKED_AT
    pieces = _pieces(path, codec, repairs, events=("start-ns", "start", "end"))
    for number, parser in enumerate(pieces, 1):
        for event, element in parser.read_events():
            if event == "start":
                node = tree.child(above[-1], names.element(element))
                node.count += 1
                for key, value in element.items():
                    attribute = tree.child(node, names.attribute(key))
                    attribute.count += 1
                    attribute.note(value)
                above.append(node)
                if len(above) > MAX_DEPTH:
                    raise too_deep(element)
            elif event == "end":
                node = above.pop()
                if element.text:
                    node.note(element.text)
                _discard(element)
            else:
                names.declare(*element)
        if number == look and not to_the_end:
            look *= 2
            if is_sure(tree):
                tree.part = f" in the first {number * PIECE_BYTES / 1e6:.0f} MB"
                break
    return tree


def _records(path: Path, source: Source, names: Names) -> Iterator[Any]:
    """The elements at the record path, whole. One is gone some time after the next is taken."""
    if not source.record_path:
        raise ValueError("an XML source is read by its record path")
    wanted = source.record_path.split("/")
    tags = {"{*}" + name.rpartition(":")[2] for name in (wanted[0], wanted[-1])}
    root: Any = None
    repairs = Repairs() if source.repair else None
    events = ("start-ns", "start", "end")
    pieces = _pieces(path, source.encoding, repairs, events=events, tag=tags)
    for parser in pieces:
        for event, element in parser.read_events():
            if event == "end":
                if _is_at(element, wanted, names):
                    yield element
            elif event == "start-ns":
                names.declare(*element)
            elif root is None:
                root = element
        if root is not None:
            _free(root, wanted, names)


def _is_at(element: Any, wanted: list[str], names: Names) -> bool:
    """Whether the names from the root to an element are the wanted ones."""
    for name in reversed(wanted):
        if element is None or names.element(element) != name:
            return False
        element = element.getparent()
    return element is None


def _free(element: Any, wanted: list[str], names: Names) -> None:
    """Free what has ended, from the root down to what is open, but nothing of a record.

    Raises UnreadableFeed for a record that is too large to be one.
    """
    depth, on_the_way = 0, True
    while True:
        on_the_way = on_the_way and names.element(element) == wanted[depth]
        depth += 1
        if on_the_way and depth == len(wanted):
            break
        del element[:-1]
        if not len(element):
            return
        element = element[-1]
    if sum(1 for _ in element.iter()) > MAX_RECORD_ELEMENTS:
        raise UnreadableFeed(
            f"The {'/'.join(wanted)} that starts on line {line_of(element)} has more "
            f"than {MAX_RECORD_ELEMENTS:,} elements: it is not a single record."
        )


def _pieces(path: Path, codec: str, repairs: Repairs | None, **wanted: Any) -> Iterator[Any]:
    """The pull parser after each piece of a document, with new events to read; raises
    UnreadableFeed where the document is broken. With `repairs` it goes on behind what can be
    mended, and notes it there at the end."""
    override = None if codec == (_self_stated(path) or "utf-8") else codec
    try:
        parser = etree.XMLPullParser(
            encoding=override, recover=repairs is not None, **_OPTIONS, **wanted
        )
    except LookupError as error:
        raise UnreadableFeed(f'XML cannot be read in the encoding "{codec}".') from error
    _check_entities(path, override, plain=repairs is not None)
    broken: etree.XMLSyntaxError | None = None
    with path.open("rb") as file:
        while broken is None and (piece := file.read(PIECE_BYTES)):
            try:
                parser.feed(piece)
            except etree.XMLSyntaxError as error:
                broken = error
            yield parser
        at_end = file.read(1) == b""
    if broken is None:
        try:
            parser.close()
        except etree.XMLSyntaxError as error:
            broken = error
        yield parser
    if repairs:
        repairs.note(parser.feed_error_log)
    faults = repairs.faults if repairs else []
    cut_off = at_end and bool(broken or faults) and not _closes(path, override)
    if broken is not None:
        sentence = _sentence(*broken.position, str(broken.msg), cut_off=cut_off)
        mendable = not cut_off and not _BOMB.search(str(broken.msg))
        raise (MalformedXml if mendable else UnreadableFeed)(sentence) from broken
    for fault in faults[-1:] if cut_off else faults:
        if cut_off or fault.kind in _NOT_MENDED or _BOMB.search(fault.message):
            raise UnreadableFeed(
                _sentence(fault.line, fault.column, fault.message, cut_off=cut_off)
            )


def _check_entities(path: Path, encoding: str | None, *, plain: bool) -> None:
    """Refuse entities that hold elements, before any text is read that may use them: libxml2 frees
    such elements while lxml still has hold of them, and others it never tells of. In a document
    that is mended, where a bomb may go untold, they must be `plain` text without others in it.

    Fed byte by byte, up to the root element, so that nothing behind it is read too.
    """
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES).replace(b"\0", b"")  # UTF-16 as well
        if b"<!DOCTYPE" not in head and _ROOT.search(_COMMENTS.sub(b"", head)):
            return
        file.seek(0)
        parser = etree.XMLPullParser(events=("start",), encoding=encoding, **_OPTIONS)
        with suppress(etree.XMLSyntaxError):  # which is told of by who reads on
            while byte := file.read(1):
                parser.feed(byte)
                root: Any
                for _, root in parser.read_events():
                    dtd = root.getroottree().docinfo.internalDTD
                    for entity in dtd.iterentities() if dtd is not None else ():
                        if "<" in (entity.content or ""):
                            raise UnreadableFeed(
                                f"The XML is refused: its entity {entity.name} (line "
                                f"{line_of(root)} or before) holds elements, not text."
                            )
                        if plain and "&" in (entity.content or ""):
                            raise UnreadableFeed(
                                f"The XML cannot be repaired: its entity {entity.name} is made of"
                                " others, and may expand without limit."
                            )
                    return


def _closes(path: Path, encoding: str | None) -> bool:
    """Whether the end tag of the root element stands in the last bytes of a file."""
    name = b""
    with path.open("rb") as file:
        with suppress(etree.XMLSyntaxError):
            started = etree.iterparse(file, events=("start",), encoding=encoding, **_OPTIONS)
            name = next(started)[1].tag.rpartition("}")[2].encode()
        file.seek(max(0, path.stat().st_size - TAIL_BYTES))
        tail = file.read().replace(b"\0", b"")  # UTF-16 as well
    return re.search(rb"</([^\s>:]+:)?" + re.escape(name) + rb"\s*>", tail) is not None


def _sentence(line: int, column: int, message: str, *, cut_off: bool) -> str:
    message = _POSITION.sub("", message).partition("\n")[0].strip()  # the text at hand follows
    if _BOMB.search(message):
        return "The XML is refused: its entities expand without limit (an entity bomb)."
    if undefined := _UNDEFINED.search(message):
        message = (
            f"the entity {undefined.group(1)} is not defined in the file itself, "
            "and nothing outside it is loaded"
        )
    elif message == _STRAY_AMPERSAND:
        message = "an & that begins no entity; it must be written &amp;"
    elif mismatch := _MISMATCH.search(message):
        message = "<{}> from line {} is closed by </{}>".format(*mismatch.groups())
    elif unclosed := _UNCLOSED.search(message):
        message = f"<{unclosed.group(1)}> from line {unclosed.group(2)} is never closed"
    state = "cut off" if cut_off else "malformed"
    return f"The XML is {state} at line {line}, column {column}: {message}."


def _discard(element: Any) -> None:
    """Free an element that has ended, and what stands before it.

    The element itself stays until its successor ends: the parser still hangs its tail on it.
    """
    element.clear(keep_tail=True)
    parent = element.getparent()
    if parent is not None:
        while element.getprevious() is not None:
            del parent[0]
