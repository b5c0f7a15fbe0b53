"""How the ensembles' tensors and the documented answers correspond, for those who ask Triton itself.

The gateway has the same table (`gateway/services.py`), which callers do not install; tests compare the two.
"""

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from modelhub.errors import ServiceError
from modelhub.http import Answer

INTERNAL_FAULT = 50001

Tensors = Mapping[str, NDArray[Any]]
"""Output arrays by name; strings are object arrays of `bytes`."""

Renderer = Callable[[Tensors, str], Any]
"""Makes the answer's field of that name from the tensors; what it returns may hold arrays."""


@dataclass(frozen=True, slots=True)
class Ensemble:
    """One service's tensors."""

    fields: Mapping[str, Renderer]
    """The answer's own fields, in order."""
    pictures: tuple[str, ...] = ("image",)
    """Names of the BYTES inputs, each of a picture file."""
    batched: bool = False
    """Whether tensors have a batch axis, which is 1 here and not part of an answer."""

    def shape(self) -> tuple[int, ...]:
        """Return the shape of every input."""
        return (1, 1) if self.batched else (1,)

    def render(self, request_id: str, outputs: Tensors) -> Answer:
        """Return the documented answer, with arrays where `plain` makes lists of numbers."""
        if self.batched:
            outputs = {name: tensor[0] for name, tensor in outputs.items()}
        own = {name: renderer(outputs, name) for name, renderer in self.fields.items()}
        return {"request_id": request_id, "success": True} | own


def plain(answer: Answer) -> Answer:
    """Return an answer as if parsed from the gateway's JSON, each float32 as its shortest number."""
    parsed: Answer = orjson.loads(orjson.dumps(answer, option=orjson.OPT_SERIALIZE_NUMPY))
    return parsed


def _fault(message: str) -> ServiceError:
    return ServiceError.of_code(INTERNAL_FAULT, message)


def _numbers(outputs: Tensors, name: str) -> NDArray[Any]:
    values = outputs[name]
    if not np.isfinite(values).all():
        raise _fault(f"{name} holds numbers that are not finite")
    return np.ascontiguousarray(values)


def _number(outputs: Tensors, name: str) -> int | float:
    value: int | float = _numbers(outputs, name).item()
    return value


def _texts(outputs: Tensors, name: str) -> list[str]:
    return [text.decode() for text in outputs[name].tolist()]


def _text(outputs: Tensors, name: str) -> str:
    (text,) = _texts(outputs, name)
    return text


def _file(outputs: Tensors, name: str) -> str:
    return base64.b64encode(outputs[name].item()).decode("ascii")


def _probabilities(outputs: Tensors, name: str) -> dict[str, float]:
    """By name; the tensor `class_labels` has the names in order, joined by newlines."""
    names = outputs["class_labels"].item().decode().split("\n")
    by_name = dict(zip(names, _numbers(outputs, name).tolist(), strict=True))
    if len(by_name) < len(names):
        raise _fault("two classes have the same label, so that one of them would be lost")
    return by_name


def _counts(outputs: Tensors, _name: str) -> dict[str, int]:
    return dict(zip(_texts(outputs, "product_names"), outputs["product_counts"].tolist(), strict=True))


def _run_lengths(outputs: Tensors, name: str) -> list[dict[str, Any]]:
    """Cut `<name>_counts` at `<name>_lengths`; all are of `<name>_size`."""
    lengths, size = outputs[f"{name}_lengths"], outputs[f"{name}_size"].tolist()
    ends = np.cumsum(lengths)
    counts = outputs[f"{name}_counts"]
    return [
        {"counts": np.ascontiguousarray(counts[start:end]), "size": size}
        for start, end in zip(ends - lengths, ends, strict=True)
    ]


_DETECTIONS: Mapping[str, Renderer] = {
    "detection_boxes": _numbers,
    "detection_scores": _numbers,
    "detection_classes": _numbers,
    "detection_class_names": _texts,
}

ENSEMBLES: Mapping[str, Ensemble] = {
    "image_classification": Ensemble(
        {"class": _number, "class_name": _text, "class_probs": _probabilities}, batched=True
    ),
    "scene_classification": Ensemble(
        {"class": _numbers, "class_name": _texts, "class_probs": _probabilities}, batched=True
    ),
    "image_similarity": Ensemble(
        {"similarity": _number, "l2_distance": _number}, pictures=("imagea", "imageb")
    ),
    "foreground_segmentation": Ensemble({"human_ratio": _text, "mask": _numbers}),
    "semantic_segmentation": Ensemble({"probs": _numbers, "preds": _numbers}),
    "object_detection": Ensemble(_DETECTIONS),
    "instance_segmentation": Ensemble({**_DETECTIONS, "detection_masks": _run_lengths}),
    "shelf_counting": Ensemble({**_DETECTIONS, "product_count": _counts, "ori_img_shape": _numbers}),
    "image_colorization": Ensemble({"out_image": _file}),
    "ocr": Ensemble(
        {
            **_DETECTIONS,
            "detection_keypoints": _numbers,
            "detection_texts_ids": _numbers,
            "detection_texts": _texts,
            "detection_texts_scores": _numbers,
        }
    ),
}
"""By service, in the gateway's order."""
