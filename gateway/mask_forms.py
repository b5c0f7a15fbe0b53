"""Fields of answers with masks in the form that a request asks for; `vision.mask_formats` says what they are.

Every function makes a renderer, as `gateway.services` has them, of a form.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from gateway.tensors import Tensors
from vision.mask_formats import MASK_FORMATS, MaskFormat, base64_png, png, regions
from vision.rle import Counts, encode
from vision.voc import VOC_CLASSES

Renderer = Callable[[Tensors, str], Any]
"""Makes the answer's field of that name from the output tensors, of which one mostly has the same name."""

DEFAULT = MASK_FORMATS["rle"]
"""The contract's form of `each_mask`."""


def one_mask(form: MaskFormat) -> Renderer:
    """The mask that a tensor of 0 and 1, uint8 [height, width], is."""

    def render(outputs: Tensors, name: str) -> object:
        height, width = outputs[name].shape
        return form(encode(outputs[name].astype(np.bool_)), (height, width))

    return render


def each_mask(form: MaskFormat) -> Renderer:
    """A list of masks, all of one size.

    The tensor `<name>_lengths` says how many of `<name>_counts` are each mask's, `<name>_size` the size.
    """

    def render(outputs: Tensors, name: str) -> list[object]:
        height, width = outputs[f"{name}_size"].tolist()
        return [form(counts, (height, width)) for counts in _each_counts(outputs, name)]

    return render


def classes_of_pixels(form: MaskFormat) -> dict[str, Renderer]:
    """Return the fields that tell the class of each pixel, from the tensors `preds` and `probs`."""
    if form is png:
        return {"probs": _grey_shares, "preds": _grey}

    def render(outputs: Tensors, name: str) -> list[dict[str, Any]]:
        preds = outputs[name]
        height, width = preds.shape
        return [
            {
                "class": region.class_id,
                "class_name": VOC_CLASSES[region.class_id],
                "mask": form(region.counts, (height, width)),
                "prob": region.mean_prob,
            }
            for region in regions(preds, outputs["probs"])
        ]

    return {"preds": render}


def _each_counts(outputs: Tensors, name: str) -> Iterator[Counts]:
    counts, lengths = outputs[f"{name}_counts"], outputs[f"{name}_lengths"]
    ends = np.cumsum(lengths)
    for start, end in zip(ends - lengths, ends, strict=True):
        yield counts[start:end]


def _grey(outputs: Tensors, name: str) -> str:
    """A tensor uint8 [height, width] as values of grey."""
    return base64_png(outputs[name])


def _grey_shares(outputs: Tensors, name: str) -> str:
    """A tensor float32 [height, width] of 0 to 1 as values of grey: 255 times it, rounded.

    Eight bits lose up to 0.002 of a probability. Sixteen would lose nothing, and be six times the bytes.
    """
    shares = outputs[name] * np.float32(255)
    return base64_png(np.rint(shares, out=shares).astype(np.uint8))
