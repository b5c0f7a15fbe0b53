"""Where one picture lies in a copy of it that was cut a little: a scale and a shift along each axis.

A coarse search compares how brightness changes along each axis, over a grid of scales and shifts;
Gauss-Newton steps on the pixels then refine the best (Lucas and Kanade, 1981; with the gain and the offset of
brightness fitted along, as in Evangelidis and Psarakis, 2008).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float32]
"""Levels 0 to 255, [side, side]."""

LARGEST_SCALE = 1.25
"""How much larger one may show what both show: the other was cut to four fifths."""
LARGEST_SHIFT = 0.11
"""Of the middle, as a share of a side."""
SIDE = 128
"""Pixels of the squares that are registered."""
_COARSE = SIDE // 2
_BEST = 2
"""Lines along each axis whose pairs are tried on the pixels."""
_STEPS = {_COARSE: 4, SIDE: 2}
_CENTRES = {side: (np.arange(side) + 0.5) / side - 0.5 for side in _STEPS}
_NOISE = 4.0
"""Variance, in squares of levels, that two decoders may disagree by."""
_PENALTY = 0.03
"""Correlation that the largest scale or shift must gain over none."""


class Line(NamedTuple):
    """Where one picture's points are in the other along an axis: x_other = scale * x + shift.

    The middles are at 0, the sides at -0.5 and 0.5.
    """

    scale: float
    shift: float


class Placement(NamedTuple):
    """Where one picture lies in the other."""

    down: Line
    across: Line


_IDENTITY = Placement(Line(1.0, 0.0), Line(1.0, 0.0))


class Overlap(NamedTuple):
    """The part of one picture that the other shows too, and the other laid over it."""

    rows: slice
    columns: slice
    moved: NDArray[np.float32]
    """The other picture's values at that part's pixels, interpolated linearly."""


def overlap(other: NDArray[np.float32], placement: Placement) -> Overlap:
    """Lay `other`, [side, side] or [side, side, channels], over the picture that `placement` places in it."""
    down, across = (_samples(line, len(other)) for line in placement)
    return Overlap(down.part, across.part, _across(_down(other, down), across))


class _Samples(NamedTuple):
    """Which pixels along an axis of one picture the other shows, between which two of its own, and where."""

    part: slice
    first: NDArray[np.intp]
    share: Plane


def _samples(line: Line, side: int, *, whole: bool = False) -> _Samples:
    """Return the samples of a line; where `whole`, the other's edges stand for what it does not show."""
    at = _positions(line, side)
    start, stop = (0, side) if whole else np.searchsorted(at, (-0.5, side - 0.5))
    at = at[start:stop].clip(0, side - 1)
    first = np.minimum(at.astype(np.intp), side - 2)
    return _Samples(slice(int(start), int(stop)), first, (at - first).astype(np.float32))


def _down(plane: NDArray[np.float32], samples: _Samples) -> NDArray[np.float32]:
    share = samples.share.reshape(-1, *(1,) * (plane.ndim - 1))
    upper: NDArray[np.float32] = plane[samples.first]
    lower = plane[samples.first + 1]
    lower -= upper
    lower *= share
    upper += lower
    return upper


def _across(plane: NDArray[np.float32], samples: _Samples) -> NDArray[np.float32]:
    share = samples.share.reshape(1, -1, *(1,) * (plane.ndim - 2))
    left: NDArray[np.float32] = plane.take(samples.first, axis=1)
    right = plane.take(samples.first + 1, axis=1)
    right -= left
    right *= share
    left += right
    return left


def register(one: Plane, other: Plane) -> Placement:
    """Return where `one` lies in `other`; both [128, 128]."""
    small, smaller = halved(one), halved(other)
    downs, acrosses = _SEARCH.best(small, smaller), _SEARCH.best(small.T, smaller.T)
    starts = [_IDENTITY, *(Placement(down, across) for down in downs for across in acrosses)]
    start = min(starts, key=lambda placement: _Fit.of(small, smaller, placement).left)
    fits = (_refined(small, smaller, placement) for placement in {start, _IDENTITY})
    found = min(fits, key=lambda fit: fit.left).placement
    near = _nearby(one, other, found)
    return min((_refined(one, other, start) for start in {found, near}), key=lambda fit: fit.left).placement


def _nearby(one: Plane, other: Plane, placement: Placement) -> Placement:
    """Return the best placement near one at which lines of text may be a line off."""
    down, across = placement
    moved = _across(other, _samples(across, SIDE, whole=True))
    down = _then(_NEAR.best(one, _down(moved, _samples(down, SIDE, whole=True)))[0], down)
    moved = _down(other, _samples(down, SIDE, whole=True))
    nearer = _NEAR.best(one.T, _across(moved, _samples(across, SIDE, whole=True)).T)[0]
    return Placement(down, _then(nearer, across))


def _then(first: Line, second: Line) -> Line:
    return Line(second.scale * first.scale, second.scale * first.shift + second.shift)


class _Grid:
    """Lines that are tried all, on the changes of brightness along an axis."""

    def __init__(
        self, side: int, strips: int, scales: NDArray[np.float64], shifts: NDArray[np.float64]
    ) -> None:
        self._strips = strips
        self._lines = [Line(float(scale), float(shift)) for scale in scales for shift in shifts]
        at = np.stack([_positions(line, side) for line in self._lines])
        self._first = np.floor(at).clip(0, side - 2).astype(np.intp)
        self._share = (at - self._first).clip(0, 1).astype(np.float32)
        self._inside = ((at > -0.5) & (at < side - 0.5)).astype(np.float32)
        far = [
            abs(line.scale - 1) / (LARGEST_SCALE - 1) + abs(line.shift) / LARGEST_SHIFT
            for line in self._lines
        ]
        self._penalties = _PENALTY * np.array(far, dtype=np.float32)

    def best(self, one: Plane, other: Plane) -> list[Line]:
        """Return the best lines down two planes, best first."""
        ours, theirs = self._changes(one), self._changes(other)
        moved = np.diff(theirs, axis=1, append=0).take(self._first, axis=1)
        moved *= self._share
        moved += theirs.take(self._first, axis=1)
        moved *= self._inside
        common = np.einsum("slr,sr->l", moved, ours)
        energy = (self._inside @ (ours**2).sum(axis=0)) * np.einsum("slr,slr->l", moved, moved)
        best = np.argsort(self._penalties - common / np.sqrt(energy + 1.0))[:_BEST]
        return [self._lines[index] for index in best]

    def _changes(self, plane: Plane) -> Plane:
        """Return the changes down of the mean levels of strips of columns, [strips, rows]."""
        strips = plane.reshape(len(plane), self._strips, -1).mean(axis=2).T
        return np.diff(strips, axis=1, prepend=strips[:, :1])


def _positions(line: Line, side: int) -> NDArray[np.float64]:
    """Return the pixels of the other picture, not whole, at which one picture's pixels are."""
    return (line.scale * _CENTRES[side] + (line.shift + 0.5)) * side - 0.5


_SEARCH = _Grid(
    _COARSE,
    4,
    np.geomspace(1 / LARGEST_SCALE, LARGEST_SCALE, 23),
    np.linspace(-LARGEST_SHIFT, LARGEST_SHIFT, 17),
)
_NEAR = _Grid(SIDE, 16, np.linspace(0.98, 1.02, 9), np.linspace(-0.018, 0.018, 15))


class _Fit(NamedTuple):
    """A placement, and what one picture has that the other, laid over it so, does not explain."""

    placement: Placement
    laid: Overlap
    gain: float
    rest: Plane
    left: float
    """The share of the contrast that is left over."""

    @classmethod
    def of(cls, one: Plane, other: Plane, placement: Placement) -> "_Fit":
        laid = overlap(other, placement)
        target = one[laid.rows, laid.columns]
        ours, theirs = target - target.mean(), laid.moved - laid.moved.mean()
        gain = float(np.vdot(ours, theirs)) / (float(np.vdot(theirs, theirs)) + _NOISE)
        rest = ours - gain * theirs
        contrast = float(np.vdot(ours, ours))
        return cls(placement, laid, gain, rest, float(np.vdot(rest, rest)) / (contrast + _NOISE * ours.size))


def _refined(one: Plane, other: Plane, start: Placement) -> _Fit:
    """Return the best fit that Gauss-Newton steps from `start` come by."""
    best = fit = _Fit.of(one, other, start)
    for _ in range(_STEPS[len(one)]):
        fit = _Fit.of(one, other, _moved(fit, len(one)))
        best = min(best, fit, key=lambda one: one.left)
    return best


def _moved(fit: _Fit, side: int) -> Placement:
    """Return the placement after one Gauss-Newton step."""
    down, across = fit.placement
    centres, rest = _CENTRES[side].astype(np.float32), fit.rest
    steep_down, steep_across = np.gradient(fit.laid.moved, 1 / side)
    steep_down *= fit.gain / down.scale
    steep_across *= fit.gain / across.scale
    parts = [
        steep_down * centres[fit.laid.rows, None],
        steep_down,
        steep_across * centres[fit.laid.columns],
        steep_across,
    ]
    flat = np.stack([part.ravel() for part in parts])
    system = (flat @ flat.T).astype(np.float64)
    system += np.eye(4) * (1e-3 * np.trace(system) / 4 + 1e-3)
    change = np.linalg.solve(system, (flat @ rest.ravel()).astype(np.float64))
    return Placement(_bounded(down, change[:2]), _bounded(across, change[2:]))


def _bounded(line: Line, change: NDArray[np.float64]) -> Line:
    scale = min(max(line.scale + float(change[0]), 1 / LARGEST_SCALE), LARGEST_SCALE)
    return Line(scale, min(max(line.shift + float(change[1]), -LARGEST_SHIFT), LARGEST_SHIFT))


def halved(picture: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return [side, side] or [side, side, channels] at half the side, by weights 1, 3, 3, 1 along both axes.

    Means of two would turn lines of text into waves that are not there.
    """
    return _halved_down(_halved_down(picture).swapaxes(0, 1)).swapaxes(0, 1)


def _halved_down(picture: NDArray[np.float32]) -> NDArray[np.float32]:
    wide = np.concatenate([picture[:1], picture, picture[-1:]])
    half: NDArray[np.float32] = wide[1:-2:2] + wide[2:-1:2]
    half *= 3
    half += wide[:-3:2]
    half += wide[3::2]
    half /= 8
    return half
