"""Our own fallback: letters' neighbourhoods hashed into a vector. It finds like spellings, not
like meanings, and runs anywhere."""

import math
import unicodedata
from collections.abc import Iterator, Sequence
from zlib import crc32

from pdfjobs.embeddings import Kind

SIZES = (3, 4, 5)


class Ngrams:
    name = "ngrams"
    version = "1"
    dim = 384
    languages: tuple[str, ...] = ("*",)

    def embed_texts(self, texts: Sequence[str], kind: Kind) -> list[list[float]]:
        return [self._vector(text) for text in texts]

    def _vector(self, text: str) -> list[float]:
        vector = [0.0] * self.dim
        for gram in _grams(text):
            code = crc32(gram.encode())
            vector[code % self.dim] += 1.0 if code & 0x80000000 else -1.0
        length = math.sqrt(sum(value * value for value in vector)) or 1.0
        return [value / length for value in vector]


def _grams(text: str) -> Iterator[str]:
    for word in unicodedata.normalize("NFKD", text).casefold().split():
        letters = f" {''.join(filter(str.isalnum, word))} "
        yield letters
        for size in SIZES:
            for start in range(len(letters) - size + 1):
                yield letters[start : start + size]
