"""Steps as a form asks for them: shown and read again they are the same, or kept as they are."""

import pytest

from imports.mapping.step_forms import FORMS, checked, filled, new_step, posted
from imports.mapping.steps import STEPS, StepError, step_of

SHOWN = [
    {"do": "constant", "value": "Northlight"},
    {"do": "split", "by": " / "},
    {"do": "split", "by": "\n"},
    {"do": "take", "part": -1},
    {"do": "join", "by": "", "fields": ["b", "c"]},
    {"do": "join", "by": ", "},
    {"do": "first", "fields": ["b"]},
    {"do": "replace", "table": {"grau": "grey", "weiß": "white"}},
    {"do": "replace", "table": {"x": ""}, "otherwise": ""},
    {"do": "replace", "table": {"x": "y"}, "otherwise": "other"},
    {"do": "decimal", "mark": ","},
    {"do": "unit", "unit": "cm"},
    {"do": "html"},
    {"do": "regex", "find": r"(\d+)\s*cm", "put": r"\1"},
    {"do": "regex", "find": r"^\s+"},
    {"do": "prefix", "text": "https://img.example/"},
    {"do": "where", "field": "kind", "starts": ["net", "gros"]},
    {"do": "divide", "field": "quantity"},
    {"do": "path", "by": "/", "of": ";", "drop": ["Shop"]},
]
KEPT = [
    {"do": "pairs", "names": "n"},
    {"do": "tree", "record": "c", "id": "@id", "name": ".", "parent": "@p"},
    {"do": "replace", "table": {"a=b": "c"}},
    {"do": "replace", "table": {"a": "two\nlines"}},
    {"do": "where", "field": "kind", "starts": ["net", ""]},
    {"do": "split", "by": "\\n"},
]


@pytest.mark.parametrize("step", SHOWN, ids=str)
def test_what_a_form_shows_it_reads_again(step):
    shown = filled(step, "step-3-0")
    assert shown.kept == ""
    again = posted(shown.form | {"step-3-1-do": "html", "step-30-0-by": "x"}, "step-3-0")
    assert again.step() == step


@pytest.mark.parametrize("step", KEPT, ids=str)
def test_what_a_form_cannot_show_is_kept_as_it_is(step):
    kept = filled(step, "step-3-0")
    assert kept.inputs == []
    assert posted(kept.form, "step-3-0").step() == step_of(step).to_json()


def test_every_kind_of_step_has_a_form_or_comes_with_a_format():
    assert set(STEPS) - set(FORMS) == {"pairs", "tree", "linked", "outside", "root"}


@pytest.mark.parametrize(
    ("do", "values", "said"),
    [
        ("split", {"by": ""}, "“Cut at” is empty"),
        ("take", {"part": "two"}, "“two” is no whole number"),
        ("take", {"part": "0"}, "counts from 1"),
        ("first", {"fields-0": ""}, "choose a field"),
        ("divide", {}, "choose a field"),
        ("replace", {"table": "grau = grey\nweiß"}, "line 2 is not of the form old = new"),
        ("replace", {"table": ""}, "the table is empty"),
        ("replace", {"table": "a = b", "otherwise": "put"}, "say what all other values become"),
        ("regex", {"find": "("}, "the expression cannot be read"),
        ("regex", {"find": "a", "put": r"\1"}, "what is to be put cannot be read: no such group"),
        ("decimal", {"mark": "x"}, "is either"),
    ],
)
def test_what_is_wrong_is_said_of_the_step(do, values, said):
    form = {"step-0-0-do": do} | {f"step-0-0-{name}": value for name, value in values.items()}
    step = posted(form, "step-0-0")
    assert said in checked(step).wrong
    with pytest.raises(StepError, match=r"."):
        step.step()


NUL, HALF = r"\u0000", r"\ud800"
UNSTORABLE = [f'{{"do": "pairs", "names": "a{each}"}}' for each in (NUL, HALF)]


@pytest.mark.parametrize(
    "kept", [*UNSTORABLE, "[", "[" * 100_000, "{}", '"x"', '{"do": "nothing"}']
)
def test_what_was_tampered_with_is_refused(kept):
    step = posted({"step-0-0-do": "pairs", "step-0-0-kept": kept}, "step-0-0")
    assert checked(step).wrong
    assert posted({"step-0-0-do": "nothing"}, "step-0-0") is None
    assert posted({"step-0-0-do": "join", "step-0-0-fields-x": "a", "step-0-0-by": "-"},
                  "step-0-0").step() == {"do": "join", "by": "-"}  # fmt: skip


def test_a_new_step_holds_what_a_browser_would_choose():
    assert new_step("decimal").values == {"mark": ","}
    assert checked(new_step("html")).wrong == ""
