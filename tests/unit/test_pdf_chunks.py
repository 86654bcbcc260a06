"""Page numbers, passages and the fallback's vectors."""

import pytest

from pdfjobs.embeddings.ngrams import Ngrams
from pdfjobs.page_numbers import as_text, page_numbers


@pytest.mark.parametrize(
    ("text", "numbers"),
    [("", [1, 2, 3, 4, 5]), ("2-3", [2, 3]), ("5, 1", [1, 5]), ("4-", [4, 5]), ("3-99", [3, 4, 5])],
)
def test_page_numbers_are_read(text, numbers):
    assert page_numbers(text, 5) == numbers


@pytest.mark.parametrize("numbers", [[1], [1, 2, 3], [1, 3, 4, 9]])
def test_page_numbers_are_written_as_they_are_read(numbers):
    assert page_numbers(as_text(numbers), 9) == numbers


def test_like_spellings_are_near():
    vectors = Ngrams().embed_texts(["porcelain tile", "porcelain tiles", "oak floor"], "passage")
    near, far = (sum(map(float.__mul__, vectors[0], other)) for other in vectors[1:])
    assert near > 0.7 > far


def test_passages_hold_all_words_and_their_boxes():
    from pdfjobs.chunks import CHARS, cut, meaning

    words = [[f"word{n}", 50 + n % 5 * 60, 20 * (n // 5), 105 + n % 5 * 60, 20 * (n // 5) + 10]
             for n in range(500)]  # fmt: skip
    passages = cut(words)
    assert " ".join(" ".join(p.text.split()) for p in passages) == " ".join(w[0] for w in words)
    assert len(passages) > 3
    assert all(len(p.text) <= CHARS + 2 for p in passages)
    assert passages[0].box[:3] == [50, 0, 345]
    assert meaning("Slate slate 60x60 NL-100 grey 24,50") == "Slate grey"
