"""The table of services: a service is one row here and its answer's schema."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Any

import numpy as np
import pybase64
from numpy.typing import NDArray

from gateway.big_lists import BigList, big_list
from gateway.errors import InternalFault
from gateway.mask_forms import DEFAULT, Renderer, classes_of_pixels, each_mask, one_mask
from gateway.mask_schemas import (
    ForegroundAnswerInForm,
    InstanceSegmentationAnswerInForm,
    SemanticSegmentationPictures,
    SemanticSegmentationRegions,
)
from gateway.schemas import (
    Answer,
    ClassificationAnswer,
    ColorizationAnswer,
    ForegroundAnswer,
    ForegroundRequest,
    ImageRequest,
    InstanceSegmentationAnswer,
    ObjectDetectionAnswer,
    OcrAnswer,
    PicturesRequest,
    SceneAnswer,
    SemanticSegmentationAnswer,
    ShelfAnswer,
    SimilarityAnswer,
    SimilarityRequest,
)
from gateway.tensors import Tensors, one_string
from vision.mask_formats import MaskFormat


def numbers(outputs: Tensors, name: str) -> NDArray[Any]:
    """Numbers in lists nested like the tensor's axes; orjson writes the array itself."""
    values = outputs[name]
    if not np.isfinite(values).all():
        raise InternalFault(detail=f"{name} holds numbers that are not finite")
    return values


def number(outputs: Tensors, name: str) -> int | float:
    """The only number."""
    value: int | float = numbers(outputs, name).item()
    return value


def texts(outputs: Tensors, name: str) -> list[str]:
    """A list of strings."""
    return [text.decode() for text in outputs[name].tolist()]


def text(outputs: Tensors, name: str) -> str:
    """The only string."""
    content: bytes = outputs[name].item()
    return content.decode()


def table(outputs: Tensors, name: str) -> BigList | NDArray[Any]:
    """Numbers in a list of lists, as many as a picture has pixels."""
    written = big_list(outputs[name])
    return numbers(outputs, name) if written is None else written


def base64_text(outputs: Tensors, name: str) -> str:
    """The only string, of any bytes, as Base64."""
    return pybase64.b64encode_as_string(outputs[name].item())


def by_label(labels: str) -> Renderer:
    """Numbers by name; the tensor `labels` has the names in order, joined by newlines."""

    def render(outputs: Tensors, name: str) -> dict[str, float]:
        values: list[float] = numbers(outputs, name).tolist()
        return dict(zip(_split(outputs[labels].item()), values, strict=True))

    return render


def counts(names: str, numbers_of: str) -> Renderer:
    """Whole numbers by name, in order; the tensors `names` and `numbers_of` have an element for each."""

    def render(outputs: Tensors, name: str) -> dict[str, int]:
        return dict(zip(texts(outputs, names), outputs[numbers_of].tolist(), strict=True))

    return render


@lru_cache(maxsize=16)
def _split(labels: bytes) -> tuple[str, ...]:
    names = tuple(labels.decode().split("\n"))
    if len(set(names)) != len(names):
        raise InternalFault(detail="two classes have the same label, so that one of them would be lost")
    return names


@dataclass(frozen=True, slots=True)
class Service:
    """How one service's JSON and its ensemble's tensors answer each other."""

    name: str
    """In the path, and of the ensemble."""
    summary: str
    request: type[PicturesRequest]
    pictures: tuple[str, ...]
    """Fields of the request with Base64 of a picture, and names of the BYTES tensors that take its file."""
    batched: bool
    """Whether the ensemble's tensors have a batch axis, which is 1 here and not part of an answer."""
    answer: type[Answer]
    fields: Mapping[str, Renderer]
    """The answer's own fields, in order."""
    in_form: Callable[[MaskFormat], Mapping[str, Renderer]] | None = None
    """The same where a request asks for masks in a form; None where an answer has no masks."""
    answers_in_form: tuple[type[Answer], ...] = ()
    """What they are then."""

    def inputs(self, files: Sequence[bytes]) -> Tensors:
        """Return the tensors of picture files, one for each of `pictures`."""
        return {
            name: one_string(file, batched=self.batched)
            for name, file in zip(self.pictures, files, strict=True)
        }

    def render(self, outputs: Tensors, form: MaskFormat | None = None) -> dict[str, Any]:
        """Return the answer's own fields. Raises InternalFault where a number is not finite."""
        fields = self.fields if form is None or self.in_form is None else self.in_form(form)
        return self._rendered(outputs, fields)

    def arrays(self, outputs: Tensors) -> dict[str, Any]:
        """Return the same as `render` with arrays in the place of tables, for who looks at it in memory."""
        fields = {name: numbers if renderer is table else renderer for name, renderer in self.fields.items()}
        return self._rendered(outputs, fields)

    def _rendered(self, outputs: Tensors, fields: Mapping[str, Renderer]) -> dict[str, Any]:
        if self.batched:
            outputs = {name: tensor[0] for name, tensor in outputs.items()}
        return {name: renderer(outputs, name) for name, renderer in fields.items()}


_DETECTIONS: dict[str, Renderer] = {
    "detection_boxes": numbers,
    "detection_scores": numbers,
    "detection_classes": numbers,
    "detection_class_names": texts,
}

_ROWS = (
    Service(
        name="image_classification",
        summary="What a picture shows, of a thousand classes",
        request=ImageRequest,
        pictures=("image",),
        batched=True,
        answer=ClassificationAnswer,
        fields={"class": number, "class_name": text, "class_probs": by_label("class_labels")},
    ),
    Service(
        name="scene_classification",
        summary="Where a picture was taken: indoors, outdoors, in nature",
        request=ImageRequest,
        pictures=("image",),
        batched=True,
        answer=SceneAnswer,
        fields={"class": numbers, "class_name": texts, "class_probs": by_label("class_labels")},
    ),
    Service(
        name="image_similarity",
        summary="How alike two pictures are",
        request=SimilarityRequest,
        pictures=("imagea", "imageb"),
        batched=False,
        answer=SimilarityAnswer,
        fields={"similarity": number, "l2_distance": number},
    ),
    Service(
        name="foreground_segmentation",
        summary="Which pixels of a picture show people",
        request=ForegroundRequest,
        pictures=("image",),
        batched=False,
        answer=ForegroundAnswer,
        fields={"human_ratio": text, "mask": table},
        in_form=lambda form: {"human_ratio": text, "mask": one_mask(form)},
        answers_in_form=(ForegroundAnswerInForm,),
    ),
    Service(
        name="semantic_segmentation",
        summary="Which of twenty kinds of things each pixel of a picture shows",
        request=ImageRequest,
        pictures=("image",),
        batched=False,
        answer=SemanticSegmentationAnswer,
        fields={"probs": table, "preds": table},
        in_form=classes_of_pixels,
        answers_in_form=(SemanticSegmentationPictures, SemanticSegmentationRegions),
    ),
    Service(
        name="object_detection",
        summary="Things of eighty kinds in a picture and where they are",
        request=ImageRequest,
        pictures=("image",),
        batched=False,
        answer=ObjectDetectionAnswer,
        fields=_DETECTIONS,
    ),
    Service(
        name="instance_segmentation",
        summary="Things of eighty kinds in a picture and which pixels show each of them",
        request=ImageRequest,
        pictures=("image",),
        batched=False,
        answer=InstanceSegmentationAnswer,
        fields=_DETECTIONS | {"detection_masks": each_mask(DEFAULT)},
        in_form=lambda form: _DETECTIONS | {"detection_masks": each_mask(form)},
        answers_in_form=(InstanceSegmentationAnswerInForm,),
    ),
    Service(
        name="shelf_counting",
        summary="The products on a shelf, where they stand and how many there are of each",
        request=ImageRequest,
        pictures=("image",),
        batched=False,
        answer=ShelfAnswer,
        fields=_DETECTIONS
        | {"product_count": counts("product_names", "product_counts"), "ori_img_shape": numbers},
    ),
    Service(
        name="image_colorization",
        summary="Colours for a picture in shades of grey",
        request=ImageRequest,
        pictures=("image",),
        batched=False,
        answer=ColorizationAnswer,
        fields={"out_image": base64_text},
    ),
    Service(
        name="ocr",
        summary="The text in a picture and where it stands",
        request=ImageRequest,
        pictures=("image",),
        batched=False,
        answer=OcrAnswer,
        fields=_DETECTIONS
        | {
            "detection_keypoints": numbers,
            "detection_texts_ids": numbers,
            "detection_texts": texts,
            "detection_texts_scores": numbers,
        },
    ),
)

SERVICES: Mapping[str, Service] = MappingProxyType({row.name: row for row in _ROWS})
