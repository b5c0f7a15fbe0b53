"""How two pictures differ, pixel by pixel, where both show the same: no net, and no learned weights.

The pictures are small squares, whatever their shapes were. One is laid over the other first, so that a copy
that was cut differs by little.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vision.registration import Overlap, Placement, Plane, halved, overlap, register
from vision.tensors import Picture

Channels = NDArray[np.float32]
"""Levels 0 to 255, [side, side, channels]."""

_LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)
_STRUCTURE_PARTS, _COLOUR_PARTS = 8, 16
"""Parts of a side that are judged by themselves."""
_WORST_STRUCTURE, _WORST_COLOUR = 8, 16
"""One of so many parts counts as among the worst."""
_LEAST_ENERGY = 1.0
"""Square of the levels a pixel that noise or a decoder's rounding may add to flat parts."""
_LARGEST_GAIN, _LARGEST_OFFSET = 1 / 0.6, 60.0
"""Changes of brightness that leave a picture the same: by a factor, and by levels of 255."""
_BLACK, _WHITE = 2.0, 253.0
"""Levels beyond which a change of brightness may have cut values."""
_LEAST_VARIANCE = 100.0
"""Square of the levels of contrast below which no gain can be fitted; it stays near 1."""


class Differences(NamedTuple):
    """Each is 0 for equal pictures."""

    down: float
    """1 less the correlation of the changes of brightness down the pictures."""
    across: float
    worst_structure: float
    """The same of both together, in the worst eighth of 8 x 8 parts."""
    colour: float
    """Distance of mean colours, of 16 x 16 parts, after a change of brightness; white to black is 1.7."""
    worst_colour: float
    """The same of the worst sixteenth of those parts."""


def differences(one: Picture, other: Picture) -> Differences:
    """Compare two RGB pictures, uint8 [128, 128, 3]; the same forth and back."""
    first, second = (picture.astype(np.float32) for picture in sorted((one, other), key=np.ndarray.tobytes))
    luma, other_luma = first @ _LUMA, second @ _LUMA
    placement = register(luma, other_luma)
    return Differences(
        *_structure(luma, overlap(other_luma, placement)), *_colour(halved(first), halved(second), placement)
    )


def _structure(one: Plane, laid: Overlap) -> tuple[float, float, float]:
    ours, theirs = (_gradients(plane) for plane in (one[laid.rows, laid.columns], laid.moved))
    products = np.stack([ours * theirs, ours * ours, theirs * theirs])
    least = np.float32(_LEAST_ENERGY)
    common, energy, other_energy = products.mean(axis=(2, 3)) + least
    down, across = 1 - common / np.sqrt(energy * other_energy)
    parts = _parts(np.moveaxis(products.sum(axis=1), 0, -1), laid, len(one), _STRUCTURE_PARTS)
    common, energy, other_energy = parts.T + least
    losses = 1 - common / np.sqrt(energy * other_energy)
    return float(down), float(across), _worst(losses, _WORST_STRUCTURE)


def _gradients(plane: Plane) -> Plane:
    """Return the changes down and across of a plane, blurred a little: half a pixel is no difference."""
    return np.stack(np.gradient(_blurred(_blurred(plane).T).T))


def _blurred(plane: Plane) -> Plane:
    """Return each row mixed with its neighbours, 1 to 2 to 1."""
    wide = np.pad(plane, ((1, 1), (0, 0)), mode="edge")
    blurred: Plane = wide[:-2] + wide[2:]
    blurred += 2 * plane
    blurred /= 4
    return blurred


def _colour(one: Channels, other: Channels, placement: Placement) -> tuple[float, float]:
    laid = overlap(other, placement)
    ours = one[laid.rows, laid.columns]
    rests = (_rest(*pair) for pair in ((laid.moved, ours), (ours, laid.moved)))
    parts = _parts(min(rests, key=lambda rest: float(np.vdot(rest, rest))), laid, len(one), _COLOUR_PARTS)
    squares = (parts**2).sum(axis=1) / 255**2
    return float(np.sqrt(squares.mean())), float(np.sqrt(_worst(squares, _WORST_COLOUR)))


def _rest(source: Channels, target: Channels) -> Channels:
    """Return what `target` has that `source` lacks when its brightness is changed and cut to 0..255.

    The change is fitted to all values or, if that explains more, to those that are not cut.
    """
    kept = (target > _BLACK) & (target < _WHITE)
    changes = [_brightness(source.ravel(), target.ravel())]
    if kept.any():
        changes.append(_brightness(source[kept], target[kept]))
    rests = [target - (source * gain + offset).clip(0, 255) for gain, offset in changes]
    return min(rests, key=lambda rest: float(np.vdot(rest, rest)))


def _brightness(source: Channels, target: Channels) -> tuple[float, float]:
    """Return the gain and the offset, the same for all channels, that bring `source` nearest to `target`."""
    middle, other_middle = float(source.mean()), float(target.mean())
    centred = source - middle
    common = float(centred @ target) / len(centred) + _LEAST_VARIANCE
    gain = common / (float(centred @ centred) / len(centred) + _LEAST_VARIANCE)
    gain = min(max(gain, 1 / _LARGEST_GAIN), _LARGEST_GAIN)
    return gain, min(max(other_middle - gain * middle, -_LARGEST_OFFSET), _LARGEST_OFFSET)


def _parts(values: NDArray[np.float32], laid: Overlap, side: int, count: int) -> NDArray[np.float32]:
    """Return the means [parts, channels] of `values` over the count x count parts that are mostly shown."""
    whole = np.zeros((side, side, values.shape[2] + 1), dtype=np.float32)
    whole[laid.rows, laid.columns, :-1] = values
    whole[laid.rows, laid.columns, -1] = 1
    size = side // count
    means = whole.reshape(count, size, count, size, -1).mean(axis=(1, 3)).reshape(count * count, -1)
    means = means[means[:, -1] > 0.5]
    shares: NDArray[np.float32] = means[:, :-1] / means[:, -1:]
    return shares


def _worst(values: NDArray[np.float32], share: int) -> float:
    """Return the mean of the largest, one of `share`."""
    count = max(1, len(values) // share)
    return float(np.partition(values, -count)[-count:].mean())
