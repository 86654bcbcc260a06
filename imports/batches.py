"""Records of a feed as batches for the catalogue: mapped, folded, normalised."""

from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from imports.mapping import (
    LONE_PICTURE_ROW,
    PICTURE_ROW,
    BadTransform,
    Families,
    column_styles,
)
from imports.mapping import Mapping as FieldMapping
from imports.mapping_choice import STYLES
from imports.readers import Record
from jobtracker.catalogue.models import DecimalStyle, Supplier
from jobtracker.catalogue.normalise import fingerprinter, key_of, normalise_record
from jobtracker.catalogue.write import Rejected, Row, Seen

BATCH = 1000
STYLE_RECORDS = 2000  # from the start of the feed, from which decimal styles are learnt
HELD = 2500  # rows of one product that share their pictures
RAW_KEPT = 4000  # characters of a source record kept with a failed row


@dataclass(slots=True)
class Mapped:
    """A record with its values by target; `skip` says why it is no product, None if it is one,
    `fault` why its values could not be had."""

    record: Record
    values: dict[str, Any]
    skip: str | None = None
    fault: BadTransform | None = None
    fingerprint: bytes = b""

    @property
    def is_product(self) -> bool:
        return not (self.skip or self.fault or self.record.error)

    def belongs_to(self, first: "Mapped") -> bool:
        """Whether it may be a row of the product that starts with `first`."""
        group = self.values.get("group")
        return self.fault is not None or bool(group and group == first.values.get("group"))


class Batch:
    """Up to `BATCH` records, mapped, and normalised only when their rows are asked for."""

    def __init__(self, normalise: Callable[[Mapped], Row | Rejected]) -> None:
        self._normalise = normalise
        self._records: list[Mapped] = []

    def __len__(self) -> int:
        return len(self._records)

    def add(self, mapped: Mapped) -> None:
        self._records.append(mapped)

    @property
    def last_number(self) -> int:
        return self._records[-1].record.number

    def seen(self) -> list[Seen]:
        """Return the records that may be known already: with a key at sight, and no other's."""
        found = [
            Seen(record.number, record.line, key, mapped.fingerprint)
            for mapped in self._records
            if not (mapped.skip or (record := mapped.record).error or record.warnings)
            and (key := key_of(mapped.values))
        ]
        times = Counter(each.key for each in found)
        return [each for each in found if times[each.key] == 1]

    def rows(self, known: Container[int] = ()) -> tuple[list[Row], list[Rejected]]:
        """Return what the records are whose number is not in `known`: rows to write, and records
        that make no material."""
        rows: list[Row] = []
        rejected: list[Rejected] = []
        for mapped in self._records:
            if mapped.record.number not in known:
                found = self._normalise(mapped)
                if isinstance(found, Row):
                    rows.append(found)
                else:
                    rejected.append(found)
        return rows, rejected


class Batches:
    """Turns records into batches. Feed it every record from the first, also after a resume: rows
    of one product lean on the rows before them."""

    def __init__(
        self, mapping: FieldMapping, supplier: Supplier | None, start: Iterable[Record]
    ) -> None:
        """Learn the decimal styles from the `start` of the feed. That is read apart from the
        records: to keep it for them would take as much memory as two batches."""
        self._mapping = mapping
        self._columns = mapping.columns
        self._families = Families()
        style = STYLES.get(DecimalStyle(supplier.decimal_style)) if supplier else None
        self._styles: dict[str, Any] = {"price": style, "stock": style} if style else {}
        head = islice(start, STYLE_RECORDS)
        self._styles |= column_styles(mapping, (record.fields for record in head))
        self._fingerprint = fingerprinter(self._styles, mapping.defaults)

    def of(
        self, records: Iterator[Record], *, after: int = 0, only: Container[int] | None = None
    ) -> Iterator[Batch]:
        """Yield the batches of the records whose number is larger than `after` and, where given,
        in `only`."""
        batch = Batch(self._normalise)
        for mapped in self._mapped(records):
            record = mapped.record
            if record.number <= after or (only is not None and record.number not in only):
                continue
            batch.add(mapped)
            if len(batch) == BATCH:
                yield batch
                batch = Batch(self._normalise)
        if len(batch):
            yield batch

    def _mapped(self, records: Iterable[Record]) -> Iterator[Mapped]:
        """Map the records. The rows of a product are held until all its pictures are known."""
        held: list[Mapped] = []
        for record in records:
            mapped = self._read(record)
            if held and not (mapped.belongs_to(held[0]) and len(held) < HELD):
                yield from self._finished(held)
                held = []
            held.append(mapped)
        yield from self._finished(held)

    def _read(self, record: Record) -> Mapped:
        try:
            values = self._mapping.apply(record.fields)
        except BadTransform as fault:
            if record.skip:
                return Mapped(record, {}, record.skip)
            return Mapped(record, {}, fault=fault)
        skip = self._families.fold(values)
        return Mapped(record, values, record.skip or skip)

    def _finished(self, held: list[Mapped]) -> list[Mapped]:
        if any(each.skip == PICTURE_ROW for each in held):
            _share_pictures(held)
        for each in held:
            if not each.fault:
                each.fingerprint = self._fingerprint(each.values)
        return held

    def _normalise(self, mapped: Mapped) -> Row | Rejected:
        record = mapped.record
        if record.error:
            return self._rejected(record, "", "f", _remark(record.error))
        if mapped.fault:
            return self._rejected(record, "", "f", mapped.fault.remark)
        found = normalise_record(mapped.values, self._styles, self._mapping.defaults, self._columns)
        if mapped.skip:
            return self._rejected(record, found.key, "s", _remark(mapped.skip))
        if found.errors:
            first, *more = found.errors
            return self._rejected(record, found.key, "f", first, more)
        if "name" in self._columns and "name" not in found.vals:
            found.warn("name", "", "there is no name", "A person can name the product on its page.")
        for target, raw in self._mapping.raws(record.fields).items():
            if target in found.provenance:
                found.provenance[target] |= {"raw": raw, "method": "transformed"}
        warnings = [
            *({"reason": text} for text in record.warnings),
            *found.warnings,
        ]
        return Row(
            record.number,
            record.line,
            found.key,
            found.vals,
            found.provenance | {"row": {"line": record.line}},
            {"warnings": warnings} if warnings else None,
            # Warnings are said of each run, so what has some is read each time.
            None if warnings else mapped.fingerprint,
        )

    @staticmethod
    def _rejected(
        record: Record, key: str, outcome: str, remark: Mapping[str, str], more: Any = ()
    ) -> Rejected:
        detail: dict[str, Any] = {**remark, "record": record.raw[:RAW_KEPT]}
        if more:
            detail["more"] = list(more)
        if record.only_in:
            detail["only_in"] = record.only_in
        return Rejected(record.number, record.line, key, outcome, detail)


def _share_pictures(rows: list[Mapped]) -> None:
    """Give the products among the rows of one the pictures that have rows of their own."""
    pictured = [each for each in rows if each.skip == PICTURE_ROW]
    products = [each for each in rows if each.is_product]
    if not products:
        for each in pictured:
            each.skip = LONE_PICTURE_ROW
        return
    pictures = [picture for each in pictured for picture in each.values["images"]]
    for each in products:
        own = each.values.get("images", ())
        each.values["images"] = list(dict.fromkeys([*own, *pictures]))


def _remark(reason: str) -> dict[str, str]:
    return {"column": "", "field": "", "raw": "", "reason": reason, "hint": ""}
