"""Records of a feed as batches for the catalogue: mapped, folded, normalised."""

from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from imports.mapping import Families, Mapping, column_styles
from imports.mapping_choice import STYLES
from imports.readers import Record
from jobtracker.catalogue.models import DecimalStyle, Supplier
from jobtracker.catalogue.normalise import normalise_record
from jobtracker.catalogue.write import Rejected, Row

BATCH = 1000
STYLE_RECORDS = 2000  # from the start of the feed, from which decimal styles are learnt
RAW_KEPT = 4000  # characters of a source record kept with a failed row


@dataclass
class Batch:
    """Up to `BATCH` records: the rows to write, and those that make no material."""

    rows: list[Row] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    last_number: int = 0

    def __len__(self) -> int:
        return len(self.rows) + len(self.rejected)


class Batches:
    """Turns records into batches. Feed it every record from the first, also after a resume: rows
    of one product lean on the rows before them."""

    def __init__(
        self, mapping: Mapping, supplier: Supplier | None, start: Iterable[Record]
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

    def of(
        self, records: Iterator[Record], *, after: int = 0, only: Container[int] | None = None
    ) -> Iterator[Batch]:
        """Yield the batches of the records whose number is larger than `after` and, where given,
        in `only`."""
        batch = Batch()
        for record in records:
            values = self._mapping.apply(record.fields)
            skip = self._families.fold(values)
            if record.number <= after or (only is not None and record.number not in only):
                continue
            self._add(batch, record, values, skip)
            batch.last_number = record.number
            if len(batch) == BATCH:
                yield batch
                batch = Batch()
        if len(batch):
            yield batch

    def _add(self, batch: Batch, record: Record, values: dict[str, Any], skip: str | None) -> None:
        if record.error:
            remark = {"column": "", "field": "", "raw": "", "reason": record.error, "hint": ""}
            batch.rejected.append(self._rejected(record, "", "f", remark))
            return
        found = normalise_record(values, self._styles, self._mapping.defaults, self._columns)
        if skip:
            remark = {"column": "", "field": "", "raw": "", "reason": skip, "hint": ""}
            batch.rejected.append(self._rejected(record, found.key, "s", remark))
            return
        if found.errors:
            first, *more = found.errors
            batch.rejected.append(self._rejected(record, found.key, "f", first, more))
            return
        warnings = [
            *({"reason": text} for text in record.warnings),
            *found.warnings,
        ]
        batch.rows.append(
            Row(
                record.number,
                record.line,
                found.key,
                found.vals,
                found.provenance | {"row": {"line": record.line}},
                {"warnings": warnings} if warnings else None,
            )
        )

    @staticmethod
    def _rejected(
        record: Record, key: str, outcome: str, remark: dict[str, str], more: Any = ()
    ) -> Rejected:
        detail: dict[str, Any] = remark | {"record": record.raw[:RAW_KEPT]}
        if more:
            detail["more"] = list(more)
        return Rejected(record.number, record.line, key, outcome, detail)
