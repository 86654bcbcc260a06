"""The page on mapping names every format and every transform."""

from pathlib import Path

import pytest

from imports.mapping.steps import STEPS
from imports.profiles import PROFILES

PAGE = (Path(__file__).parents[2] / "docs" / "mapping.md").read_text()


@pytest.mark.parametrize("name", STEPS)
def test_every_transform_is_described(name):
    assert f"`{name}`" in PAGE


@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.name)
def test_every_format_is_named(profile):
    name = profile.name
    for kind in (" prices", " table", " update"):
        name = name.removesuffix(kind)
    assert name in PAGE
