"""Failures are grouped by cause: what differs from one run to the next must not count."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobtracker.causes import fingerprint, mask, told


@pytest.mark.parametrize(
    ("message", "masked"),
    [
        ("row 17 of 420 failed", "row <n> of <n> failed"),
        ("price 1.234,50 is above -3.5", "price <n> is above <n>"),
        ("12345678 rows, 9 bad", "<n> rows, <n> bad"),
        ("at 2026-11-24T10:00:01Z", "at <n>-<n>-<n>T<n>Z"),
        ("job 0199f3a2-1c2d-7abc-8def-0123456789ab is gone", "job <id> is gone"),
        ("etag 9f86d081884c7d65 at 0x7f3a", "etag <id> at <id>"),
        ("https://shop.example/feed.xml?page=2: timed out", "<url>: timed out"),
        ("see (http://shop.example/a).", "see (<url>)."),
        ("cannot open /var/data/feed-3.xml, gone", "cannot open <path>, gone"),
        ("cannot open '/var/my data/feed.xml'", "cannot open '<path>'"),
        (r"cannot open C:\data\feed.csv", "cannot open <path>"),
        ("feeds/may/tiles.csv is empty", "<path> is empty"),
        ("tiles.xml is empty", "<path> is empty"),
        ("field PRICES/PRICE/AMOUNT and/or name", "field PRICES/PRICE/AMOUNT and/or name"),
        ("two\n  lines", "two lines"),
    ],
)
def test_what_differs_between_runs_is_masked(message, masked):
    assert mask(message) == masked


@given(st.text())
def test_a_masked_text_stays_as_it_is(text):
    assert mask(mask(text)) == mask(text)


def test_one_cause_has_one_fingerprint():
    one = fingerprint("xml_import", "read", "feed-1.xml: line 12, column 3: mismatched tag")
    other = fingerprint("xml_import", "read", "feed-22.xml: line 9, column 31: mismatched tag")
    assert one == other
    assert len(one) == 32


def test_a_database_detail_does_not_split_a_cause():
    one = 'duplicate key violates "materials_key"\nDETAIL: Key (sku)=(abc) already exists.'
    other = 'duplicate key violates "materials_key"\nDETAIL: Key (sku)=(xyz) already exists.'
    assert fingerprint("xml_import", "write", one) == fingerprint("xml_import", "write", other)


def test_type_stage_and_message_tell_causes_apart():
    prints = {
        fingerprint("xml_import", "read", "no records"),
        fingerprint("web_scraping", "read", "no records"),
        fingerprint("xml_import", "write", "no records"),
        fingerprint("xml_import", "read", "no key"),
    }
    assert len(prints) == 4


@given(st.text())
def test_every_message_has_a_fingerprint(message):
    assert fingerprint("xml_import", "read", message)


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ([], "no reason given"),
        ([("No key.", 4)], "No key."),
        ([(None, 1)], "no reason given"),
        ([("price 12 is negative", 3), ("price 9 is negative", 1)], "price 12 is negative"),
        ([("No key.", 1200), ("No price.", 1)], "No key (1,200); No price (1)."),
        (
            [("no a", 2), ("row 1 is cut", 1), ("row 2 is cut", 1), ("no b", 1), ("no c", 1)],
            "no a (2); row 1 is cut (2); no b (1); 1 other cause.",
        ),
    ],
)
def test_several_causes_are_all_named_with_their_numbers(found, said):
    assert told(found) == said
