"""Feeds that nobody mapped: in many languages and shapes, right or asked, and seldom asked."""

import pytest

from tests.fixtures.varied_feeds import FEEDS
from tests.unit.profiles.feeds import BAR, Read, read

MOST_QUESTIONS = 2
ENOUGH = 0.8


@pytest.fixture(scope="module")
def reads(tmp_path_factory) -> dict[str, Read]:
    folder = tmp_path_factory.mktemp("feeds")
    found = {}
    for feed in FEEDS:
        path = folder / feed.name
        path.write_bytes(feed.make())
        found[feed.name] = read(path)
    return found


@pytest.fixture(params=FEEDS, ids=lambda feed: feed.name)
def feed(request):
    return request.param


def asked(result: Read) -> set[str]:
    return {question.target for question in result.suggestion.open_questions(BAR)}


def sure(result: Read, target: str) -> set[str]:
    return {
        each.source
        for each in result.suggestion.fields
        if each.target == target and each.confidence >= BAR
    }


def test_no_wrong_field_looks_sure(reads, feed):
    result = reads[feed.name]
    assert sure(result, "key") | sure(result, "sku") <= set(feed.keys)
    assert sure(result, "name") <= {feed.title}
    assert sure(result, "price") <= {feed.price}


def test_key_name_and_price_are_found_or_asked(reads, feed):
    result = reads[feed.name]
    assert sure(result, "key") | sure(result, "sku") or "key" in asked(result)
    assert sure(result, "name") or "name" in asked(result)
    assert sure(result, "price") or "price" in asked(result)


def test_the_currency_is_found_or_asked(reads, feed):
    result = reads[feed.name]
    if not sure(result, "price"):
        return
    prices = [row.vals["price"] for row in result.rows.values()]
    if feed.currency is None:
        assert "currency" in asked(result)
    else:
        assert {price.get("currency") for price in prices} == {feed.currency}


def test_amounts_are_read(reads, feed):
    result = reads[feed.name]
    if not sure(result, "price"):
        return
    amounts = [float(row.vals["price"]["amount"]) for row in result.rows.values()]
    assert amounts == sorted(amounts)
    assert 10 < amounts[0] < 3000


def test_right_options_are_offered(reads, feed):
    right = {"key": set(feed.keys), "name": {feed.title}, "price": {feed.price}}
    for question in reads[feed.name].suggestion.open_questions(BAR):
        wanted = right.get(question.target, {None}) - {None}
        assert not wanted or wanted & set(question.options)


def test_few_questions_on_most_feeds(reads):
    few = sum(len(asked(result)) <= MOST_QUESTIONS for result in reads.values())
    assert few >= ENOUGH * len(reads)
