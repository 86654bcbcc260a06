"""Regular expressions of people: replaced as they say, and never without a limit."""

import pytest

from imports.mapping import Mapping, MappingError
from imports.mapping.expression import TooSlow, in_time
from imports.mapping.steps import BadTransform, step_of

pytest.importorskip("regex")


def replaced(find, put, value):
    return step_of({"do": "regex", "find": find, "put": put}).apply([value], {})


def test_matches_are_replaced():
    assert replaced(r"^Art\.\s*(\d+)$", r"\1", "Art. 4711") == ["4711"]
    assert replaced(r"\s+", " ", "a  b\tc") == ["a b c"]
    assert replaced("x", "y", "abc") == ["abc"]
    assert replaced(".*", "", "abc") == []
    assert replaced(r"(?P<a>\d)(m)", r"\g<a> \2", "4m") == ["4 m"]
    assert replaced(",", r"\\1", "a,b") == [r"a\1b"]


def test_an_expression_that_runs_wild_fails_the_value():
    with pytest.raises(BadTransform) as fault:
        replaced(r"(a|aa)+$", "", "a" * 60 + "b")
    assert "too long" in fault.value.reason


def test_all_together_may_be_given_a_time():
    with in_time(-1), pytest.raises(TooSlow):
        replaced("x", "y", "abc")
    assert replaced("x", "y", "abc") == ["abc"]


@pytest.mark.parametrize(
    ("find", "put"),
    [
        ("(", ""),
        ("a" * 501, ""),
        ("", ""),
        ("[z-a]", ""),
        ("(a)", r"\2"),
        ("(a)", r"\g<b>"),
        ("a", r"\q"),
        ("a", r"\g<"),
        ("a", "\\"),
        ("a", "b" * 501),
    ],
)
def test_what_is_no_expression_is_refused(find, put):
    with pytest.raises(MappingError) as fault:
        Mapping.from_json(
            [{"source": "a", "target": "name",
              "transform": [{"do": "regex", "find": find, "put": put}]}]
        )  # fmt: skip
    assert 'The field "a", transform 1 (regex)' in str(fault.value)
