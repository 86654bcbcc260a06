"""The steps of a field as a form asks for them: in plain words, one input a setting.

A step that a form cannot show without loss, or that only formats bring with them, is kept as it is.
"""

from __future__ import annotations

import json
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass, replace
from typing import Any, Literal

from .expression import LIMIT
from .steps import STEPS, StepError, step_of

Kind = Literal["text", "number", "choice", "field", "fields", "table", "lines"]
KEEP, DROP, PUT = "", "drop", "put"
MOST_FIELDS = 20  # that a step looks at beside its own
_SHOWN_SIGNS = (("\n", "\\n"), ("\t", "\\t"))


@dataclass(frozen=True)
class Setting:
    """One setting of a step. `choices` are (value, label)."""

    name: str
    label: str
    kind: Kind = "text"
    hint: str = ""
    choices: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Form:
    """What a kind of step is called, and asks for."""

    label: str
    settings: tuple[Setting, ...] = ()


FORMS: dict[str, Form] = {
    "replace": Form(
        "Replace values",
        (
            Setting("table", "One a line, as grau = grey", "table"),
            Setting(
                "otherwise",
                "All other values",
                "choice",
                choices=((KEEP, "stay as they are"), (DROP, "are left out"), (PUT, "become")),
            ),
            Setting("put", "become", hint="where all others become the same"),
        ),
    ),
    "split": Form("Cut into parts", (Setting("by", "Cut at"),)),
    "take": Form(
        "Keep one part", (Setting("part", "Which", "number", "1 the first, -1 the last"),)
    ),
    "join": Form(
        "Put together with other fields",
        (Setting("by", "With this between them"), Setting("fields", "Then the field", "fields")),
    ),
    "first": Form(
        "Where it is empty, take another field", (Setting("fields", "Take the field", "fields"),)
    ),
    "constant": Form("Always the same value", (Setting("value", "Value"),)),
    "decimal": Form(
        "Say which mark stands before the decimals",
        (
            Setting(
                "mark",
                "Written as",
                "choice",
                choices=((",", "1.234,50 (comma)"), (".", "1,234.50 (point)")),
            ),
        ),
    ),
    "unit": Form("Add the unit where none is written", (Setting("unit", "Unit", hint="as cm"),)),
    "html": Form("Make plain text of HTML"),
    "regex": Form(
        "Find and replace by a pattern",
        (
            Setting("find", "Find", hint=f"a regular expression, given {LIMIT} s a value"),
            Setting("put", "Put instead", hint="\\1 is its first group"),
        ),
    ),
    "prefix": Form("Put before addresses that are not whole", (Setting("text", "Put before"),)),
    "divide": Form("Divide by a quantity", (Setting("field", "Quantity in the field", "field"),)),
    "where": Form(
        "Keep only some of several values",
        (
            Setting("field", "Whose kind is in the field", "field"),
            Setting("starts", "Kinds to keep, one a line", "lines", "by how they start"),
        ),
    ),
    "path": Form(
        "Cut a category path",
        (
            Setting("by", "Between the steps"),
            Setting("of", "Between several paths", hint="the deepest counts"),
            Setting("drop", "First steps to leave out, one a line", "lines"),
        ),
    ),
}


@dataclass(frozen=True)
class Input:
    """A setting with the name of its input and what it holds."""

    setting: Setting
    name: str
    value: str


@dataclass(frozen=True)
class FilledStep:
    """A step as a form holds it: `values` by the end of an input's name; `kept` is the JSON of one
    that the form does not show. `prefix` begins the names of its inputs."""

    do: str
    values: dict[str, str]
    kept: str = ""
    prefix: str = ""
    wrong: str = ""

    @property
    def label(self) -> str:
        return FORMS[self.do].label if not self.kept else f"As the format says ({self.do})"

    @property
    def inputs(self) -> list[Input]:
        """The inputs of its settings; one of several fields has an input more than it is filled
        with."""
        found = []
        for setting in () if self.kept else FORMS[self.do].settings:
            names = [setting.name]
            if setting.kind == "fields":
                names = [f"{setting.name}-{n}" for n in range(len(self._fields(setting)) + 1)]
            found += [
                Input(setting, f"{self.prefix}-{name}", self.values.get(name, "")) for name in names
            ]
        return found

    @property
    def form(self) -> dict[str, str]:
        """All its inputs as they are posted."""
        held = {each.name: each.value for each in self.inputs}
        if self.kept:
            held[f"{self.prefix}-kept"] = self.kept
        return {f"{self.prefix}-do": self.do} | held

    def step(self) -> dict[str, Any]:
        """The step as JSON. Raises StepError in words for who fills in the form."""
        data: dict[str, Any]
        if self.kept:
            data = _storable(json.loads(self.kept))
        else:
            data = {"do": self.do}
            for setting in FORMS[self.do].settings:
                data |= self._read(setting)
        return step_of(data).to_json()

    def _read(self, setting: Setting) -> dict[str, Any]:
        text = self.values.get(setting.name, "")
        if (self.do, setting.name) == ("replace", "put"):
            return {}  # part of what `otherwise` says
        if (self.do, setting.name) == ("replace", "otherwise"):
            if text == PUT and not self.values.get("put"):
                raise StepError("say what all other values become")
            return {DROP: {"otherwise": ""}, PUT: {"otherwise": self.values.get("put", "")}}.get(
                text, {}
            )
        match setting.kind:
            case "number":
                try:
                    return {setting.name: int(text)}
                except ValueError:
                    raise StepError(f"“{text}” is no whole number") from None
            case "fields":
                fields = self._fields(setting)
                if not fields and self.do == "first":
                    raise StepError("choose a field")
                return {setting.name: fields}
            case "field":
                if not text:
                    raise StepError("choose a field")
                return {setting.name: text}
            case "table":
                return {setting.name: _table(text)}
            case "lines":
                return {setting.name: [each.strip() for each in text.splitlines() if each.strip()]}
        if self.do != "regex":
            for sign, shown in _SHOWN_SIGNS:
                text = text.replace(shown, sign)
        if (
            not text
            and setting.name in ("by", "unit", "text", "find", "value")
            and (self.do != "join")
        ):
            raise StepError(f"“{setting.label}” is empty")
        return {setting.name: text}

    def _fields(self, setting: Setting) -> list[str]:
        names = (f"{setting.name}-{number}" for number in range(MOST_FIELDS))
        return [value for name in names if (value := self.values.get(name))]


def filled(step: MappingOf[str, Any], prefix: str = "") -> FilledStep:
    """Return the form of a step given as JSON."""
    do = str(step["do"])
    shown = FilledStep(do, _values(step), prefix=prefix)
    if do in FORMS:
        try:
            if shown.step() == step_of(dict(step)).to_json():
                return shown
        except StepError:
            pass
    return FilledStep(do, {}, kept=json.dumps(step, ensure_ascii=False), prefix=prefix)


def new_step(do: str) -> FilledStep:
    """Return a step to be filled in."""
    chosen = {each.name: each.choices[0][0] for each in FORMS[do].settings if each.choices}
    return FilledStep(do, chosen)


def posted(form: MappingOf[str, str], prefix: str) -> FilledStep | None:
    """Return the step whose inputs begin with `prefix`, None where the form has no such."""
    do = form.get(f"{prefix}-do", "")
    kept = form.get(f"{prefix}-kept", "")
    if do not in (STEPS if kept else FORMS):
        return None
    values: dict[str, str] = {}
    for setting in () if kept else FORMS[do].settings:
        names = [setting.name]
        if setting.kind == "fields":
            names = [f"{setting.name}-{number}" for number in range(MOST_FIELDS)]
        for name in names:
            if (given := form.get(f"{prefix}-{name}")) is None:
                break
            values[name] = given
    return FilledStep(do, values, kept, prefix)


def checked(step: FilledStep) -> FilledStep:
    """Return the step with what is wrong with it, if anything is."""
    try:
        step.step()
    except StepError as error:
        return replace(step, wrong=f"{error}.")
    except (ValueError, RecursionError):  # what was kept is no JSON
        return replace(step, wrong="This step cannot be read.")
    return step


def _values(step: MappingOf[str, Any]) -> dict[str, str]:
    values: dict[str, str] = {}
    for name, value in step.items():
        if name == "do":
            continue
        if isinstance(value, dict):
            values[name] = "\n".join(f"{old} = {new}" for old, new in value.items())
        elif name == "fields":
            values |= {f"fields-{number}": each for number, each in enumerate(value)}
        elif isinstance(value, list | tuple):
            values[name] = "\n".join(value)
        elif isinstance(value, str) and step["do"] != "regex":
            for sign, shown in _SHOWN_SIGNS:
                value = value.replace(sign, shown)
            values[name] = value
        else:
            values[name] = str(value)
    if step["do"] == "replace" and "otherwise" in step:
        otherwise = str(step["otherwise"] or "")
        values |= {"otherwise": PUT if otherwise else DROP, "put": otherwise}
    return values


def _storable(data: Any) -> Any:
    """What was kept, if a database takes it: neither NUL nor half a character. Raises StepError."""
    written = json.dumps(data, ensure_ascii=False)
    try:
        written.encode()
    except UnicodeEncodeError:
        raise StepError("it holds half a character") from None
    if "\\u0000" in written:
        raise StepError("it holds a NUL")
    return data


def _table(text: str) -> dict[str, str]:
    table: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        old, sign, new = line.partition("=")
        if not sign or not old.strip():
            raise StepError(f"line {number} is not of the form old = new")
        table[old.strip()] = new.strip()
    if not table:
        raise StepError("the table is empty")
    return table
