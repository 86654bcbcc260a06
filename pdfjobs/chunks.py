"""Cuts a page into passages, the unit of search, and embeds what is new of them."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256

from jobtracker.context import JobContext
from jobtracker.states import Permanent, StageState
from pdfjobs import embeddings
from pdfjobs.models import PdfChunk, PdfDocument, PdfEmbedding, PdfPage
from pdfjobs.pages import Done, each, waiting
from pdfjobs.reading.model import Box, Word

CHARS = 800  # of a passage
PARAGRAPH_CHARS = 300  # from which on a passage ends with its paragraph
MEANING_CHARS = 240  # of what is embedded: the model's time grows with its text
BATCH = 16  # texts embedded between two commits
_WORD = re.compile(r"[^\W\d_]{3,}")


@dataclass
class Passage:
    """A piece of a page's text with the box that holds it."""

    text: str
    box: Box


def cut(words: Sequence[Word]) -> list[Passage]:
    """Cut a page's words, in reading order, into passages of about `CHARS` at most, at the ends
    of paragraphs where there are some."""
    passages: list[Passage] = []
    open_: Passage | None = None
    for line, is_new_paragraph in _lines(words):
        length = len(open_.text) if open_ else 0
        full = length + len(line.text) > CHARS
        if open_ is None or full or (is_new_paragraph and length >= PARAGRAPH_CHARS):
            open_ = line
            passages.append(open_)
        else:
            open_.text += ("\n\n" if is_new_paragraph else "\n") + line.text
            open_.box = _union(open_.box, line.box)
    return passages


def meaning(text: str) -> str:
    """Return what of a passage is embedded: its different words, without numbers and codes, which
    are found by exact search and only cost time here; "" where no word is left."""
    words: dict[str, str] = {}
    room = MEANING_CHARS
    for word in _WORD.findall(text):
        if word.casefold() in words:
            continue
        room -= len(word) + 1
        if room < 0:
            break
        words[word.casefold()] = word
    return " ".join(words.values())


def cut_pages(context: JobContext, document: PdfDocument) -> None:
    """Keep each page's passages. `content_hash` is that of what is embedded, "" for nothing."""

    def work(page: PdfPage) -> Done:
        rows = [
            PdfChunk(
                page_id=page.pk,
                number=number,
                box=passage.box,
                text=passage.text,
                content_hash=_hash(meaning(passage.text)),
            )
            for number, passage in enumerate(cut(page.words), start=1)
        ]

        def save() -> None:
            PdfChunk.objects.filter(page_id=page.pk).delete()
            PdfChunk.objects.bulk_create(rows)

        return Done(made=bool(rows), save=save)

    each(context, document, "chunks_created", work, fields=("words",))


def embed(context: JobContext, document: PdfDocument) -> None:
    """Embed the contents that this provider has not embedded yet, whichever document they were
    in first."""
    try:
        provider = embeddings.provider()
    except embeddings.ProviderMissing as error:
        raise Permanent(str(error)) from error
    known = {"provider": provider.name, "version": provider.version}
    chunks = PdfChunk.objects.filter(page__in=waiting(document)).exclude(content_hash="")
    hashes = set(chunks.values_list("content_hash", flat=True))
    hashes -= set(
        PdfEmbedding.objects.filter(**known, content_hash__in=hashes).values_list(
            "content_hash", flat=True
        )
    )
    new = list(
        chunks.filter(content_hash__in=hashes)
        .order_by("content_hash")
        .distinct("content_hash")
        .values_list("content_hash", "text")
    )
    before = context.resumed.get("new", 0)
    for start in range(0, len(new), BATCH):
        context.advance(before + start, before + len(new))
        batch = new[start : start + BATCH]
        vectors = provider.embed_texts([meaning(text) for _, text in batch], "passage")
        with context.transaction():
            PdfEmbedding.objects.bulk_create(
                [
                    PdfEmbedding(content_hash=content, vector=vector, **known)
                    for (content, _), vector in zip(batch, vectors, strict=True)
                ],
                ignore_conflicts=True,
            )
            done = before + start + len(batch)
            context.checkpoint(done, known | {"new": done}, StageState.RUNNING)
    texts = chunks.count()
    with context.transaction():
        waiting(document).update(stage="embeddings_created")
        context.checkpoint(
            texts,
            known | {"new": before + len(new), "texts": texts},
            StageState.DONE if texts else StageState.EMPTY,
        )


def _lines(words: Sequence[Word]) -> Iterator[tuple[Passage, bool]]:
    """Yield the lines that the words stand in, each with whether a paragraph begins with it."""
    line: Passage | None = None
    new = True
    for text, *box in words:
        if line is not None and _goes_on(line, box) and len(line.text) + len(text) < CHARS:
            line.text += " " + text
            line.box = _union(line.box, box)
            continue
        if line is not None:
            yield line, new
            height = line.box[3] - line.box[1]
            new = not -height < box[1] - line.box[3] < 0.7 * height
        line = Passage(text[:CHARS], box)
    if line is not None:
        yield line, new


def _goes_on(line: Passage, box: Box) -> bool:
    """Whether a word stands behind a line, at its height."""
    _, top, right, bottom = line.box
    middle = (box[1] + box[3]) / 2
    return top <= middle <= bottom and box[0] >= right - (bottom - top)


def _union(one: Box, other: Box) -> Box:
    return [
        min(one[0], other[0]),
        min(one[1], other[1]),
        max(one[2], other[2]),
        max(one[3], other[3]),
    ]


def _hash(text: str) -> str:
    return sha256(text.encode()).hexdigest() if text else ""
