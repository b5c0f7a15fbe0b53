"""Things whose outlines people drew, one by one: COCO's polygons, and what of VOC's masks is one thing alone.

Imports nothing but NumPy, SciPy and Pillow, so that the training environment can.
"""

import json
from collections.abc import Iterator, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy import ndimage

from evaluation.labelled import FOLDER, Labelled

VOC_OF_COCO: Mapping[str, int] = MappingProxyType(
    {
        "airplane": 1,
        "bicycle": 2,
        "bird": 3,
        "boat": 4,
        "bottle": 5,
        "bus": 6,
        "car": 7,
        "cat": 8,
        "chair": 9,
        "cow": 10,
        "dining table": 11,
        "dog": 12,
        "horse": 13,
        "motorcycle": 14,
        "person": 15,
        "potted plant": 16,
        "sheep": 17,
        "couch": 18,
        "train": 19,
        "tv": 20,
    }
)
"""Pascal VOC's class id by COCO's class name: all twenty have a counterpart."""
ONE_THING = 0.95
"""Share of a class's pixels that hang together, from which they are taken for one thing."""

Mask = NDArray[np.bool_]


class Thing(NamedTuple):
    """A thing in a picture; `box` is (top, left, bottom, right) in pixels, `mask` as large as the picture."""

    name: str
    """COCO's."""
    box: tuple[float, float, float, float]
    mask: Mask | None
    """None where nobody drew it."""
    is_crowd: bool = False


def coco_things(one: Labelled) -> Iterator[Thing]:
    """Yield every thing that is labelled in a picture of the set `coco`."""
    entry = _coco()[one.picture.stem]
    for thing in entry["objects"]:
        left, top, width, height = thing["bbox"]
        box = (top, left, top + height, left + width)
        mask = _filled(thing["poly"], entry["w"], entry["h"]) if thing.get("poly") else None
        yield Thing(thing["name"], box, mask, bool(thing["crowd"]))


def lone_things(one: Labelled) -> Iterator[Thing]:
    """Yield the classes of VOC that are a single thing in a picture of `voc`, each with its mask."""
    labels = np.asarray(one.labels())
    for name, kind in VOC_OF_COCO.items():
        parts, _ = ndimage.label(labels == kind, np.ones((3, 3)))
        sizes = np.bincount(parts.ravel())[1:]
        if sizes.size and sizes.max() >= ONE_THING * sizes.sum():
            mask = parts == sizes.argmax() + 1
            rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
            yield Thing(name, (rows[0], columns[0], rows[-1] + 1.0, columns[-1] + 1.0), mask)


@cache
def _coco() -> dict[str, Any]:
    entries: dict[str, Any] = json.loads((FOLDER / "coco" / "objects.json").read_text())
    return entries


def _filled(polygons: list[list[float]], width: int, height: int) -> Mask:
    picture = Image.new("1", (width, height))
    draw = ImageDraw.Draw(picture)
    for points in polygons:
        if len(points) >= 4:
            draw.polygon(points, fill=1)
    return np.asarray(picture)
