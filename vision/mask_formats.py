"""The forms in which a caller may ask for masks: `?mask_format=rle|coco_rle|png|polygon`.

Every mask is of the upright picture, `size` is [height, width], and all four say the same pixels exactly:

- `rle`: `{"counts": [int], "size"}`, run lengths row by row, that of False first (`vision.rle`).
- `coco_rle`: `{"size", "counts": str}`, COCO's compressed run lengths, column by column, as
  `pycocotools.mask.decode` takes them.
- `png`: Base64 of a PNG file of that size, one bit a pixel, 1 (white) where the mask is.
- `polygon`: `{"rings": [[[y, x]]], "size"}`, corners on the grid between pixels, whole numbers.

Of a `polygon` pixel (row, column) covers row to row + 1 and column to column + 1, so y is 0 to height and x
is 0 to width. A ring does not repeat its first point; its edges are horizontal and vertical in turn; it
begins at its topmost, then leftmost corner and has the mask at its right hand: clockwise round the mask,
anticlockwise round a hole; rings may touch each other and themselves at corners, and never cross. A pixel
belongs to the mask if its centre lies within an odd number of rings. An empty mask has no rings.

What the services put in these forms (`gateway.services`):

- `foreground_segmentation`: `mask`, one mask.
- `instance_segmentation`: `detection_masks`, a list of one mask a detection.
- `semantic_segmentation`, `png`: `preds` is Base64 of a PNG of 8-bit grey whose values are class ids, `probs`
  Base64 of a PNG of 8-bit grey: 255 times the probability, rounded.
- `semantic_segmentation`, any other: `preds` is a list of `{"class", "class_name", "mask", "prob"}`, one for
  each class that is present, the background's too, by rising class; `prob` is the mean over its pixels. There
  is no `probs`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import pybase64
from numpy.typing import NDArray

from vision.outlines import corners, rings
from vision.png import Grey, png_file
from vision.rle import Counts, counts_of_flips, decode

_BITS = 5  # of a number in a character of COCO's text; the sixth says that there are more
_FIRST_CHARACTER = 48
_MAX_CHARACTERS = 7  # 35 bits: more than a difference of two int32


def rle(counts: Counts, size: tuple[int, int]) -> dict[str, Any]:
    """Return `{"counts": int32 [n], "size": [height, width]}`, the contract's own form."""
    return {"counts": counts, "size": list(size)}


def coco_rle(counts: Counts, size: tuple[int, int]) -> dict[str, Any]:
    """Return `{"size": [height, width], "counts": str}` as `pycocotools.mask.decode` takes it."""
    return {"size": list(size), "counts": coco_text(column_counts(counts, size))}


def png(counts: Counts, size: tuple[int, int]) -> str:
    """Return Base64 of a PNG file of one bit a pixel, 1 (white) in the mask."""
    return base64_png(decode(counts, size))


def polygon(counts: Counts, size: tuple[int, int]) -> dict[str, Any]:
    """Return `{"rings": [int32 [n, 2]], "size": [height, width]}`; points are (y, x)."""
    return {"rings": rings(counts, size), "size": list(size)}


MaskFormat = Callable[[Counts, tuple[int, int]], dict[str, Any] | str]
"""Makes the value in JSON of a mask, by its run lengths (`vision.rle`) and its size, (height, width)."""

MASK_FORMATS: Mapping[str, MaskFormat] = MappingProxyType(
    {"rle": rle, "coco_rle": coco_rle, "png": png, "polygon": polygon}
)


def base64_png(pixels: Grey) -> str:
    """Return Base64 of a PNG file of grey `pixels` [height, width]."""
    return pybase64.b64encode_as_string(png_file(pixels))


def column_counts(counts: Counts, size: tuple[int, int]) -> Counts:
    """Return the counts of the same mask column by column, COCO's uncompressed RLE.

    They are made of the mask's outline, so it takes as long as that, not as the picture.
    """
    ends = corners(counts, size).points
    lines, begins = ends[0::2].T.astype(np.intp)
    lengths = ends[1::2, 1] - begins
    first = np.cumsum(lengths) - lengths
    columns = np.arange(lengths.sum()) + (begins - first).repeat(lengths)
    return counts_of_flips(columns * size[0] + lines.repeat(lengths), size[0] * size[1])


def coco_text(counts: Counts) -> str:
    """Return COCO's text of run lengths: `rleToString` of its `maskApi.c`.

    From the fourth on, a count is told by its difference to the last but one; each number in groups of five
    bits, the lowest first, its sign continued, a sixth bit saying that more follow, in letters from `0` on.
    """
    numbers = counts.astype(np.int64)
    numbers[3:] -= counts[1:-2]
    rest = numbers[:, None] >> (_BITS * np.arange(_MAX_CHARACTERS + 1))
    group = rest[:, :-1] & 31
    more = rest[:, 1:] != -(group >> 4)  # all that follows is the sign of this group
    letters = (group | more << _BITS) + _FIRST_CHARACTER
    present = np.ones_like(more)
    present[:, 1:] = np.logical_and.accumulate(more, axis=1)[:, :-1]
    text: bytes = letters[present].astype(np.uint8).tobytes()
    return text.decode("ascii")


@dataclass(frozen=True)
class Region:
    """The pixels of a picture that show one class."""

    class_id: int
    counts: Counts
    mean_prob: float
    """Of the class, over its pixels."""


def regions(preds: NDArray[np.uint8], probs: NDArray[np.float32]) -> list[Region]:
    """Return a region for each class in `preds` [height, width], by rising class.

    `probs` [height, width] is the probability of each pixel's class.
    """
    flat = preds.ravel()
    begins = np.flatnonzero(np.concatenate([[True], flat[1:] != flat[:-1]]))
    classes = flat[begins]
    ends = np.append(begins[1:], flat.size)
    sums = np.add.reduceat(probs.ravel(), begins, dtype=np.float64)
    found = []
    for one in np.unique(classes).tolist():
        runs = classes == one
        flips = np.stack([begins[runs], ends[runs]], axis=1)
        mean = float(sums[runs].sum() / (flips[:, 1] - flips[:, 0]).sum())
        found.append(Region(one, counts_of_flips(flips.ravel(), flat.size), mean))
    return found
