"""From words to lines and the pieces of lines that stand apart, by their places alone."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from pdfjobs.reading.model import Box, Word

_APART = 0.85  # of the height of a line: a wider gap is no space between words
_SPACED = 0.1  # a narrower gap is no space either, but letters set apart
_LEVEL = 0.3  # how far middles on one line differ; a "·" is lower than its line


@dataclass(frozen=True)
class Piece:
    """Words that stand together on one line."""

    text: str
    box: tuple[float, float, float, float]

    @property
    def height(self) -> float:
        return self.box[3] - self.box[1]

    @property
    def middle(self) -> float:
        return (self.box[0] + self.box[2]) / 2


def around(boxes: Iterable[Box | tuple[float, float, float, float]]) -> Box:
    """The box around several."""
    x0s, tops, x1s, bottoms = zip(*boxes, strict=True)
    return [min(x0s), min(tops), max(x1s), max(bottoms)]


def inside(box: Box, word: Word) -> bool:
    """Whether the middle of `word` lies in `box`."""
    x, y = (word[1] + word[3]) / 2, (word[2] + word[4]) / 2
    return bool(box[0] <= x <= box[2] and box[1] <= y <= box[3])


def lines_of(words: list[Word]) -> list[list[Piece]]:
    """The lines from the top, each as its pieces from the left. Upright words are left out."""
    lines: list[list[Word]] = []
    flat = [word for word in words if word[0].strip() and not _upright(word)]
    for word in sorted(flat, key=lambda word: (word[2] + word[4], word[1])):
        middle = (word[2] + word[4]) / 2
        last = lines[-1][-1] if lines else None
        if last is not None and abs(middle - (last[2] + last[4]) / 2) < _LEVEL * max(
            word[4] - word[2], last[4] - last[2]
        ):
            lines[-1].append(word)
        else:
            lines.append([word])
    return [_pieces(sorted(line, key=lambda word: word[1])) for line in lines]


def _pieces(line: list[Word]) -> list[Piece]:
    height = median(word[4] - word[2] for word in line)
    groups = [[line[0]]]
    for word in line[1:]:
        if word[1] - groups[-1][-1][3] > _APART * height:
            groups.append([word])
        else:
            groups[-1].append(word)
    return [
        Piece(
            _joined(group),
            tuple(around([word[1:5] for word in group])),  # type: ignore[arg-type]
        )
        for group in groups
    ]


def _joined(group: list[Word]) -> str:
    text = group[0][0]
    for left, right in pairwise(group):
        spaced = abs(right[1] - left[3]) < _SPACED * min(left[4] - left[2], right[4] - right[2])
        text += right[0] if spaced else f" {right[0]}"
    return str(text)


def _upright(word: Word) -> bool:
    return bool(len(word[0]) > 2 and word[4] - word[2] > 1.5 * (word[3] - word[1]))
