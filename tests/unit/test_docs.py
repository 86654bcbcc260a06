"""What the documents name exists, and what they should name is named."""

import re
from pathlib import Path

import pytest
from django.core.management import get_commands

ROOT = Path(__file__).parents[2]
DOCUMENTS = [
    path.relative_to(ROOT).as_posix() for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"))
]
SETTINGS = (ROOT / "jobtracker/settings.py").read_text()
EXAMPLE = dict(re.findall(r"^#?([A-Z_]+)=(.*)$", (ROOT / ".env.example").read_text(), re.MULTILINE))


def read(document: str) -> str:
    return (ROOT / document).read_text()


def test_the_example_has_every_setting_and_no_other():
    assert set(re.findall(r'_[a-z]+\("([A-Z_]+)"', SETTINGS)) == EXAMPLE.keys()


@pytest.mark.parametrize(
    ("name", "default"), re.findall(r'_(?:number|share)\("([A-Z_]+)", ([\d.]+)', SETTINGS)
)
def test_the_example_shows_the_default(name, default):
    assert EXAMPLE[name] == default


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_command_of_a_document_exists(document):
    text = read(document)
    targets = set(re.findall(r"^([a-z]+):", read("Makefile"), re.MULTILINE))
    assert set(re.findall(r"manage\.py ([a-z_]+)", text)) <= get_commands().keys()
    assert set(re.findall(r"(?:^|`)make ([a-z]+)", text, re.MULTILINE)) <= targets


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_file_that_a_document_names_exists(document):
    text = read(document)
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", text)
    named = re.findall(r"`((?:docs|imports|jobtracker|static|templates|tests)/[\w./-]+)`", text)
    missing = [link for link in links if not (ROOT / document).parent.joinpath(link).exists()]
    assert missing + [path for path in named if not (ROOT / path).exists()] == []


def test_every_class_that_the_look_describes_is_in_the_style_sheet():
    styles = set(re.findall(r"\.(jt-[a-z]+)", read("static/jobtracker/jt.css")))
    described = set(re.findall(r"\bjt-[a-z]+", read("docs/look.md")))
    assert described - {"jt-act"} <= styles  # an element's id


def test_every_class_of_the_style_sheet_is_used():
    styles = set(re.findall(r"\.(jt-[a-z]+)", read("static/jobtracker/jt.css")))
    sources = [
        path
        for folder in ("templates", "static", "jobtracker", "imports", "scraping", "pdfjobs")
        for path in (ROOT / folder).rglob("*")
        if path.suffix in {".html", ".js", ".py"}
    ]
    used = {name for path in sources for name in re.findall(r"\bjt-[a-z]+", path.read_text())}
    assert styles - used == set()
