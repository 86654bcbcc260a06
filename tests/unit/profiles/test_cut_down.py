"""A suggestion that is cut down to source and target does what the whole one does."""

import pytest

from imports import readers
from imports.mapping import Mapping
from imports.profiles import Feed, inspect
from tests.unit.profiles.feeds import FOLDER, read
from tests.unit.profiles.test_recognition import FORMATS


@pytest.mark.parametrize("name", FORMATS)
def test_the_format_gives_the_steps_that_were_cut_off(name):
    whole = read(name)
    found, profile = inspect(FOLDER / name)
    survey = readers.survey(FOLDER / name, found.source)
    used = {(each.source, each.target) for each in whole.mapping.fields}
    cut = {
        "fields": [
            {"source": each["source"], "target": each["target"]}
            for each in whole.suggestion.as_json()["fields"]
            if (each["source"], each["target"]) in used
        ]
    }
    hints = profile.hints(Feed(FOLDER / name, found.source, survey))
    mapping = Mapping.from_json(cut, [each.source for each in survey.fields]).completed(hints)
    for record in readers.read(FOLDER / name, found.source):
        assert mapping.apply(record.fields) == whole.mapping.apply(record.fields)
