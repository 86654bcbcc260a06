"""What the buttons of the mapping page do to its form: a step more or less, a further target."""

from collections.abc import Mapping as MappingOf
from dataclasses import replace
from itertools import count

from imports.mapping.step_forms import FORMS, FilledStep, filled, new_step
from imports.mapping_lines import FieldLine, MappingPage, beside, index_in, step_of_way


def acted(page: MappingPage, act: str, form: MappingOf[str, str]) -> MappingPage:
    """Return the page after the button named `act`: what it does, a line's index and perhaps the
    number of a step, as `remove-3-0`. A button of another page does nothing."""
    name, *numbers = act.split("-")
    known = [number for each in numbers if (number := index_in(each)) is not None]
    if not known or len(known) < len(numbers):
        return page
    index, *rest = known
    at = next((n for n, line in enumerate(page.lines) if line.index == index), None)
    if at is None:
        return page
    lines, line = list(page.lines), page.lines[at]
    match name, rest:
        case "open", []:
            lines[at] = replace(line, open=True)
        case "close", []:
            lines[at] = replace(line, open=False)
        case "add", [] if (kind := form.get(f"add-{index}", "")) in FORMS:
            lines[at] = _with_steps(line, [*_explicit(line), new_step(kind)])
        case "remove", [number] if number < len(line.steps):
            kept = [step for n, step in enumerate(line.steps) if n != number]
            lines[at] = _with_steps(line, kept)
        case "up", [number] if 0 < number < len(line.steps):
            steps = list(line.steps)
            steps[number - 1], steps[number] = steps[number], steps[number - 1]
            lines[at] = _with_steps(line, steps)
        case "also", []:
            new = next(n for n in count(len(page.sources)) if all(n != x.index for x in lines))
            last = max(n for n, each in enumerate(lines) if each.source == line.source)
            lines.insert(last + 1, beside(line, new, {}))
        case "drop", [] if line.extra:
            del lines[at]
    return replace(page, lines=lines)


def _explicit(line: FieldLine) -> list[FilledStep]:
    """The steps of a line, with its way to read numbers or lengths made one: steps stand for it."""
    return [*line.steps, *(filled(each) for each in step_of_way(line.transform))]


def _with_steps(line: FieldLine, steps: list[FilledStep]) -> FieldLine:
    numbered = [
        replace(step, prefix=f"step-{line.index}-{number}") for number, step in enumerate(steps)
    ]
    return replace(line, steps=tuple(numbered), transform="", open=True)
