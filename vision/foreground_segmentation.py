"""Foreground segmentation: which pixels show people.

The picture is squashed to the net's square, and the net's map is enlarged to the picture's size by half-pixel
bilinear sampling.
"""

from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from vision.manifest import Manifest
from vision.resize import enlarge_in_tiles
from vision.squash import squashed
from vision.tensors import Tensors


class ForegroundSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Side of the net's square input in pixels, and the foreground's lower bound, which it exceeds."""

    size: int
    threshold: float


class ForegroundPreprocess:
    """`image` BYTES [1] to `pixels` uint8 RGB [size, size, 3] and `picture_size` int32 [2]: height, width."""

    def __init__(self, net: Manifest) -> None:
        self._side = net.typed_settings(ForegroundSettings).size

    def __call__(self, image: NDArray[np.object_]) -> Tensors:
        """Raises PictureError for a picture that cannot be decoded."""
        return squashed(image.item(), self._side)


class ForegroundPostprocess:
    """`alpha` float32 [h, w] to the mask of the upright picture and the share that it covers."""

    def __init__(self, net: Manifest) -> None:
        self._threshold = net.typed_settings(ForegroundSettings).threshold

    def __call__(
        self, alpha: NDArray[np.float32], picture_size: NDArray[np.int32]
    ) -> dict[str, NDArray[Any]]:
        """Return `mask` uint8 [height, width] of 0 and 1, and `human_ratio` BYTES [1], a decimal fraction."""
        height, width = picture_size.tolist()
        mask = foreground_mask(alpha, height, width, self._threshold)
        ratio = f"{np.count_nonzero(mask) / mask.size:.6f}"  # never with an exponent
        return {"mask": mask, "human_ratio": np.array([ratio.encode()], dtype=np.object_)}


def foreground_mask(
    alpha: NDArray[np.float32], height: int, width: int, threshold: float
) -> NDArray[np.uint8]:
    """Return uint8 [height, width], 1 where enlarged `alpha`, float32 [h, w], exceeds `threshold`, else 0."""
    mask = np.empty((height, width), dtype=np.bool_)
    for rows, columns, values in enlarge_in_tiles(alpha, height, width):
        np.greater(values, threshold, out=mask[rows, columns])
    return mask.view(np.uint8)
