"""Answers as typed objects with arrays; their fields have the names of the documented answer's.

Boxes are float32 [n, 4] (top, left, bottom, right) in pixels of the upright picture, scores float32 [n] from
0 to 1, classes int32 [n]; masks bool [height, width] of the upright picture. Lists of names are tuples. Every
class's `from_answer` makes one from an answer, whose masks may be in any `mask_format`; it raises KeyError
for a field that lacks and ValueError for one that is not of its form.
"""

import base64
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from modelhub.http import Answer
from modelhub.masks import Mask, classes_of_pixels, decoded

Floats = NDArray[np.float32]
Integers = NDArray[np.int32]


def _floats(values: object, *axes: int) -> Floats:
    """Return float32 [n, *axes], also where n is 0 and no axis can be seen."""
    return np.asarray(values, dtype=np.float32).reshape(-1, *axes)


def _integers(values: object) -> Integers:
    return np.asarray(values, dtype=np.int32)


@dataclass(frozen=True, eq=False)
class Result:
    """What every answer has."""

    request_id: str


@dataclass(frozen=True, eq=False)
class ImageClassification(Result):
    """What the picture shows."""

    class_: int
    class_name: str
    class_probs: Mapping[str, float]

    @classmethod
    def from_answer(cls, answer: Answer) -> Self:
        """Read an answer."""
        return cls(answer["request_id"], answer["class"], answer["class_name"], answer["class_probs"])


@dataclass(frozen=True, eq=False)
class SceneClassification(Result):
    """Where the picture was taken: the five best, best first, and all probabilities by name."""

    class_: Integers
    class_name: tuple[str, ...]
    class_probs: Mapping[str, float]

    @classmethod
    def from_answer(cls, answer: Answer) -> Self:
        """Read an answer."""
        names = tuple(answer["class_name"])
        return cls(answer["request_id"], _integers(answer["class"]), names, answer["class_probs"])


@dataclass(frozen=True, eq=False)
class ImageSimilarity(Result):
    """How alike two pictures are: `similarity` from 0 to 100, distance of their features from 0."""

    similarity: float
    l2_distance: float

    @classmethod
    def from_answer(cls, answer: Answer) -> Self:
        """Read an answer."""
        return cls(answer["request_id"], answer["similarity"], answer["l2_distance"])


@dataclass(frozen=True, eq=False)
class ForegroundSegmentation(Result):
    """Where the picture shows people, and on what share of it."""

    human_ratio: float
    mask: Mask = field(repr=False)

    @classmethod
    def from_answer(cls, answer: Answer) -> Self:
        """Read an answer."""
        return cls(answer["request_id"], float(answer["human_ratio"]), decoded(answer["mask"]))


@dataclass(frozen=True, eq=False)
class SemanticSegmentation(Result):
    """What each pixel shows: `preds` uint8 [height, width], ids of `modelhub.voc.VOC_CLASSES`.

    `probs` float32 [height, width] is the probability of that class; where the answer has one mask a class it
    is the mean over the class's pixels, which is all that such an answer tells.
    """

    preds: NDArray[np.uint8] = field(repr=False)
    probs: Floats = field(repr=False)

    @classmethod
    def from_answer(cls, answer: Answer) -> Self:
        """Read an answer."""
        return cls(answer["request_id"], *classes_of_pixels(answer))


@dataclass(frozen=True, eq=False)
class ObjectDetection(Result):
    """Things in the picture, n of them, the surest first."""

    detection_boxes: Floats
    detection_scores: Floats
    detection_classes: Integers
    detection_class_names: tuple[str, ...]

    @classmethod
    def from_answer(cls, answer: Answer) -> Self:
        """Read an answer."""
        return cls(*_detections(answer))


def _detections(answer: Answer) -> tuple[str, Floats, Floats, Integers, tuple[str, ...]]:
    return (
        answer["request_id"],
        _floats(answer["detection_boxes"], 4),
        _floats(answer["detection_scores"]),
        _integers(answer["detection_classes"]),
        tuple(answer["detection_class_names"]),
    )


@dataclass(frozen=True, eq=False)
class InstanceSegmentation(ObjectDetection):
    """Things in the picture and which pixels show each."""

    encoded_masks: Sequence[Any] = field(repr=False)
    """The masks as answered: a hundred of a large picture would not fit into memory together."""

    def mask(self, index: int) -> Mask:
        """Return the mask of one detection."""
        return decoded(self.encoded_masks[index])

    @cached_property
    def detection_masks(self) -> NDArray[np.bool_]:
        """All masks, bool [n, height, width]; [0, 0, 0] where there is none."""
        masks = [decoded(one) for one in self.encoded_masks]
        return np.stack(masks) if masks else np.zeros((0, 0, 0), dtype=np.bool_)

    @classmethod
    def from_answer(cls, answer: Answer) -> Self:
        """Read an answer."""
        return cls(*_detections(answer), answer["detection_masks"])


@dataclass(frozen=True, eq=False)
class ShelfCounting(ObjectDetection):
    """Products on a shelf, how many there are of each, and (height, width) of the upright picture."""

    product_count: Mapping[str, int]
    ori_img_shape: tuple[int, int]

    @classmethod
    def from_answer(cls, answer: Answer) -> Self:
        """Read an answer."""
        height, width = (int(side) for side in answer["ori_img_shape"])
        return cls(*_detections(answer), answer["product_count"], (height, width))


@dataclass(frozen=True, eq=False)
class Ocr(ObjectDetection):
    """Lines of text: corners float32 [n, 4, 2], (y, x); ids int32 [n, longest]; what they say; how surely."""

    detection_keypoints: Floats
    detection_texts_ids: Integers
    detection_texts: tuple[str, ...]
    detection_texts_scores: Floats

    @classmethod
    def from_answer(cls, answer: Answer) -> Self:
        """Read an answer."""
        texts = tuple(answer["detection_texts"])
        return cls(
            *_detections(answer),
            _floats(answer["detection_keypoints"], 4, 2),
            _integers(answer["detection_texts_ids"]).reshape(len(texts), -1 if texts else 0),
            texts,
            _floats(answer["detection_texts_scores"]),
        )


@dataclass(frozen=True, eq=False)
class ImageColorization(Result):
    """The picture in colour: the bytes of a JPEG or PNG file."""

    out_image: bytes = field(repr=False)

    def picture(self) -> Image.Image:
        """Return the picture, RGB."""
        return Image.open(io.BytesIO(self.out_image)).convert("RGB")

    @classmethod
    def from_answer(cls, answer: Answer) -> Self:
        """Read an answer."""
        return cls(answer["request_id"], base64.b64decode(answer["out_image"]))


RESULTS: Mapping[str, Callable[[Answer], Result]] = {
    "image_classification": ImageClassification.from_answer,
    "scene_classification": SceneClassification.from_answer,
    "image_similarity": ImageSimilarity.from_answer,
    "foreground_segmentation": ForegroundSegmentation.from_answer,
    "semantic_segmentation": SemanticSegmentation.from_answer,
    "object_detection": ObjectDetection.from_answer,
    "instance_segmentation": InstanceSegmentation.from_answer,
    "shelf_counting": ShelfCounting.from_answer,
    "image_colorization": ImageColorization.from_answer,
    "ocr": Ocr.from_answer,
}


def result_of(service: str, answer: Answer) -> Result:
    """Return the typed form of an answer. Raises LookupError for a service that this client does not know."""
    try:
        read = RESULTS[service]
    except KeyError:
        raise LookupError(f"{service} has no typed results here; `answer` gives what it says") from None
    return read(answer)
