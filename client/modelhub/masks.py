"""Masks in the forms that answers give them in, as arrays.

The contract's own: `{"counts", "size"}` with run lengths row by row, and lists of rows of 0 and 1. By
`mask_format`: `rle` is the former; `coco_rle` has a text of COCO's for `counts`, column by column; `png` is
Base64 of a PNG file, white in the mask; `polygon` is `{"rings", "size"}`, rings of corners (y, x) on the grid
between pixels, inside by the even-odd rule. All are of the upright picture, `size` is (height, width), and
each is read exactly.
"""

import base64
import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Mask = NDArray[np.bool_]
"""[height, width] of the upright picture."""

_BITS = 5  # of a number in a letter of COCO's text; the sixth says that more follow
_FIRST_LETTER = 48


def decode(counts: Sequence[int], size: Sequence[int]) -> Mask:
    """Return the mask of `size`, (height, width), from run lengths row by row, that of False first.

    Raises ValueError where the lengths do not add up to the size.
    """
    pixels: Mask = (np.arange(len(counts)) % 2 == 1).repeat(counts)
    return pixels.reshape(tuple(size))


def decoded(value: object) -> Mask:
    """Return the mask that an answer gives as `value`, in any form.

    Raises ValueError, KeyError, or OSError for a file that is no PNG.
    """
    if isinstance(value, str):
        return _grey(value) > 0
    if not isinstance(value, Mapping):
        return np.asarray(value, dtype=np.bool_)
    height, width = value["size"]
    if "rings" in value:
        return inside(value["rings"], (height, width))
    if isinstance(value["counts"], str):
        return decode(coco_counts(value["counts"]), (width, height)).T
    return decode(value["counts"], (height, width))


def coco_counts(text: str) -> list[int]:
    """Return the run lengths that COCO's text holds, column by column (`rleFrString` of its `maskApi.c`).

    A number is told in groups of five bits, the lowest first and the sign continued; from the fourth on it is
    the difference to the last but one. Raises ValueError for what is no such text.
    """
    groups = np.frombuffer(text.encode("ascii"), dtype=np.uint8).astype(np.int64) - _FIRST_LETTER
    is_last = (groups & 1 << _BITS) == 0
    if groups.size and (groups.min() < 0 or groups.max() >= 2 << _BITS or not is_last[-1]):
        raise ValueError("not COCO's text of run lengths")
    begins = np.flatnonzero(np.concatenate([[True], is_last[:-1]]))[: groups.size]
    lengths = np.diff(begins, append=groups.size)
    shifts = _BITS * (np.arange(groups.size) - begins.repeat(lengths))
    signs = np.where(is_last & (groups >> _BITS - 1 & 1 == 1), -1 << _BITS, 0)
    numbers = (
        np.add.reduceat((groups & (1 << _BITS) - 1 | signs) << shifts, begins) if groups.size else groups
    )
    for first in (1, 2):
        numbers[first::2] = numbers[first::2].cumsum()
    counts: list[int] = numbers.tolist()
    return counts


def inside(rings: Sequence[Sequence[Sequence[int]]], size: tuple[int, int]) -> Mask:
    """Return the pixels of `size` whose centres lie within an odd number of `rings`.

    Their edges being horizontal and vertical in turn, a pixel is inside where an odd number of corners lies
    at or above and left of it. Raises ValueError for corners beyond the picture.
    """
    height, width = size
    corners = np.array([corner for ring in rings for corner in ring], dtype=np.intp).reshape(-1, 2)
    places = np.ravel_multi_index((corners[:, 0], corners[:, 1]), (height + 1, width + 1))
    odd = (np.bincount(places, minlength=(height + 1) * (width + 1)) & 1).astype(np.uint8)
    odd = odd.reshape(height + 1, width + 1)
    for axis in (0, 1):
        np.bitwise_xor.accumulate(odd, axis=axis, out=odd)
    return odd[:height, :width] > 0


def classes_of_pixels(answer: Mapping[str, Any]) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Return `preds` and `probs` of an answer of `semantic_segmentation`, in any form, as arrays.

    Raises KeyError, ValueError, and OSError for a file that is no PNG.
    """
    preds = answer["preds"]
    if isinstance(preds, str):
        return _grey(preds).astype(np.uint8), _grey(answer["probs"]) / np.float32(255)
    if len(preds) and isinstance(preds[0], Mapping):
        return _from_regions(preds)
    return np.asarray(preds, dtype=np.uint8), np.asarray(answer["probs"], dtype=np.float32)


def _from_regions(regions: Sequence[Mapping[str, Any]]) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Paint a mask for each class, which together cover the picture."""
    size = tuple(regions[0]["mask"]["size"])
    preds, probs = np.zeros(size, dtype=np.uint8), np.zeros(size, dtype=np.float32)
    for region in regions:
        mask = decoded(region["mask"])
        preds[mask], probs[mask] = region["class"], region["prob"]
    return preds, probs


def _grey(text: str) -> NDArray[Any]:
    """Return the pixels of a grey PNG in Base64: bool where it has one bit, else uint8."""
    with Image.open(io.BytesIO(base64.b64decode(text)), formats=["PNG"]) as picture:
        return np.asarray(picture)
