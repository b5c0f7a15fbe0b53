"""The documented fields of an answer as arrays, texts and run lengths, and which of them cannot be read."""

import base64
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from modelhub.masks import Mask, decode
from modelhub.replay.spelling import Answer

Floats = NDArray[np.float64]

MAX_MASK_PIXELS = 500_000_000
"""Of a mask in run lengths, a few of which can stand for any size."""

UNREADABLE = (
    TypeError,
    ValueError,
    OverflowError,
    KeyError,
    OSError,
    SyntaxError,  # Pillow's, of some broken PNG files
    Image.DecompressionBombError,
)
"""What comes of a field that is not of its form."""


class FieldError(ValueError):
    """A field is not of its form."""


@dataclass(frozen=True, slots=True)
class RunLengths:
    """A mask that is decoded when it is needed: those of one answer can fill the memory."""

    counts: NDArray[np.int64]
    size: tuple[int, int]

    def mask(self) -> Mask:
        """Return it, bool [height, width]."""
        return decode(self.counts.tolist(), self.size)


@dataclass(frozen=True, slots=True)
class Read:
    """The documented fields of one answer, and the names of those that are there and cannot be read."""

    values: Mapping[str, Any] = field(default_factory=dict)
    unreadable: frozenset[str] = frozenset()


def read(answer: Answer, names: frozenset[str]) -> Read:
    """Return the fields `names` of an answer that `spelling.normalise` has been over."""
    values: dict[str, Any] = {}
    unreadable = set[str]()
    for name in names & answer.keys():
        try:
            values[name] = READERS[name](answer[name])
        except UNREADABLE:
            unreadable.add(name)
    lists = {name for name in values if name.startswith("detection_")}
    # Each is a list with an entry for every box: of another length it says nothing about the boxes.
    uneven = {name for name in lists if len(values[name]) != len(values.get("detection_boxes", ()))}
    for name in uneven:
        del values[name]
    return Read(values, frozenset(unreadable | uneven))


def _numbers(*shape: int | None) -> Callable[[Any], Floats]:
    """Return a reader of float64 of this shape; None is any length."""

    def reader(value: Any) -> Floats:  # noqa: ANN401 - whatever an endpoint answers
        if _holds_text(value):
            raise FieldError("text in place of numbers")
        numbers = np.asarray(value, dtype=np.float64)
        fits = len(numbers.shape) == len(shape) and all(
            wanted in (None, length) for wanted, length in zip(shape, numbers.shape, strict=True)
        )
        if not fits or not np.isfinite(numbers).all():
            raise FieldError(f"numbers of shape {numbers.shape}")
        return numbers

    return reader


def _holds_text(value: Any) -> bool:  # noqa: ANN401
    """Whether the first element, however deep, is text, which NumPy would read as a number."""
    while isinstance(value, list) and value:
        value = value[0]
    return isinstance(value, str | bool | None)


def _list_of_numbers(value: Any) -> Floats:  # noqa: ANN401
    """Read one number as a list of one: the first rank."""
    return _numbers(None)(value if isinstance(value, list) else [value])


def _texts(value: Any) -> tuple[str, ...]:  # noqa: ANN401
    """Read one text as a list of one: the first rank."""
    texts = value if isinstance(value, list) else [value]
    if not all(isinstance(text, str) for text in texts):
        raise FieldError("not texts")
    return tuple(texts)


def _by_name(value: Any) -> dict[str, float]:  # noqa: ANN401
    if not isinstance(value, dict):
        raise FieldError("not numbers by name")
    return dict(zip(value, _numbers(None)(list(value.values())).tolist(), strict=True))


def _boxes(value: Any) -> Floats:  # noqa: ANN401
    return _rows(value, 4)


def _keypoints(value: Any) -> Floats:  # noqa: ANN401
    return _rows(value, 4, 2)


def _rows(value: Any, *shape: int) -> Floats:  # noqa: ANN401
    return np.zeros((0, *shape)) if value == [] else _numbers(None, *shape)(value)


def _ids(value: Any) -> tuple[tuple[float, ...], ...]:  # noqa: ANN401
    return tuple(tuple(_numbers(None)(line).tolist()) for line in value)


def _masks(value: Any) -> tuple[RunLengths, ...]:  # noqa: ANN401
    return tuple(_run_lengths(one) for one in value)


def _run_lengths(value: Any) -> RunLengths:  # noqa: ANN401
    counts = np.asarray(value["counts"], dtype=np.int64)
    height, width = (int(side) for side in value["size"])
    fits = counts.ndim == 1 and (counts >= 0).all() and counts.sum() == height * width <= MAX_MASK_PIXELS
    if not fits:
        raise FieldError("run lengths that do not add up to the mask's size")
    return RunLengths(counts, (height, width))


def _mask(value: Any) -> Mask:  # noqa: ANN401
    return _numbers(None, None)(value) > 0.5


def _ratio(value: Any) -> Floats:  # noqa: ANN401
    if not isinstance(value, str):
        raise FieldError("not a string")
    return _numbers()(float(value))


def _picture(value: Any) -> Image.Image:  # noqa: ANN401
    with Image.open(io.BytesIO(base64.b64decode(value))) as picture:
        return picture.convert("RGB")


READERS: Mapping[str, Callable[[Any], Any]] = MappingProxyType(
    {
        "class": _list_of_numbers,
        "class_name": _texts,
        "class_probs": _by_name,
        "detection_boxes": _boxes,
        "detection_scores": _numbers(None),
        "detection_classes": _numbers(None),
        "detection_class_names": _texts,
        "detection_masks": _masks,
        "detection_keypoints": _keypoints,
        "detection_texts": _texts,
        "detection_texts_ids": _ids,
        "detection_texts_scores": _numbers(None),
        "product_count": _by_name,
        "ori_img_shape": _numbers(2),
        "preds": _numbers(None, None),
        "probs": _numbers(None, None),
        "mask": _mask,
        "human_ratio": _ratio,
        "similarity": _numbers(),
        "l2_distance": _numbers(),
        "out_image": _picture,
    }
)
"""By field: numbers as float64, texts as tuples, masks as they are needed. Each raises one of UNREADABLE."""
