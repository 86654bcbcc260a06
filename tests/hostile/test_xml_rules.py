"""XML: what is well-formed is read, what is not is refused with line and column."""

import re
from pathlib import Path

import pytest

from imports.readers import Source, UnreadableFeed, inspect, read

from . import xml_rules
from .xml_rules import R

MALFORMED, WELLFORMED = xml_rules.malformed(), xml_rules.wellformed()
PLACE = re.compile(r"line \d+|no encoding called|expand without limit|cannot be read in")


@pytest.mark.parametrize("name", MALFORMED)
def test_what_breaks_a_rule_is_refused_with_its_place(tmp_path: Path, name: str) -> None:
    file = tmp_path / "feed.xml"
    file.write_bytes(MALFORMED[name])
    with pytest.raises(UnreadableFeed, match=PLACE):
        list(read(file, inspect(file, type="xml").source))


@pytest.mark.parametrize("name", WELLFORMED)
def test_what_keeps_the_rules_is_read(tmp_path: Path, name: str) -> None:
    file = tmp_path / "feed.xml"
    file.write_bytes(WELLFORMED[name])
    (record,) = read(file, inspect(file, type="xml", record="c/p").source)
    assert record.fields == {"sku": "1", "n": "x"}


@pytest.mark.parametrize(
    "before", ["", "<!-- " + "<a " * 40_000 + "-->", "<?x " + "y" * 80_000 + "?>"]
)
@pytest.mark.parametrize("value", [R, "<i>a</i>", "<a>", "&#60;a>", "</c>"])
def test_an_entity_that_holds_elements_is_refused(tmp_path: Path, before: str, value: str) -> None:
    """Also where it is never used: in lxml its elements outlive their memory."""
    file = tmp_path / "feed.xml"
    for codec in ("utf-8", "utf-16"):
        text = f"{before}<!DOCTYPE c [<!ENTITY e '{value}'>]><c>{'&e;' * 9}{R}</c>"
        file.write_bytes(text.encode(codec))
        for record in ("c/p", None):
            with pytest.raises(UnreadableFeed, match=r"entity e .* holds elements"):
                inspect(file, type="xml", record=record)
        with pytest.raises(UnreadableFeed, match=r"entity e .* holds elements"):
            list(read(file, Source("xml", codec, record_path="c/p")))
