"""The tracker works from what the pipelines say of themselves: nothing in it asks which one a job
is of. The three types are words of `states`, and each has a setting; that is all."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NAMES = ("pdf_processing", "web_scraping", "xml_import")
MEMBER = re.compile(r"\bJobType\.(PDF|SCRAPING|IMPORT)\b")
NAME = re.compile(rf"""["']({"|".join(NAMES)})["']""")
COMPARISON = re.compile(
    r"""\bjob_type\s*(==|!=)\s*(["']|JobType\b)|\bjob_type\s+(not )?in\s*[\[({]\s*["']"""
)
MAY_NAME = {"jobtracker/states.py", "jobtracker/settings.py"}

SOURCES = [
    path
    for path in sorted((ROOT / "jobtracker").rglob("*.py"))
    if "migrations" not in path.parts and str(path.relative_to(ROOT)) not in MAY_NAME
]
TEMPLATES = [
    path
    for folder in ("jobtracker", "hub", "admin")
    for path in sorted((ROOT / "templates" / folder).rglob("*.html"))
]


def findings(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    return [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for number, line in enumerate(lines, 1)
        if any(pattern.search(line) for pattern in (MEMBER, NAME, COMPARISON))
    ]


def test_the_core_compares_no_job_with_a_type():
    assert len(SOURCES) > 50
    assert [found for path in SOURCES for found in findings(path)] == []


def test_its_templates_do_not_either():
    assert TEMPLATES
    assert [found for path in TEMPLATES for found in findings(path)] == []


@pytest.mark.parametrize(
    "line",
    [
        'if job.job_type == "xml_import":',
        "if job.job_type != JobType.PDF:",
        "return STATES[word if kind == JobType.SCRAPING else other]",
        'if job.job_type in ("a", "b"):',
        "{% if job.job_type == 'web_scraping' %}",
    ],
)
def test_the_search_finds_what_it_looks_for(line):
    assert any(pattern.search(line) for pattern in (MEMBER, NAME, COMPARISON))
