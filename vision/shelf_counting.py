"""Counting of products on a shelf: a YOLOv5 finds them, a classifier names each, and the names are counted.

The detector's own classes are not answered: which product it is, the classifier says.
"""

import asyncio
from collections import Counter
from collections.abc import Iterable

import msgspec
import numpy as np
from numpy.typing import NDArray

from vision.letterbox import Letterbox, letterbox
from vision.manifest import Manifest
from vision.nms import Boxes
from vision.picture import open_image
from vision.regions import cut_regions
from vision.shelf_detection import ShelfDetection, ShelfDetectionSettings
from vision.tensors import Infer, Picture, Tensors


class ShelfClassificationSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the classifier is fed."""

    size: int
    """Side of its square input, pixels; crops are squashed to it."""
    max_crops: int
    """Crops in one batch."""


def product_counts(names: Iterable[str]) -> dict[str, int]:
    """Return how often each name occurs, in the order in which they appear first."""
    return dict(Counter(names))


class ShelfCountingPreprocess:
    """`image` BYTES [1] to what the detector reads, and what crops are cut from."""

    def __init__(self, detection: Manifest) -> None:
        self._settings = detection.typed_settings(ShelfDetectionSettings)

    def __call__(self, image: NDArray[np.object_]) -> Tensors:
        """Return `pixels` uint8 [size, size, 3], `picture` uint8 [H, W, 3], `geometry` float32 [4].

        Raises PictureError.
        """
        picture = open_image(image.item())
        pixels, place = letterbox(picture, self._settings.size, self._settings.padding)
        return {
            "pixels": pixels,
            "picture": np.asarray(picture),
            "geometry": np.array(place, dtype=np.float32),
        }


class ShelfCountingPostprocess:
    """Candidates to named products and their counts. Runs both nets itself: by tiles, by batches of crops."""

    def __init__(self, detection: Manifest, classification: Manifest) -> None:
        self._detection = ShelfDetection(detection)
        self._classification = classification.typed_settings(ShelfClassificationSettings)
        self._net, self._labels = classification.net, classification.labels

    async def __call__(
        self,
        candidates: NDArray[np.float32],
        picture: Picture,
        geometry: NDArray[np.float32],
        infer: Infer,
    ) -> Tensors:
        """Return the answer for `candidates` [m, 5 + classes] of `picture` [H, W, 3].

        The columns are cx, cy, width, height in pixels of the letterbox, objectness, and the detector's class
        scores. The answer: `detection_boxes` float32 [n, 4] in pixels of the picture; `detection_scores`
        float32 [n], the detector's score times the classifier's probability, falling; `detection_classes`
        int32 [n], columns of the classifier; `detection_class_names` [n]; `product_names` [k] and
        `product_counts` int32 [k], in the order in which the names appear first; `ori_img_shape` int32 [2].
        n and k may be 0.
        """
        height, width = picture.shape[:2]
        place = Letterbox(*geometry.tolist())
        boxes, found_scores = await self._detection(candidates, picture, place, infer)
        classes, probs = await self._classify(picture, boxes, infer)
        scores = found_scores * probs
        order = np.argsort(-scores, kind="stable")
        return self._answer(boxes[order], scores[order], classes[order]) | {
            "ori_img_shape": np.array([height, width], dtype=np.int32)
        }

    async def _classify(
        self, picture: Picture, boxes: Boxes, infer: Infer
    ) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
        """Return the most probable class of what is in each box, and its probability."""
        step = self._classification.max_crops
        parts = await asyncio.gather(
            *(
                self._class_probs(picture, boxes[start : start + step], infer)
                for start in range(0, len(boxes), step)
            )
        )
        probs = np.concatenate([np.zeros((0, len(self._labels)), dtype=np.float32), *parts])
        return probs.argmax(axis=1), probs.max(axis=1)

    async def _class_probs(self, picture: Picture, boxes: Boxes, infer: Infer) -> NDArray[np.float32]:
        size = self._classification.size
        crops = cut_regions(picture, boxes, size, size)
        return (await infer(self._net, {"crops": crops}))["class_probs"]

    def _answer(self, boxes: Boxes, scores: NDArray[np.float32], classes: NDArray[np.intp]) -> Tensors:
        names = [self._labels[one] for one in classes.tolist()]
        counts = product_counts(names)
        return {
            "detection_boxes": boxes,
            "detection_scores": scores,
            "detection_classes": classes.astype(np.int32),
            "detection_class_names": _strings(names),
            "product_names": _strings(counts),
            "product_counts": np.fromiter(counts.values(), dtype=np.int32),
        }


def _strings(texts: Iterable[str]) -> NDArray[np.object_]:
    return np.array([text.encode() for text in texts], dtype=np.object_)
