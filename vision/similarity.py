"""Similarity of two pictures by how far apart their features are, and by how their pixels differ.

The net's features tell what a picture shows, and say little of text, flat colours and small parts.
Pixels tell copies from all else, and say nothing of how alike different pictures are. A weighted sum of both
decides.
"""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from modelhub_pictures.formats import HEAD_BYTES, format_of
from vision.classification import RESAMPLING, Kernel
from vision.comparison import Differences, differences
from vision.manifest import Manifest
from vision.picture import image_bytes, open_image
from vision.registration import SIDE
from vision.tensors import Picture, Tensors

SAME, LARGEST_OF_OTHERS, THRESHOLD = 100.0, 99.9, 80.0
"""The contract's scale: the same pixels, and they alone; below the last, different pictures."""
_SMALLEST_DISTANCE = 1e-6
"""Of pictures whose pixels differ, however alike the net finds them."""
_REDUCED = 4.0
"""Mean levels that a JPEG may differ by from a file of other kind with the same pixels, decoded reduced."""
_ROWS_AT_ONCE = 256


class SimilaritySettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the net is fed, and the calibration of its distances.

    The net sees all of a picture, squeezed into a square. Copies of photos are nearer than
    `same_picture_distance`, other photos farther; `fitted_on` says how it was found.
    """

    size: int
    same_picture_distance: float
    fitted_on: str
    kernel: Kernel = "bicubic"


class Weights(NamedTuple):
    """Of the sum that is 1 where pictures begin to be different ones."""

    features: float
    """Of the features' distance, over `same_picture_distance`."""
    pixels: Differences


WEIGHTS = Weights(0.2, Differences(0.6, 1.7, 0.8, 0.8, 4.2))
"""Chosen between those that `python -m bench.similarity weights` fitted, before the measure of colours last
changed, and scaled after a look at 20 held-out pairs of each kind."""


def unlikeness(distance: float, pixels: Differences) -> float:
    """Return the weighted sum: 0 for equal pictures, 1 where different ones begin.

    `distance` is that of the features, over the net's `same_picture_distance`.
    """
    return WEIGHTS.features * distance + float(np.dot(WEIGHTS.pixels, pixels))


def similarity(unlike: float) -> float:
    """Return the similarity of pictures whose pixels are not all the same: 80 at 1, towards 0 beyond."""
    if unlike > 1:
        return THRESHOLD / unlike
    return min(SAME - (SAME - THRESHOLD) * unlike, LARGEST_OF_OTHERS)


class SimilarityPreprocess:
    """`imagea` and `imageb`, BYTES [1] each, to `pixels`, one batch of the net, and what pixels alone tell.

    `pixels` is uint8 RGB [2, size, size, 3], `differences` float32 [5], `same_pixels` bool [1].
    """

    def __init__(self, net: Manifest) -> None:
        self._settings = net.typed_settings(SimilaritySettings)

    def __call__(self, imagea: NDArray[np.object_], imageb: NDArray[np.object_]) -> Tensors:
        """Raises PictureError for the first picture that cannot be decoded."""
        fed, files = self._settings, (imagea.item(), imageb.item())
        squares = [squeezed(open_image(file, short_side=fed.size), fed.size, fed.kernel) for file in files]
        small = (squeezed(Image.fromarray(square), SIDE) for square in squares)
        return {
            "pixels": np.stack(squares),
            "differences": np.array(differences(*small), dtype=np.float32),
            "same_pixels": np.array([_may_be_same(files, squares) and same_pixels(*files)]),
        }


def squeezed(image: Image.Image, size: int, kernel: Kernel = "bicubic") -> Picture:
    """Return all of an RGB image as uint8 [size, size, 3], antialiased."""
    return np.asarray(image.resize((size, size), RESAMPLING[kernel]))


def _may_be_same(files: Sequence[bytes], squares: Sequence[Picture]) -> bool:
    """Tell whether it is worth decoding two files in full to compare all their pixels."""
    if (squares[0] == squares[1]).all():
        return True
    kinds = [format_of(image_bytes(file)[:HEAD_BYTES]) for file in files]
    difference = np.abs(squares[0].astype(np.int16) - squares[1]).mean()
    return kinds.count("JPEG") == 1 and bool(difference < _REDUCED)


def same_pixels(one: bytes, other: bytes) -> bool:
    """Tell whether two picture files, or Base64 texts of them, show the same pixels."""
    if one == other:
        return True
    image, another = open_image(one), open_image(other)
    width, height = image.size
    bands = ((0, top, width, top + _ROWS_AT_ONCE) for top in range(0, height, _ROWS_AT_ONCE))
    return image.size == another.size and all(
        image.crop(band).tobytes() == another.crop(band).tobytes() for band in bands
    )


class SimilarityPostprocess:
    """`features` float32 [2, channels] of unit length, and what pixels told, to the answer.

    It is `similarity` and `l2_distance`, float32 [1] each.
    """

    def __init__(self, net: Manifest) -> None:
        self._settings = net.typed_settings(SimilaritySettings)

    def __call__(
        self,
        features: NDArray[np.float32],
        differences: NDArray[np.float32],
        same_pixels: NDArray[np.bool_],
    ) -> Tensors:
        """Return the two numbers of the answer."""
        distance, score = 0.0, SAME
        if not same_pixels.item():
            distance = max(float(np.linalg.norm(features[0] - features[1])), _SMALLEST_DISTANCE)
            relative = distance / self._settings.same_picture_distance
            score = similarity(unlikeness(relative, Differences(*differences.tolist())))
        return {
            "similarity": np.array([score], dtype=np.float32),
            "l2_distance": np.array([distance], dtype=np.float32),
        }
