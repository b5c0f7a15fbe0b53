"""Object detection: what the net is fed with, and the choice among the boxes that it gives.

Nets differ inside (an SSD has anchors, a two-stage detector proposals) and are alike outside: float pixels of
a square in, boxes and probabilities of classes out. Sources: TensorFlow's Object Detection API as of March
2018 (`post_processing.py`) and torchvision's detection models (`transform.py`, `roi_heads.py`), which choose
alike.
"""

from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vision.manifest import Manifest
from vision.nms import Boxes, Indices, suppress_by_class
from vision.picture import open_image
from vision.resize import resize_bilinear_exact
from vision.tensors import Picture, Tensors

PADDING = -1.0
"""Value of the pixels beside a padded picture; no picture has it, so that a net can tell where one ends."""


class ObjectDetectionSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the net is fed, and how its makers choose among its boxes."""

    size: int
    """Side of its square input, pixels."""
    ample_side: int
    """Pixels that are enough: a side of twice as many is first reduced by a whole factor, to no fewer."""
    fit: Literal["squashed", "padded"]
    """How a picture becomes a square.

    `squashed`: both sides become `size`, as TensorFlow's `resize_bilinear` does. `padded`: the longer side
    becomes `size`, the sides' ratio is kept, and `PADDING` fills what is left at the right or the bottom, as
    torchvision's `GeneralizedRCNNTransform` does (bilinear from pixels' centres, not antialiased).
    """
    class_ids: tuple[int, ...]
    """Columns of `class_scores` that are classes, in the order of the labels; the answer's ids."""
    min_score: float
    """Only scores above this are answered."""
    max_overlap: float
    """Intersection over union from which, exceeded, the worse of two boxes of a class is dropped."""
    max_per_class: int
    max_detections: int
    mask_threshold: float | None = None
    """Probability above which a pixel of a mask that the net itself draws belongs to the thing.

    None where it draws none.
    """


def fitted(height: int, width: int, settings: ObjectDetectionSettings) -> tuple[int, int]:
    """Return (height, width), in pixels of the net's square, of what a picture of that size becomes in it."""
    size, longer = settings.size, max(height, width)
    if settings.fit == "squashed":
        return size, size
    return max(1, height * size // longer), max(1, width * size // longer)


def to_picture(boxes: Boxes, picture_size: NDArray[np.int32], settings: ObjectDetectionSettings) -> Boxes:
    """Return boxes in sides of the net's square as boxes in pixels of the picture, clipped to it.

    Both are float32 [n, 4] of (top, left, bottom, right); `picture_size` is (height, width).
    """
    height, width = picture_size.tolist()
    shares = np.array(fitted(height, width, settings), dtype=np.float32) / np.float32(settings.size)
    sides = np.array((height, width), dtype=np.float32)
    places: Boxes = (boxes * np.tile(sides / shares, 2)).clip(0, np.tile(sides, 2))
    return places


def reduced(picture: Image.Image, ample_side: int) -> Image.Image:
    """Return `picture` averaged over blocks of pixels; no side comes below `ample_side` by it."""
    factors = (max(1, picture.width // ample_side), max(1, picture.height // ample_side))
    return picture if factors == (1, 1) else picture.reduce(factors)


class ObjectDetectionPreprocess:
    """`image` BYTES [1] to what the net reads, and the size of the picture that boxes refer to."""

    def __init__(self, net: Manifest) -> None:
        self._settings = net.typed_settings(ObjectDetectionSettings)

    def __call__(self, image: NDArray[np.object_]) -> Tensors:
        """Return `pixels` float32 RGB [size, size, 3], 0 to 255, and `picture_size` int32 [2]: height, width.

        Pixels beside a padded picture are `PADDING`. Raises PictureError.
        """
        tensors, _ = self.with_source(image)
        return tensors

    def with_source(self, image: NDArray[np.object_]) -> tuple[Tensors, Picture]:
        """Return what a call does, and the picture, reduced if it is large, that `pixels` were made from."""
        (payload,) = image
        picture = open_image(payload)
        source = np.asarray(reduced(picture, self._settings.ample_side))
        tensors: Tensors = {
            "pixels": self._square(source, *fitted(picture.height, picture.width, self._settings)),
            "picture_size": np.array([picture.height, picture.width], dtype=np.int32),
        }
        return tensors, source

    def _square(self, source: Picture, height: int, width: int) -> NDArray[np.float32]:
        size = self._settings.size
        if self._settings.fit == "squashed":
            return resize_bilinear_exact(source, size, size)
        square = np.full((size, size, 3), PADDING, dtype=np.float32)
        square[:height, :width] = resize_bilinear_exact(source, height, width, centred=True)
        return square


class ObjectDetectionPostprocess:
    """The net's boxes and scores to the answer."""

    def __init__(self, net: Manifest) -> None:
        self._settings = settings = net.typed_settings(ObjectDetectionSettings)
        self._names = dict(zip(settings.class_ids, (label.encode() for label in net.labels), strict=True))

    def __call__(
        self,
        boxes: NDArray[np.float32],
        class_scores: NDArray[np.float32],
        picture_size: NDArray[np.int32],
    ) -> Tensors:
        """Return the answer for `boxes` [n, k, 4] and `class_scores` [n, columns].

        Boxes are (top, left, bottom, right) in sides of the net's square; k is 1 where all classes of a row
        share a box, else there is one for every column. Scores are probabilities.

        `detection_boxes` float32 [m, 4] in pixels of the picture whose (height, width) is `picture_size`,
        `detection_scores` float32 [m], `detection_classes` int32 [m], `detection_class_names` [m];
        in falling order of scores. m may be 0.
        """
        answer, _ = self.with_rows(boxes, class_scores, picture_size)
        return answer

    def with_rows(
        self,
        boxes: NDArray[np.float32],
        class_scores: NDArray[np.float32],
        picture_size: NDArray[np.int32],
    ) -> tuple[Tensors, Indices]:
        """Return what a call does, and the row of `boxes` that each detection is."""
        rows, classes = self._candidates(class_scores)
        scores = class_scores[rows, classes]
        own = boxes[rows, classes if boxes.shape[1] > 1 else 0]
        places = to_picture(own, picture_size, self._settings)
        kept = self._choose(places, scores, classes)
        answer: Tensors = {
            "detection_boxes": places[kept],
            "detection_scores": scores[kept],
            "detection_classes": classes[kept].astype(np.int32),
            "detection_class_names": np.array(
                [self._names[one] for one in classes[kept].tolist()], np.object_
            ),
        }
        return answer, rows[kept]

    def _candidates(self, class_scores: NDArray[np.float32]) -> tuple[Indices, Indices]:
        """Return rows and class ids whose score is over the least."""
        rows, columns = np.nonzero(class_scores > self._settings.min_score)
        known = np.isin(columns, self._settings.class_ids)
        return rows[known], columns[known]

    def _choose(self, boxes: Boxes, scores: NDArray[np.float32], classes: Indices) -> Indices:
        """Return which candidates are answered; those with no area in the picture are not."""
        settings = self._settings
        visible = np.flatnonzero((boxes[:, 2:] > boxes[:, :2]).all(axis=1))
        kept = suppress_by_class(
            boxes[visible], scores[visible], classes[visible], settings.max_overlap, settings.max_per_class
        )
        best: Indices = visible[kept[: settings.max_detections]]
        return best
