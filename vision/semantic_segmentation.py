"""Semantic segmentation: the class of every pixel, of a fixed list of classes, and how probable it is.

The net gives probabilities of all classes on a coarse grid. They are enlarged to the picture's size by
half-pixel bilinear sampling, and there the most probable class is chosen.
"""

import msgspec
import numpy as np
from numpy.typing import NDArray

from vision.manifest import Manifest
from vision.resize import Window, windows
from vision.squash import squashed
from vision.tensors import Tensors

DECIMALS = 4
"""Of the probabilities in an answer, so that they are the same as numbers and as text."""

_WINDOW_WIDTH = 512  # few classes meet in a small window
_ROUNDING = 1e-5  # more than the error of enlarging in 32-bit floats


class SemanticSegmentationSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Side of the net's square input, pixels."""

    size: int


class SemanticSegmentationPreprocess:
    """`image` BYTES [1] to what the net reads, and the size of the picture that the answer refers to."""

    def __init__(self, net: Manifest) -> None:
        self._side = net.typed_settings(SemanticSegmentationSettings).size

    def __call__(self, image: NDArray[np.object_]) -> Tensors:
        """Return `pixels` uint8 RGB [size, size, 3], squashed and antialiased, and `picture_size` int32 [2].

        `picture_size` is the upright picture's height and width. Raises PictureError.
        """
        return squashed(image.item(), self._side)


class SemanticSegmentationPostprocess:
    """`class_probs` float32 [h, w, classes] to the classes of the picture's pixels."""

    def __init__(self, net: Manifest) -> None:
        self._classes = len(net.labels)

    def __call__(self, class_probs: NDArray[np.float32], picture_size: NDArray[np.int32]) -> Tensors:
        """Return `preds` uint8 [height, width], class ids, and `probs` float32 [height, width], theirs.

        Probabilities are rounded to `DECIMALS`. Raises ValueError where there are not as many classes as
        labels.
        """
        if class_probs.shape[2] != self._classes:
            raise ValueError(f"{class_probs.shape[2]} classes, {self._classes} labels")
        height, width = picture_size.tolist()
        probs, preds = most_probable(class_probs, height, width)
        return {"probs": probs, "preds": preds}


def most_probable(
    class_probs: NDArray[np.float32], height: int, width: int
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Return, for every pixel of [height, width], the largest of the enlarged probabilities and its class.

    Of equal ones the first class is taken. In each window of the result only those classes are enlarged that
    can win somewhere in it, which gives the same as enlarging all.
    """
    probs = np.empty((height, width), dtype=np.float32)
    preds = np.empty((height, width), dtype=np.uint8)
    planes = np.ascontiguousarray(class_probs.transpose(2, 0, 1))
    possible = can_win(class_probs)
    for window in windows(class_probs.shape[:2], height, width, _WINDOW_WIDTH):
        classes = np.flatnonzero(possible[window.source_rows, window.source_columns].any(axis=(0, 1)))
        best, chosen = _best(window, planes, classes)
        np.round(best, DECIMALS, out=probs[window.rows, window.columns])
        preds[window.rows, window.columns] = chosen
    return probs, preds


def can_win(class_probs: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return, for each point of the grid [h, w, classes], which classes can win in the cell beginning there.

    A cell lies between four points. Nowhere in it does a class exceed its largest value at the four, nor
    come below its smallest: it cannot win where some other class's smallest exceeds its own largest.
    """
    padded = np.pad(class_probs, ((0, 1), (0, 1), (0, 0)), mode="edge")
    corners = (padded[:-1, :-1], padded[:-1, 1:], padded[1:, :-1], padded[1:, 1:])
    least = np.minimum.reduce(corners).max(axis=2, keepdims=True)
    possible: NDArray[np.bool_] = np.maximum.reduce(corners) >= least - np.float32(_ROUNDING)
    return possible


def _best(
    window: Window, planes: NDArray[np.float32], classes: NDArray[np.intp]
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Return the largest value of the enlarged planes of `classes`, which rise, and the class that has it."""
    best = window.enlarged(planes[classes[0]])
    chosen = np.full(best.shape, classes[0], dtype=np.uint8)
    for one in classes[1:]:
        values = window.enlarged(planes[one])
        np.copyto(chosen, np.uint8(one), where=values > best)
        np.maximum(best, values, out=best)
    return best, chosen
