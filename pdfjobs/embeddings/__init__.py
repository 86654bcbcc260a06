"""Turns texts into vectors. Providers work offline; vectors of different providers or versions are
never compared."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Literal, Protocol

from django.conf import settings

Kind = Literal["query", "passage"]


class ProviderMissing(RuntimeError):
    """The provider that the settings name cannot run on this machine."""


class Provider(Protocol):
    """Vectors of `dim` numbers and length 1, for texts in `languages` ("*" for any)."""

    name: str
    version: str
    dim: int
    languages: tuple[str, ...]

    def embed_texts(self, texts: Sequence[str], kind: Kind) -> list[list[float]]:
        """Return a vector for each text; a `query` is compared with each `passage`."""


def provider() -> Provider:
    """Return the provider that EMBEDDINGS_PROVIDER names; unset, the best that runs here. Raises
    `ProviderMissing`."""
    return _made(settings.EMBEDDINGS_PROVIDER)


@lru_cache(maxsize=4)
def _made(name: str) -> Provider:
    from pdfjobs.embeddings.ngrams import Ngrams

    if name == "ngrams":
        return Ngrams()
    try:
        from pdfjobs.embeddings.e5 import E5

        return E5()
    except (ImportError, OSError) as error:  # no wheel for this machine, or it cannot be loaded
        if name:
            raise ProviderMissing(f"EMBEDDINGS_PROVIDER={name} cannot run here: {error}") from error
        return Ngrams()
