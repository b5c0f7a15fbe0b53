"""Answers with masks in the form that a request asks for; `vision.mask_formats` says what the forms are."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from gateway.schemas import (
    Answer,
    ClassId,
    HumanRatio,
    ObjectDetectionAnswer,
    Probability,
    RunLengths,
    Size,
)

Corner = Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=2, max_length=2)]


class CocoRunLengths(BaseModel):
    """A mask of the upright image, column by column, as `pycocotools.mask.decode` takes it."""

    model_config = ConfigDict(strict=True)

    size: Size
    counts: str = Field(description="COCO's compressed run lengths.")


class Polygon(BaseModel):
    """A mask of the upright image, by its outline on the grid between pixels."""

    model_config = ConfigDict(strict=True)

    rings: list[Annotated[list[Corner], Field(min_length=4)]] = Field(
        description=(
            "Rings of corners `(y, x)`: pixel (row, column) covers row to row + 1 and column to column + 1. "
            "A pixel belongs to the mask if its centre lies within an odd number of rings. The edges of a "
            "ring are horizontal and vertical in turn, and its last corner leads to its first. An empty mask "
            "has none."
        )
    )
    size: Size


MaskPng = Annotated[
    str,
    Field(
        min_length=1,
        description="`png`: Base64 of a PNG file of the upright image's size, white where the mask is.",
    ),
]
MaskInForm = RunLengths | CocoRunLengths | Polygon | MaskPng
"""A mask in the form that `mask_format` names: `rle`, `coco_rle`, `polygon`, `png`."""


class InstanceSegmentationAnswerInForm(ObjectDetectionAnswer):
    """With `mask_format`: things found in the picture and their masks in that form, the surest first."""

    detection_masks: list[MaskInForm] = Field(description="Which pixels show each detection.")


class ForegroundAnswerInForm(Answer):
    """With `mask_format`: where the picture shows people, in that form."""

    human_ratio: HumanRatio
    mask: MaskInForm = Field(description="Which pixels show people.")


class SemanticSegmentationPictures(Answer):
    """With `mask_format=png`: what every pixel shows, in pictures of grey of the upright image's size."""

    probs: str = Field(
        min_length=1,
        description=(
            "Base64 of a PNG file: 255 times the probability of the class that a pixel most likely shows, "
            "rounded, so that up to 0.002 of it is lost."
        ),
    )
    preds: str = Field(min_length=1, description="Base64 of a PNG file: the id of that class.")


class ClassRegion(BaseModel):
    """Which pixels show one class."""

    model_config = ConfigDict(strict=True)

    class_: ClassId = Field(alias="class", description="Id of the class, one of Pascal VOC's.")
    class_name: str = Field(description="Its name.")
    mask: RunLengths | CocoRunLengths | Polygon = Field(description="The pixels that most likely show it.")
    prob: Probability = Field(description="Mean of its probability over these pixels.")


class SemanticSegmentationRegions(Answer):
    """With any other `mask_format`: the classes that the picture shows, each with its mask in that form."""

    preds: list[ClassRegion] = Field(
        min_length=1,
        description=(
            "The classes that are present, the background's too, by rising id. Their masks are apart, and "
            "together they cover the picture."
        ),
    )
