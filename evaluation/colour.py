"""How far colours are from the true ones, and how vivid they are, in CIE Lab (D65, sRGB)."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from vision.tensors import Picture

_TO_XYZ = np.array(
    [[0.412453, 0.357580, 0.180423], [0.212671, 0.715160, 0.072169], [0.019334, 0.119193, 0.950227]],
    dtype=np.float32,
)
_WHITE = np.array([0.950456, 1.0, 1.088754], dtype=np.float32)
_UNIT = np.arange(256, dtype=np.float32) / 255
_LINEAR = np.where(_UNIT > 0.04045, ((_UNIT + 0.055) / 1.055) ** 2.4, _UNIT / 12.92).astype(np.float32)


def lab(picture: Picture) -> NDArray[np.float32]:
    """Return (L, a, b), float32 [height, width, 3], of an RGB picture."""
    relative = _LINEAR[picture] @ (_TO_XYZ / _WHITE[:, None]).T
    x, y, z = np.moveaxis(np.where(relative > 0.008856, np.cbrt(relative), 7.787 * relative + 16 / 116), 2, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=2)


@dataclass(frozen=True)
class ColourErrors:
    """Sums over pixels of pictures; all but `pixels` are distances in the plane of a and b."""

    pixels: int
    error: float
    """From the true colour."""
    strength: float
    """From grey."""
    true_strength: float
    """Of the true colour from grey: what the error of a grey picture is."""

    @classmethod
    def of(cls, ours: Picture, truth: Picture) -> Self:
        """Return the sums of one picture."""
        our_colour, true_colour = lab(ours)[..., 1:], lab(truth)[..., 1:]
        distances = (
            np.linalg.norm(one, axis=2) for one in (our_colour - true_colour, our_colour, true_colour)
        )
        return cls(true_colour[..., 0].size, *(float(one.sum(dtype=np.float64)) for one in distances))

    @classmethod
    def total(cls, parts: Iterable[Self]) -> Self:
        """Return the sums of several pictures."""
        rows = [(one.pixels, one.error, one.strength, one.true_strength) for one in parts]
        pixels, *sums = (sum(column) for column in zip(*rows, strict=True))
        return cls(int(pixels), *sums)

    @property
    def error_ratio(self) -> float:
        """The mean error over that of leaving the pictures grey."""
        return self.error / self.true_strength

    @property
    def vividness(self) -> float:
        """The mean strength of colour over the truth's."""
        return self.strength / self.true_strength
