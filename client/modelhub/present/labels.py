"""Where names are written so that none covers another."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

Rect = tuple[float, float, float, float]
"""Left, top, right, bottom."""

MOST_COVERED = 0.5
"""Share of a label that others may cover at the best place; a label without a better one is left out."""


@dataclass(frozen=True)
class Placing:
    """Puts labels one after another into a picture of that size; a label that was put stays where it is."""

    width: int
    height: int

    def places(self, things: Sequence[Rect], sizes: Sequence[tuple[float, float]]) -> list[Rect | None]:
        """Return where the label of each thing goes, of `sizes` (width, height); None where there is no room.

        At the thing's edges where nothing is yet, above it before all else; or further down along it.
        """
        taken: list[Rect] = []
        found: list[Rect | None] = []
        for thing, size in zip(things, sizes, strict=True):
            place = self._best(thing, size, taken)
            found.append(place)
            if place:
                taken.append(place)
        return found

    def _best(self, thing: Rect, size: tuple[float, float], taken: Sequence[Rect]) -> Rect | None:
        least, best = MOST_COVERED * size[0] * size[1], None
        for left, top in _corners(thing, size):
            place = self._within(left, top, size)
            covered = sum(_shared(place, other) for other in taken)
            if not covered:
                return place
            if covered < least:
                least, best = covered, place
        return best

    def _within(self, left: float, top: float, size: tuple[float, float]) -> Rect:
        """Return the place nearest to that one which the picture has room for."""
        left = max(0.0, min(left, self.width - size[0]))
        top = max(0.0, min(top, self.height - size[1]))
        return left, top, left + size[0], top + size[1]


def _corners(thing: Rect, size: tuple[float, float]) -> list[tuple[float, float]]:
    """Return where the upper left corner of a label may be, the best first."""
    left, top, right, bottom = thing
    width, height = size
    steps = int(max(0.0, bottom - top) // height) if height else 0
    along = ((left, top + step * height) for step in range(1, min(steps, 12)))
    return list(
        chain(
            [(left, top - height), (left, top), (right - width, top - height), (left, bottom)],
            [(left, bottom - height), (right - width, bottom), (right, top), (left - width, top)],
            along,
        )
    )


def _shared(one: Rect, other: Rect) -> float:
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    return width * height if width > 0 and height > 0 else 0.0
