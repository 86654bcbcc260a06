"""Steps on the values of one field, alone or beside other fields of the record."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from imports.mapping.expression import Expression
from jobtracker.catalogue.normalise import (
    BadValue,
    is_ambiguous,
    is_empty,
    parse_number,
    plain_text,
)

from .base import BadTransform, Fields, Step, StepError, need, texts

_PLACES = Decimal("0.000001")


@dataclass(frozen=True)
class Constant(Step):
    """The same `value` for every record, whatever the field holds."""

    DO = "constant"

    value: str

    def __post_init__(self) -> None:
        if is_empty(self.value):
            raise StepError("the constant is empty")

    def apply(self, values: list[str], record: Fields) -> list[str]:
        return [self.value]


@dataclass(frozen=True)
class Split(Step):
    """Cut each value at every `by`; blanks around the parts and empty parts go."""

    DO = "split"

    by: str

    def __post_init__(self) -> None:
        need(self.by, "by")

    def apply(self, values: list[str], record: Fields) -> list[str]:
        return [text for value in values for part in value.split(self.by) if (text := part.strip())]


@dataclass(frozen=True)
class Take(Step):
    """Keep one of several values: `part` 1 is the first, -1 the last."""

    DO = "take"

    part: int

    def __post_init__(self) -> None:
        if not self.part:
            raise StepError('"part" counts from 1, or from -1 backwards')

    def apply(self, values: list[str], record: Fields) -> list[str]:
        at = self.part - 1 if self.part > 0 else self.part
        return [values[at]] if -len(values) <= at < len(values) else []


@dataclass(frozen=True)
class Join(Step):
    """Put the values of this field and of other `fields` into one, with `by` between them."""

    DO = "join"

    REFERS = ("fields",)

    by: str
    fields: tuple[str, ...] = ()

    def apply(self, values: list[str], record: Fields) -> list[str]:
        found = [*values, *(text for source in self.fields for text in texts(record, source))]
        filled = [value for value in found if not is_empty(value)]
        return [self.by.join(filled)] if filled else []


@dataclass(frozen=True)
class First(Step):
    """The first of `fields` that holds anything, where this field is empty."""

    DO = "first"

    REFERS = ("fields",)

    fields: tuple[str, ...]

    def apply(self, values: list[str], record: Fields) -> list[str]:
        for found in (values, *(texts(record, source) for source in self.fields)):
            if not all(map(is_empty, found)):
                return found
        return []


@dataclass(frozen=True)
class Replace(Step):
    """Whole values by a `table`, without regard to case and outer blanks.

    A value that the table lacks stays; with `otherwise` it becomes that, with "" it goes.
    """

    DO = "replace"

    table: dict[str, str]
    otherwise: str | None = None
    _known: dict[str, str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        folded = {_folded(value): new for value, new in self.table.items()}
        object.__setattr__(self, "_known", folded)

    def apply(self, values: list[str], record: Fields) -> list[str]:
        found = (
            self._known.get(_folded(value), value if self.otherwise is None else self.otherwise)
            for value in values
            if not is_empty(value)
        )
        return [value for value in found if value]


@dataclass(frozen=True)
class DecimalMark(Step):
    """Say which `mark` ("." or ",") stands before the decimals of this field's numbers."""

    DO = "decimal"

    mark: str

    def __post_init__(self) -> None:
        if self.mark not in (".", ","):
            raise StepError('"mark" is either "." or ","')

    def apply(self, values: list[str], record: Fields) -> list[str]:
        return values


@dataclass(frozen=True)
class Unit(Step):
    """Put the `unit` behind numbers that have none: "60" is "60 cm"."""

    DO = "unit"

    unit: str

    def __post_init__(self) -> None:
        need(self.unit, "unit")

    def apply(self, values: list[str], record: Fields) -> list[str]:
        return [value if has_unit(value) else f"{value.strip()} {self.unit}" for value in values]


@dataclass(frozen=True)
class Html(Step):
    """Make plain text of markup."""

    DO = "html"

    def apply(self, values: list[str], record: Fields) -> list[str]:
        return [text for value in values if (text := plain_text(value))]


@dataclass(frozen=True)
class Regex(Step):
    r"""Put `put` ("\1" is the first group) for each place that the expression `find` matches.

    Matching a value may take `expression.LIMIT` seconds; a row that needs more fails.
    """

    DO = "regex"

    find: str
    put: str = ""
    _expression: Expression = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        try:
            expression = Expression(self.find, self.put)
        except ValueError as error:
            raise StepError(str(error)) from error
        object.__setattr__(self, "_expression", expression)

    def apply(self, values: list[str], record: Fields) -> list[str]:
        found: list[str] = []
        for value in values:
            try:
                text = self._expression.replaced(value)
            except TimeoutError as error:
                reason = f"the expression {self.find} takes too long on this value"
                raise BadTransform(reason, "Write it without nested repeats", value) from error
            if text:
                found.append(text)
        return found


@dataclass(frozen=True)
class Prefix(Step):
    """Put `text` before values that do not start with it and are no whole address."""

    DO = "prefix"

    text: str

    def __post_init__(self) -> None:
        need(self.text, "text")

    def apply(self, values: list[str], record: Fields) -> list[str]:
        return below(self.text, values)


@dataclass(frozen=True)
class Where(Step):
    """Keep the values whose partner in `field` starts with one of `starts`, in that order.

    For a price of several types, or the pictures among several files. "" stands for any other.
    Values without partners stay.
    """

    DO = "where"

    REFERS = ("field",)

    field: str
    starts: tuple[str, ...]

    def apply(self, values: list[str], record: Fields) -> list[str]:
        partners = texts(record, self.field)
        if len(partners) != len(values):
            return values
        ranked = [
            (rank, value)
            for value, partner in zip(values, partners, strict=True)
            if (rank := self._rank(partner.strip().lower())) is not None
        ]
        return [value for _, value in sorted(ranked, key=lambda each: each[0])]

    def _rank(self, partner: str) -> int | None:
        ranks = (rank for rank, start in enumerate(self.starts) if partner.startswith(start))
        return next(ranks, None)


@dataclass(frozen=True)
class Divide(Step):
    """Divide a price by the quantity in `field` that it is for: 1499 for 100 is 14.99."""

    DO = "divide"

    REFERS = ("field",)

    field: str

    def apply(self, values: list[str], record: Fields) -> list[str]:
        quantities = [text for text in texts(record, self.field) if not is_empty(text)]
        if not quantities or all(text.strip() in ("1", "1.0", "1.00") for text in quantities):
            return values
        if len(quantities) != len(values):
            if len(set(quantities)) > 1:
                reason = "several quantities for which a price may be"
                raise BadTransform(reason, "", ", ".join(quantities))
            quantities = quantities[:1] * len(values)
        return [_quotient(*each) for each in zip(values, quantities, strict=True)]


@dataclass(frozen=True)
class Path(Step):
    """The steps of a path such as "Home/Floors/Tiles", cut at `by`.

    Of several paths (several values, or parts between `of`) the deepest counts. First steps that
    `drop` names (the shop, its root) go.
    """

    DO = "path"

    by: str
    of: str = ""
    drop: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        need(self.by, "by")

    def apply(self, values: list[str], record: Fields) -> list[str]:
        parts = [
            part for value in values for part in (value.split(self.of) if self.of else [value])
        ]
        paths = [[step for cut in part.split(self.by) if (step := cut.strip())] for part in parts]
        deepest = max(paths, key=len, default=[])
        while deepest and deepest[0] in self.drop:
            deepest = deepest[1:]
        return deepest


def below(root: str, values: list[str]) -> list[str]:
    """Values with `root` before them, but for whole addresses."""

    def whole(value: str) -> bool:
        return value.startswith((root, "http://", "https://", "//")) or is_empty(value)

    return [value if whole(value) else root + value.lstrip("/") for value in values]


def _folded(text: str) -> str:
    return text.strip().casefold()


def has_unit(value: str) -> bool:
    """Whether anything but a number and an x stands in a value."""
    return any(
        (character.isalpha() and character not in "xX") or character in "\"'" for character in value
    )


def _quotient(value: str, quantity: str) -> str:
    if is_empty(value):
        return value
    hint = "Both must be plain numbers"
    if "," in value and is_ambiguous(value.strip()):
        raise BadTransform("thousands, or three decimals, of a price to divide", hint, value)
    try:
        exact = Decimal(parse_number(value)) / Decimal(parse_number(quantity))
        rounded = exact.quantize(_PLACES)
    except (BadValue, ArithmeticError) as error:
        reason = f"a price for a quantity of {quantity} that cannot be divided by it"
        raise BadTransform(reason, hint, value) from error
    return f"{rounded:f}".rstrip("0").rstrip(".")
