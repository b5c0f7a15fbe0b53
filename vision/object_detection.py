"""Object detection with an SSD: its anchors, the decoding of its boxes, and the choice among them.

Source: TensorFlow's Object Detection API as of March 2018 (`multiple_grid_anchor_generator.py`,
`faster_rcnn_box_coder.py`, `post_processing.py`), whose graph this follows from resampling to the last box.
"""

from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vision.manifest import Manifest
from vision.nms import Boxes, suppress_by_class
from vision.picture import open_image
from vision.resize import resize_bilinear_exact
from vision.tensors import Picture, Tensors


class AnchorLayer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One grid of anchors: cells along either side, and the shapes that stand on every cell.

    A shape is (scale, aspect ratio): square root of its area in sides of the picture, and width by height.
    """

    cells: int
    shapes: tuple[tuple[float, float], ...]


class ObjectDetectionSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the net was fed, and how its makers choose among its boxes."""

    size: int
    """Side of its square input, pixels."""
    ample_side: int
    """Pixels that are enough: a side of twice as many is first reduced by a whole factor, to no fewer."""
    layers: tuple[AnchorLayer, ...]
    centre_scale: float
    """What encoded centres were multiplied by in training."""
    size_scale: float
    class_ids: tuple[int, ...]
    """Columns of `class_logits` that are classes, in the order of the labels; the answer's ids."""
    min_score: float
    """Only scores above this are answered."""
    max_overlap: float
    """Intersection over union from which, exceeded, the worse of two boxes of a class is dropped."""
    max_per_class: int
    max_detections: int


def anchors(layers: Sequence[AnchorLayer]) -> Boxes:
    """Return all anchors in the net's order, float32 [n, 4] of (centre y, centre x, height, width).

    Unit: the picture's height and width. Order: by layer, row, column, shape.
    """
    return np.concatenate([_layer_anchors(layer) for layer in layers]).astype(np.float32)


def _layer_anchors(layer: AnchorLayer) -> NDArray[np.float64]:
    scales, ratios = np.array(layer.shapes, dtype=np.float64).T
    sizes = np.stack([scales / np.sqrt(ratios), scales * np.sqrt(ratios)], axis=1)
    centres = (np.indices((layer.cells, layer.cells)).reshape(2, -1).T + 0.5) / layer.cells
    return np.concatenate([centres.repeat(len(sizes), axis=0), np.tile(sizes, (len(centres), 1))], axis=1)


def decode_boxes(encodings: Boxes, anchors: Boxes, centre_scale: float, size_scale: float) -> Boxes:
    """Return boxes (top, left, bottom, right), float32 [n, 4] in the anchors' unit, clipped to the picture.

    `encodings` [n, 4] are (y, x, height, width) of a box relative to its anchor, the last two as logarithms.
    """
    centres = encodings[:, :2] / centre_scale * anchors[:, 2:] + anchors[:, :2]
    halves = np.exp(encodings[:, 2:] / size_scale) * anchors[:, 2:] / 2
    boxes: Boxes = np.concatenate([centres - halves, centres + halves], axis=1).clip(0, 1)
    return boxes


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

        Raises PictureError.
        """
        tensors, _ = self.with_source(image)
        return tensors

    def with_source(self, image: NDArray[np.object_]) -> tuple[Tensors, Picture]:
        """Return what a call does, and the picture, reduced if it is large, that `pixels` were made from."""
        (payload,) = image
        picture = open_image(payload)
        size = self._settings.size
        source = np.asarray(reduced(picture, self._settings.ample_side))
        tensors: Tensors = {
            "pixels": resize_bilinear_exact(source, size, size),
            "picture_size": np.array([picture.height, picture.width], dtype=np.int32),
        }
        return tensors, source


class ObjectDetectionPostprocess:
    """The net's raw outputs to the answer."""

    def __init__(self, net: Manifest) -> None:
        self._settings = settings = net.typed_settings(ObjectDetectionSettings)
        self._anchors = anchors(settings.layers)
        self._min_logit = np.log(settings.min_score / (1 - settings.min_score))
        self._names = dict(zip(settings.class_ids, (label.encode() for label in net.labels), strict=True))

    def __call__(
        self,
        box_encodings: NDArray[np.float32],
        class_logits: NDArray[np.float32],
        picture_size: NDArray[np.int32],
    ) -> Tensors:
        """Return the answer for `box_encodings` [anchors, 4] and `class_logits` [anchors, columns].

        `detection_boxes` float32 [n, 4] in pixels of the picture whose (height, width) is `picture_size`,
        `detection_scores` float32 [n], `detection_classes` int32 [n], `detection_class_names` [n];
        in falling order of scores. n may be 0.
        """
        where, classes = self._candidates(class_logits)
        scores = 1 / (1 + np.exp(-class_logits[where, classes]))
        boxes = self._boxes(box_encodings, where)
        kept = self._choose(boxes, scores, classes)
        return {
            "detection_boxes": boxes[kept] * np.tile(picture_size, 2).astype(np.float32),
            "detection_scores": scores[kept],
            "detection_classes": classes[kept].astype(np.int32),
            "detection_class_names": np.array(
                [self._names[one] for one in classes[kept].tolist()], np.object_
            ),
        }

    def _candidates(self, class_logits: NDArray[np.float32]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Return anchors and class ids whose score is over the least."""
        where, columns = np.nonzero(class_logits > self._min_logit)
        known = np.isin(columns, self._settings.class_ids)
        return where[known], columns[known]

    def _boxes(self, encodings: NDArray[np.float32], where: NDArray[np.intp]) -> Boxes:
        settings = self._settings
        return decode_boxes(
            encodings[where], self._anchors[where], settings.centre_scale, settings.size_scale
        )

    def _choose(
        self, boxes: Boxes, scores: NDArray[np.float32], classes: NDArray[np.intp]
    ) -> NDArray[np.intp]:
        """Return which candidates are answered; those with no area in the picture are not."""
        settings = self._settings
        visible = np.flatnonzero((boxes[:, 2:] > boxes[:, :2]).all(axis=1))
        kept = suppress_by_class(
            boxes[visible], scores[visible], classes[visible], settings.max_overlap, settings.max_per_class
        )
        best: NDArray[np.intp] = visible[kept[: settings.max_detections]]
        return best
