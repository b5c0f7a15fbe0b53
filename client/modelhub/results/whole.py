"""Services that answer about a picture as a whole."""

import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, ClassVar

from PIL import Image

from modelhub.kinds import ByLabel, File, Number, Numbers, Text, Texts
from modelhub.results.base import Integers, Result, Service, Words


@dataclass(frozen=True, eq=False)
class ImageClassification(Result):
    """What the picture shows."""

    service: ClassVar[Service] = Service(
        name="image_classification",
        summary="What a picture shows, of a thousand classes",
        title=Words("What is it?", "通用图像分类"),
        about=Words(
            "The likeliest of ImageNet's thousand classes for the whole picture.",
            "在 ImageNet 的一千个类别中，整幅图片最可能属于哪些类别。",
        ),
        batched=True,
        samples=(("chelsea.png",), ("coffee.png",), ("rocket.jpg",), ("flower.jpg",)),
        schema="ClassificationAnswer",
    )

    class_: Annotated[int, Number(int, least=0), "Id of the most probable class."]
    class_name: Annotated[str, Text(), "Name of the most probable class."]
    class_probs: Annotated[
        Mapping[str, float], ByLabel(), "Probability of every class by its name; they sum to 1."
    ]


@dataclass(frozen=True, eq=False)
class SceneClassification(Result):
    """Where the picture was taken."""

    service: ClassVar[Service] = Service(
        name="scene_classification",
        summary="Where a picture was taken: indoors, outdoors, in nature",
        title=Words("Where was it taken?", "场景分类"),
        about=Words(
            "The likeliest places: indoors, outdoors, in nature.",
            "图片最可能拍摄于何种场景：室内、室外或自然环境。",
        ),
        batched=True,
        samples=(("rocket.jpg",), ("china.jpg",)),
        schema="SceneAnswer",
    )

    class_: Annotated[Integers, Numbers(int, (5,)), "Ids of the five most probable scenes, best first."]
    class_name: Annotated[tuple[str, ...], Texts(5), "Names of the five most probable scenes, best first."]
    class_probs: Annotated[
        Mapping[str, float],
        ByLabel(),
        "Probability of every scene by its name; they sum to 1, whether or not a scene is shown.",
    ]


@dataclass(frozen=True, eq=False)
class ImageSimilarity(Result):
    """How alike two pictures are."""

    service: ClassVar[Service] = Service(
        name="image_similarity",
        summary="How alike two pictures are",
        title=Words("How alike are two pictures?", "图片相似度比对"),
        about=Words(
            "100 for the same picture, below 80 for different ones.",
            "同一图片为 100，低于 80 表示不同图片。",
        ),
        pictures=("imagea", "imageb"),
        samples=(("chelsea.png", "astronaut.png"), ("coffee.png", "coffee.png")),
        schema="SimilarityAnswer",
    )

    similarity: Annotated[
        float,
        Number(float, least=0, most=100),
        "100: the same picture; below 80: different pictures; 0: nothing in common.",
    ]
    l2_distance: Annotated[
        float,
        Number(float, least=0),
        "Distance of the pictures' features, which have unit length; 0: the same picture.",
    ]


@dataclass(frozen=True, eq=False)
class ImageColorization(Result):
    """The picture in colour."""

    service: ClassVar[Service] = Service(
        name="image_colorization",
        summary="Colours for a picture in shades of grey",
        title=Words("Which colours might it have?", "图片上色"),
        about=Words(
            "A picture in shades of grey, coloured. Of a picture with colours the grey is taken.",
            "为灰度图片上色；彩色图片会先转为灰度。",
        ),
        samples=(("astronaut.png",), ("camera.png",), ("china.jpg",), ("flower.jpg",), ("chelsea.png",)),
        schema="ColorizationAnswer",
    )

    out_image: Annotated[
        bytes,
        File(),
        "Base64 of the coloured picture: a JPEG file of the upright image's size, with its brightness pixel "
        "by pixel; a PNG file where a side is longer than JPEG's 65500 pixels.",
    ] = field(repr=False)

    def picture(self) -> Image.Image:
        """Return the picture, RGB."""
        return Image.open(io.BytesIO(self.out_image)).convert("RGB")
