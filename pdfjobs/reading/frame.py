"""From the coordinates inside a PDF to those of the page as it is shown.

Inside, points count from the bottom left of some box and the page may be turned; shown, they count
from the top left of what a viewer displays (the crop box, after `/Rotate`).
"""

from dataclasses import dataclass

from pdfjobs.reading.model import Box


@dataclass(frozen=True)
class Frame:
    """The visible box of a page and its clockwise turn in degrees (0, 90, 180, 270)."""

    left: float
    bottom: float
    right: float
    top: float
    turn: int = 0

    @property
    def width(self) -> float:
        return self._long(self.turn in (90, 270))

    @property
    def height(self) -> float:
        return self._long(self.turn not in (90, 270))

    def _long(self, upright: bool) -> float:
        return self.top - self.bottom if upright else self.right - self.left

    def point(self, x: float, y: float) -> tuple[float, float]:
        if self.turn == 90:
            return y - self.bottom, x - self.left
        if self.turn == 180:
            return self.right - x, y - self.bottom
        if self.turn == 270:
            return self.top - y, self.right - x
        return x - self.left, self.top - y

    def box(self, left: float, bottom: float, right: float, top: float) -> Box:
        x0, y0 = self.point(left, bottom)
        x1, y1 = self.point(right, top)
        return [min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)]

    def corner(self) -> tuple[float, float]:
        """The point inside the PDF that is shown at the top left."""
        return {
            0: (self.left, self.top),
            90: (self.left, self.bottom),
            180: (self.right, self.bottom),
            270: (self.right, self.top),
        }[self.turn]

    def shows(self, box: Box) -> bool:
        """Whether a shown box has its middle on the page."""
        x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
        return 0 <= x <= self.width and 0 <= y <= self.height

    def clip(self, box: Box) -> Box:
        x0, top, x1, bottom = box
        return [max(x0, 0.0), max(top, 0.0), min(x1, self.width), min(bottom, self.height)]


def rounded(box: Box) -> Box:
    return [round(edge, 2) for edge in box]
