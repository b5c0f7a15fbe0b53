"""Services that find things in a picture, the surest first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Annotated, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from modelhub.kinds import Counts, Masks, Numbers, Size, Texts
from modelhub.masks import Mask, decoded
from modelhub.results.base import Floats, Integers, Result, Service, Words

_ID = "Class id of each detection."


@dataclass(frozen=True, eq=False)
class ObjectDetection(Result):
    """Things of COCO's eighty classes found in the picture, the surest first."""

    service: ClassVar[Service] = Service(
        name="object_detection",
        summary="Things of eighty kinds in a picture and where they are",
        title=Words("Which things are where?", "通用图像检测"),
        about=Words(
            "Things of COCO's eighty classes, each in its box, with a score.",
            "COCO 八十个类别的物体，附检测框和得分。",
        ),
    )

    detection_boxes: Annotated[
        Floats,
        Numbers(float, (None, 4), least=0),
        "Boxes `[top, left, bottom, right]` in pixels of the upright image, clipped to it.",
    ]
    detection_scores: Annotated[Floats, Numbers(float, least=0, most=1), "Probability of each detection."]
    detection_classes: Annotated[
        Integers,
        Numbers(int),
        "Class of each detection by COCO's own category ids, 1 (person) to 90; ten are unused.",
    ]
    detection_class_names: Annotated[tuple[str, ...], Texts(), "Class name of each detection."]


@dataclass(frozen=True, eq=False)
class InstanceSegmentation(ObjectDetection):
    """Things of COCO's eighty classes found in the picture and their masks, the surest first."""

    service: ClassVar[Service] = Service(
        name="instance_segmentation",
        summary="Things of eighty kinds in a picture and which pixels show each of them",
        title=Words("Which pixels are which thing?", "图像实例分割"),
        about=Words(
            "Things of COCO's eighty classes, each with the pixels that show it.",
            "COCO 八十个类别的物体，附每个物体所占的像素。",
        ),
        samples=(("coffee.png",), ("astronaut.png",), ("chelsea.png",), ("motorcycle_left.png",)),
    )

    encoded_masks: Annotated[
        Sequence[Any],
        Masks("Which pixels show each detection."),
        "Which pixels show each detection; they lie within its box.",
        "detection_masks",
    ] = field(repr=False)
    """The masks as answered: a hundred of a large picture would not fit into memory together."""

    def mask(self, index: int) -> Mask:
        """Return the mask of one detection."""
        return decoded(self.encoded_masks[index])

    @cached_property
    def detection_masks(self) -> NDArray[np.bool_]:
        """All masks, bool [n, height, width]; [0, 0, 0] where there is none."""
        masks = [decoded(one) for one in self.encoded_masks]
        return np.stack(masks) if masks else np.zeros((0, 0, 0), dtype=np.bool_)


@dataclass(frozen=True, eq=False)
class ShelfCounting(ObjectDetection):
    """Products found on a shelf, the surest first, and how many there are of each."""

    service: ClassVar[Service] = Service(
        name="shelf_counting",
        summary="The products on a shelf, where they stand and how many there are of each",
        title=Words("What stands on the shelf?", "货架商品计数"),
        about=Words(
            "Each product in the colour of its kind, and how many there are of each.",
            "每件商品按种类着色，并统计各种类的数量。",
        ),
        samples=(("shelf.jpg",),),
        schema="ShelfAnswer",
    )

    detection_scores: Annotated[
        Floats,
        Numbers(float, least=0, most=1),
        "Probability of each detection: that it is a product, times that it is this one.",
    ]
    detection_classes: Annotated[Integers, Numbers(int), _ID]
    product_count: Annotated[
        Mapping[str, int],
        Counts("product_names", "product_counts"),
        "How many detections there are of each class name that occurs, in the order of first appearance in "
        "`detection_class_names`; without any, `{}`.",
    ]
    ori_img_shape: Annotated[tuple[int, int], Size(), "Height and width of the upright image in pixels."]


@dataclass(frozen=True, eq=False)
class Ocr(ObjectDetection):
    """Lines of text found in the picture, and what they say."""

    service: ClassVar[Service] = Service(
        name="ocr",
        summary="The text in a picture and where it stands",
        title=Words("What is written there?", "通用 OCR"),
        about=Words(
            "Lines of Chinese and English, in any direction, written over where they were read.",
            "识别任意方向的中英文文字，并显示在原位置上。",
        ),
        samples=(("page.png",),),
    )

    detection_classes: Annotated[Integers, Numbers(int), _ID]
    detection_keypoints: Annotated[
        Floats,
        Numbers(float, (None, 4, 2)),
        "Four corners `(y, x)` of each text in pixels of the upright image, in order round the text, from "
        "where its reading starts.",
    ]
    detection_texts_ids: Annotated[
        Integers,
        Numbers(int, (None, None)),
        "Ids of the characters of each text, padded to the longest of this answer.",
    ]
    detection_texts: Annotated[tuple[str, ...], Texts(), "What each text says."]
    detection_texts_scores: Annotated[
        Floats, Numbers(float, least=0, most=1), "Probability of each text as read."
    ]
