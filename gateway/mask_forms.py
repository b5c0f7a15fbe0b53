"""Answers with masks in the form that a request asks for; `vision.mask_formats` says what the forms are."""

from collections.abc import Callable
from typing import Any

import numpy as np

from modelhub.kinds import (
    ClassesOfPixels,
    Kind,
    MaskOfPixels,
    Masks,
    ProbabilitiesOfPixels,
    Tensors,
    each_counts,
)
from vision.mask_formats import MaskFormat, base64_png, png, regions
from vision.rle import encode

Renderer = Callable[[Tensors, str], Any]
"""Makes the answer's field of that name from the output tensors, of which one mostly has the same name."""


def in_form(kind: Kind, form: MaskFormat) -> Renderer | None:
    """Return the renderer of a field of `kind` in `form`; None where an answer in it has no such field."""
    match kind:
        case MaskOfPixels():
            return one_mask(form)
        case Masks():
            return each_mask(form)
        case ClassesOfPixels():
            return _grey if form is png else class_regions(kind, form)
        case ProbabilitiesOfPixels():
            return _grey_shares if form is png else None
    return kind.render


def one_mask(form: MaskFormat) -> Renderer:
    """The mask that a tensor of 0 and 1, uint8 [height, width], is."""

    def render(outputs: Tensors, name: str) -> object:
        height, width = outputs[name].shape
        return form(encode(outputs[name].astype(np.bool_)), (height, width))

    return render


def each_mask(form: MaskFormat) -> Renderer:
    """A list of masks, all of one size, as `Masks` says."""

    def render(outputs: Tensors, name: str) -> list[object]:
        height, width = outputs[f"{name}_size"].tolist()
        return [form(counts, (height, width)) for counts in each_counts(outputs, name)]

    return render


def class_regions(kind: ClassesOfPixels, form: MaskFormat) -> Renderer:
    """A mask for each class that a tensor of class ids, uint8 [height, width], holds."""

    def render(outputs: Tensors, name: str) -> list[dict[str, Any]]:
        preds = outputs[name]
        height, width = preds.shape
        return [
            {
                "class": region.class_id,
                "class_name": kind.classes[region.class_id],
                "mask": form(region.counts, (height, width)),
                "prob": region.mean_prob,
            }
            for region in regions(preds, outputs[kind.probs])
        ]

    return render


def _grey(outputs: Tensors, name: str) -> str:
    """A tensor uint8 [height, width] as values of grey."""
    return base64_png(outputs[name])


def _grey_shares(outputs: Tensors, name: str) -> str:
    """A tensor float32 [height, width] of 0 to 1 as values of grey: 255 times it, rounded.

    Eight bits lose up to 0.002 of a probability. Sixteen would lose nothing, and be six times the bytes.
    """
    shares = outputs[name] * np.float32(255)
    return base64_png(np.rint(shares, out=shares).astype(np.uint8))
