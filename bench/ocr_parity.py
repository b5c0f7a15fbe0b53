"""How alike two readings of the same pictures are: lines with a partner, the same text, the same box."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

SAME_LINE = 0.5
"""Overlap (intersection over union) from which two boxes are taken for the same line."""


@dataclass(frozen=True)
class ReadLine:
    """One line of a reading; corners are float [4, 2] of (x, y) in pixels, in order round the text."""

    text: str
    corners: NDArray[np.float64]


@dataclass(frozen=True)
class Difference:
    """One line that is not read alike; None stands for a line that this reading does not have."""

    picture: str
    reference: str | None
    ours: str | None
    reference_is_wrong: bool = False
    """Whether ours is a line that stands in the picture, and the reference's is none."""


@dataclass(frozen=True)
class Parity:
    """Figures over all pictures."""

    lines: int
    """Lines of the reference and those that only we have, but for those that it alone reads wrongly."""
    alike: int
    """Lines with a partner whose text is exactly the same."""
    corner_distances: NDArray[np.float64]
    """[partners], largest distance of corresponding corners, pixels."""
    differences: list[Difference] = field(default_factory=list)

    @property
    def share_alike(self) -> float:
        """Part of the lines that are read alike, from 0 to 1; 1 where there are none."""
        return self.alike / self.lines if self.lines else 1.0


Reading = Mapping[str, Sequence[ReadLine]]
"""Lines by picture."""


def compare(reference: Reading, ours: Reading, known: Collection[str] = ()) -> Parity:
    """Compare two readings, where `known` lines stand in the pictures; spaces do not tell those apart.

    Raises ValueError where the readings are not of the same pictures.
    """
    if reference.keys() != ours.keys():
        raise ValueError(f"different pictures: {sorted(reference.keys() ^ ours.keys())}")
    right = {_without_spaces(text) for text in known}
    differences: list[Difference] = []
    distances: list[float] = []
    lines = alike = 0
    for picture, expected in reference.items():
        for one, other in pair_lines(expected, ours[picture]):
            if one and other:
                distances.append(corner_distance(one.corners, other.corners))
            texts = (one.text if one else None, other.text if other else None)
            are_right = [_without_spaces(text or "") in right for text in texts]
            wrong = are_right == [False, True]
            lines += not wrong
            if texts[0] == texts[1]:
                alike += 1
            else:
                differences.append(Difference(picture, *texts, wrong))
    return Parity(lines, alike, np.array(distances), differences)


def _without_spaces(text: str) -> str:
    return "".join(text.split())


def pair_lines(
    reference: Sequence[ReadLine], ours: Sequence[ReadLine]
) -> list[tuple[ReadLine | None, ReadLine | None]]:
    """Return partners by the largest total overlap, then the lines of either side that have none."""
    overlap = _overlaps(reference, ours)
    rows, columns = linear_sum_assignment(overlap, maximize=True)
    partners = {
        row: column for row, column in zip(rows, columns, strict=True) if overlap[row, column] >= SAME_LINE
    }
    extra = [line for index, line in enumerate(ours) if index not in partners.values()]
    with_partner: list[tuple[ReadLine | None, ReadLine | None]] = [
        (line, ours[partners[index]] if index in partners else None) for index, line in enumerate(reference)
    ]
    return [*with_partner, *((None, line) for line in extra)]


def _overlaps(reference: Sequence[ReadLine], ours: Sequence[ReadLine]) -> NDArray[np.float64]:
    """Return intersection over union of all pairs, float64 [reference, ours]."""
    rows, columns = (_hulls(lines) for lines in (reference, ours))
    both = shapely.area(shapely.intersection(rows[:, None], columns[None, :]))
    either = shapely.area(rows)[:, None] + shapely.area(columns)[None, :] - both
    return np.divide(both, either, out=np.zeros_like(both), where=either > 0)


def _hulls(lines: Sequence[ReadLine]) -> NDArray[np.object_]:
    hulls = [shapely.convex_hull(shapely.MultiPoint(line.corners)) for line in lines]
    return np.array(hulls, dtype=np.object_)


def corner_distance(reference: NDArray[np.float64], ours: NDArray[np.float64]) -> float:
    """Return the largest distance of corresponding corners, [4, 2] each, whichever either starts with."""
    starts = (np.roll(ours, shift, axis=0) for shift in range(len(ours)))
    return min(float(np.hypot(*(reference - corners).T).max()) for corners in starts)
