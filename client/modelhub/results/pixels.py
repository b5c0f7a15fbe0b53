"""Services that answer for every pixel."""

from dataclasses import dataclass, field
from typing import Annotated, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from modelhub.http import Answer
from modelhub.kinds import ClassesOfPixels, MaskOfPixels, ProbabilitiesOfPixels, ShareAsText
from modelhub.masks import Mask, classes_of_pixels
from modelhub.results.base import Floats, Result, Service, Words
from modelhub.voc import VOC_CLASSES


@dataclass(frozen=True, eq=False)
class ForegroundSegmentation(Result):
    """Where the picture shows people."""

    service: ClassVar[Service] = Service(
        name="foreground_segmentation",
        summary="Which pixels of a picture show people",
        title=Words("Where are people?", "前景分割"),
        about=Words("Everything but people is darkened.", "人物以外的部分会变暗。"),
        prefers_url=True,
        quick_form="rle",
        samples=(("astronaut.png",), ("coffee.png",)),
        schema="ForegroundAnswer",
    )

    human_ratio: Annotated[
        float, ShareAsText(), "Share of the picture that shows people, a decimal fraction."
    ]
    mask: Annotated[
        Mask,
        MaskOfPixels("Which pixels show people."),
        "For each pixel of the upright image, row by row: 1 where it shows people, else 0.",
    ] = field(repr=False)


@dataclass(frozen=True, eq=False)
class SemanticSegmentation(Result):
    """What every pixel shows.

    Where the answer has one mask a class, `probs` is the mean over the class's pixels, which is all that such
    an answer says.
    """

    service: ClassVar[Service] = Service(
        name="semantic_segmentation",
        summary="Which of twenty kinds of things each pixel of a picture shows",
        title=Words("What does each pixel show?", "图像语义分割"),
        about=Words(
            "Each pixel in the colour of its class, one of Pascal VOC's twenty and the background.",
            "每个像素按类别着色：Pascal VOC 的二十个类别和背景。",
        ),
        samples=(("chelsea.png",), ("astronaut.png",), ("motorcycle_left.png",)),
    )

    probs: Annotated[
        Floats,
        ProbabilitiesOfPixels(),
        "For each pixel of the upright image, row by row: probability of the class that it most likely "
        "shows, in four decimals.",
    ] = field(repr=False)
    preds: Annotated[
        NDArray[np.uint8],
        ClassesOfPixels(VOC_CLASSES, probs="probs"),
        "For each pixel of the upright image, row by row: id of that class, one of Pascal VOC's. "
        + ", ".join(f"{number} {name}" for number, name in enumerate(VOC_CLASSES))
        + ".",
    ] = field(repr=False)

    @classmethod
    def from_answer(cls, answer: Answer) -> Self:
        """Read an answer."""
        preds, probs = classes_of_pixels(answer)
        return cls(answer["request_id"], probs, preds)
