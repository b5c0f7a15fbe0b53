"""Similarity of two pictures: the distance of their features, and a calibrated map of it to 0..100."""

import math

import msgspec
import numpy as np
from numpy.typing import NDArray

from vision.classification import Kernel, central_square
from vision.manifest import Manifest
from vision.picture import open_image
from vision.tensors import Tensors

SAME, THRESHOLD, NOTHING_IN_COMMON = 100.0, 80.0, 0.0
"""The contract's scale: the same picture; below it different pictures; the least."""
LARGEST_DISTANCE = math.sqrt(2)
"""Of two vectors of unit length without negative components, as pooled activations of ReLU nets are."""


class SimilaritySettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the net is fed, as in classification, and the calibration of its distances.

    `same_picture_distance` is the distance that becomes 80, `fitted_on` how it was found.
    """

    size: int
    central_fraction: float
    same_picture_distance: float
    fitted_on: str
    kernel: Kernel = "bicubic"


def similarity(distance: float, same_picture_distance: float) -> float:
    """Return 100 at distance 0, 80 at `same_picture_distance`, 0 at the largest distance, linear between."""
    knots = [0.0, same_picture_distance, LARGEST_DISTANCE]
    return float(np.interp(distance, knots, [SAME, THRESHOLD, NOTHING_IN_COMMON]))


class SimilarityPreprocess:
    """`imagea` and `imageb`, BYTES [1] each, to `pixels` uint8 RGB [2, size, size, 3]: one batch."""

    def __init__(self, net: Manifest) -> None:
        self._settings = net.typed_settings(SimilaritySettings)

    def __call__(self, imagea: NDArray[np.object_], imageb: NDArray[np.object_]) -> Tensors:
        """Raises PictureError for the first picture that cannot be decoded."""
        fed = self._settings
        pictures = (open_image(image.item(), short_side=fed.size) for image in (imagea, imageb))
        squares = [central_square(one, fed.size, fed.central_fraction, fed.kernel) for one in pictures]
        return {"pixels": np.stack(squares)}


class SimilarityPostprocess:
    """`features` float32 [2, channels] of unit length to `similarity` and `l2_distance`, float32 [1] each."""

    def __init__(self, net: Manifest) -> None:
        self._settings = net.typed_settings(SimilaritySettings)

    def __call__(self, features: NDArray[np.float32]) -> Tensors:
        """Return the two numbers of the answer."""
        distance = float(np.linalg.norm(features[0] - features[1]))
        score = similarity(distance, self._settings.same_picture_distance)
        return {
            "similarity": np.array([score], dtype=np.float32),
            "l2_distance": np.array([distance], dtype=np.float32),
        }
