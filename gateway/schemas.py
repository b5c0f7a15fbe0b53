"""Requests and answers as the contract has them; OpenAPI is generated from here.

Requests are validated by these models. Answers are validated against them by tests, not while serving.
"""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator
from pydantic_core import PydanticCustomError

from vision.voc import VOC_CLASSES

Probability = Annotated[float, Field(ge=0, le=1)]
Coordinate = Annotated[float, Field(ge=0)]
Box = Annotated[list[Coordinate], Field(min_length=4, max_length=4)]
Point = Annotated[list[float], Field(min_length=2, max_length=2)]
Quadrilateral = Annotated[list[Point], Field(min_length=4, max_length=4)]
ClassId = Annotated[int, Field(ge=0, lt=len(VOC_CLASSES))]


_IMAGE = (
    "Base64 of an image file. A `data:` URL, line breaks, the URL-safe alphabet "
    "and absent padding are accepted."
)
_INPUT = "Where the image file is, instead of the file itself; the gateway fetches it."


def _without_null(schema: dict[str, Any]) -> None:
    """Document a field that may be absent, or null, as one that may be absent."""
    del schema["default"]
    schema |= schema.pop("anyOf")[0]


class PictureUrl(BaseModel):
    """Where a picture is."""

    model_config = ConfigDict(strict=True)

    url: str = Field(
        description=(
            "`http` or `https` URL of an image file, at an address that everybody can reach and without "
            "credentials. Up to three redirects are followed."
        )
    )


class PicturesRequest(BaseModel):
    """Pictures, each as Base64 or by its URL.

    One of the two fields of a picture is the documented one. Where it is present it counts and the other,
    which the hosted service would not know, is ignored whatever it holds; null is absent. Without either
    this is no request.
    """

    model_config = ConfigDict(strict=True)
    alternatives: ClassVar[tuple[tuple[str, str], ...]]
    """The two fields of each picture, the documented one first."""

    @model_validator(mode="before")
    @classmethod
    def _one_field_a_picture(cls, fields: dict[str, object]) -> dict[str, object]:
        return {name: fields[name] for name in cls.counting(fields)}

    @classmethod
    def counting(cls, fields: Mapping[str, object]) -> list[str]:
        """Return the field of each picture that counts. Raises PydanticCustomError where one has none."""
        return [_present(fields, names) for names in cls.alternatives]

    @classmethod
    def parts(cls) -> dict[str, str]:
        """Return the field that each part of a form stands for, by the part's name: `image`, `input.url`."""
        urls = {name for name, field in cls.model_fields.items() if PictureUrl in get_args(field.annotation)}
        fields = [name for names in cls.alternatives for name in names]
        return {f"{name}.url" if name in urls else name: name for name in fields}

    def given(self) -> dict[str, str | PictureUrl]:
        """Return what stands for each picture, Base64 or a URL, by its field."""
        fields = (name for names in self.alternatives for name in names)
        return {name: value for name in fields if (value := getattr(self, name)) is not None}


def _present(fields: Mapping[str, object], names: tuple[str, str]) -> str:
    for name in names:
        if fields.get(name) is not None:
            return name
    raise PydanticCustomError("missing", f"{names[0]}: Field required")


def _either(*names: str) -> dict[str, JsonValue]:
    """Document that one of the fields `names` is required."""
    return {"anyOf": [{"required": [name]} for name in names]}


class PictureRequest(PicturesRequest):
    """One picture."""

    image: str | None = Field(default=None, description=_IMAGE, json_schema_extra=_without_null)
    input: PictureUrl | None = Field(default=None, description=_INPUT, json_schema_extra=_without_null)


_BASE64_EXAMPLE = (  # a white square: whoever sends the example gets an answer
    "iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAAAAADhZOFXAAAADklEQVR4nGP4DwUMlDEA98A/wbI0QbsAAAAASUVORK5CYII="
)
_BY_BASE64: JsonValue = {"image": _BASE64_EXAMPLE}
_BY_URL: JsonValue = {"input": {"url": "https://images.example/cat.jpg"}}


class ImageRequest(PictureRequest):
    """One picture: `image`, or where that is absent `input`."""

    model_config = ConfigDict(
        json_schema_extra=_either("image", "input") | {"examples": [_BY_BASE64, _BY_URL]}
    )
    alternatives = (("image", "input"),)


class ForegroundRequest(PictureRequest):
    """One picture: `input`, or where that is absent `image`."""

    model_config = ConfigDict(
        json_schema_extra=_either("image", "input") | {"examples": [_BY_URL, _BY_BASE64]}
    )
    alternatives = (("input", "image"),)


class SimilarityRequest(PicturesRequest):
    """Two pictures: `imagea` and `imageb`, or where one is absent `inputa` or `inputb`."""

    model_config = ConfigDict(
        json_schema_extra={
            "allOf": [_either("imagea", "inputa"), _either("imageb", "inputb")],
            "examples": [
                {"imagea": _BASE64_EXAMPLE, "imageb": _BASE64_EXAMPLE},
                {"imagea": _BASE64_EXAMPLE, "inputb": {"url": "https://images.example/cat.jpg"}},
            ],
        },
    )
    alternatives = (("imagea", "inputa"), ("imageb", "inputb"))

    imagea: str | None = Field(default=None, description=_IMAGE, json_schema_extra=_without_null)
    imageb: str | None = Field(default=None, description=_IMAGE, json_schema_extra=_without_null)
    inputa: PictureUrl | None = Field(default=None, description=_INPUT, json_schema_extra=_without_null)
    inputb: PictureUrl | None = Field(default=None, description=_INPUT, json_schema_extra=_without_null)


class Answer(BaseModel):
    """What every successful answer has."""

    model_config = ConfigDict(strict=True)

    request_id: str = Field(description="Unique to this request; also in the header `X-Request-Id`.")
    success: Literal[True] = Field(description="The request succeeded.")


class Failure(BaseModel):
    """What every failure has, and nothing else."""

    model_config = ConfigDict(strict=True)

    request_id: str = Field(description="Unique to this request; also in the header `X-Request-Id`.")
    success: Literal[False] = Field(description="The request failed.")
    error_code: int = Field(
        ge=40000, le=59999, description="What went wrong; its first three digits are the HTTP status."
    )
    error_msg: str = Field(description="What went wrong, in words.")


class ClassificationAnswer(Answer):
    """What the picture shows."""

    class_: int = Field(alias="class", ge=0, description="Id of the most probable class.")
    class_name: str = Field(description="Name of the most probable class.")
    class_probs: dict[str, Probability] = Field(
        description="Probability of every class by its name; they sum to 1."
    )


class DetectionAnswer(Answer):
    """Things found in the picture, one entry of every list for each; without any, the lists are empty."""

    detection_boxes: list[Box] = Field(
        description="Boxes `[top, left, bottom, right]` in pixels of the upright image, clipped to it."
    )
    detection_scores: list[Probability] = Field(description="Probability of each detection.")
    detection_classes: list[int] = Field(description="Class id of each detection.")
    detection_class_names: list[str] = Field(description="Class name of each detection.")


class ObjectDetectionAnswer(DetectionAnswer):
    """Things of COCO's eighty classes found in the picture, the surest first."""

    detection_classes: list[int] = Field(
        description="Class of each detection by COCO's own category ids, 1 (person) to 90; ten are unused."
    )


class ShelfAnswer(DetectionAnswer):
    """Products found on a shelf, the surest first, and how many there are of each."""

    detection_scores: list[Probability] = Field(
        description="Probability of each detection: that it is a product, times that it is this one."
    )
    product_count: dict[str, Annotated[int, Field(ge=1)]] = Field(
        description=(
            "How many detections there are of each class name that occurs, in the order of first appearance "
            "in `detection_class_names`; without any, `{}`."
        )
    )
    ori_img_shape: list[Annotated[int, Field(ge=1)]] = Field(
        min_length=2, max_length=2, description="Height and width of the upright image in pixels."
    )


Size = Annotated[
    list[Annotated[int, Field(ge=1)]],
    Field(min_length=2, max_length=2, description="Height and width of the upright image."),
]


class RunLengths(BaseModel):
    """A mask of the upright image, row by row."""

    model_config = ConfigDict(strict=True)

    counts: list[Annotated[int, Field(ge=0)]] = Field(
        min_length=1,
        description=(
            "How many pixels in a row are outside, then inside, then outside, and so on; the first may be 0. "
            "`[True, False, False, True]` is `[0, 1, 2, 1]`. COCO's tools go column by column: for them, "
            "`pycocotools.mask.encode(np.asfortranarray("
            "(np.arange(len(counts)) % 2).repeat(counts).reshape(size).astype(np.uint8)))`."
        ),
    )
    size: Size


class InstanceSegmentationAnswer(ObjectDetectionAnswer):
    """Things of COCO's eighty classes found in the picture and their masks, the surest first."""

    detection_masks: list[RunLengths] = Field(
        description="Which pixels show each detection; they lie within its box."
    )


class OcrAnswer(DetectionAnswer):
    """Lines of text found in the picture, and what they say."""

    detection_keypoints: list[Quadrilateral] = Field(
        description=(
            "Four corners `(y, x)` of each text in pixels of the upright image, in order round the text, "
            "from where its reading starts."
        )
    )
    detection_texts_ids: list[list[int]] = Field(
        description="Ids of the characters of each text, padded to the longest of this answer."
    )
    detection_texts: list[str] = Field(description="What each text says.")
    detection_texts_scores: list[Probability] = Field(description="Probability of each text as read.")


HumanRatio = Annotated[
    str,
    Field(pattern=r"^[01]\.\d+$", description="Share of the picture that shows people, a decimal fraction."),
]


class ForegroundAnswer(Answer):
    """Where the picture shows people."""

    human_ratio: HumanRatio
    mask: list[list[Annotated[int, Field(ge=0, le=1)]]] = Field(
        description="For each pixel of the upright image, row by row: 1 where it shows people, else 0."
    )


class ColorizationAnswer(Answer):
    """The picture in colour."""

    out_image: str = Field(
        min_length=1,
        description=(
            "Base64 of the coloured picture: a JPEG file of the upright image's size, with its brightness "
            "pixel by pixel; a PNG file where a side is longer than JPEG's 65500 pixels."
        ),
    )


class SemanticSegmentationAnswer(Answer):
    """What every pixel shows."""

    probs: list[list[Probability]] = Field(
        description=(
            "For each pixel of the upright image, row by row: probability of the class that it most likely "
            "shows, in four decimals."
        )
    )
    preds: list[list[ClassId]] = Field(
        description=(
            "For each pixel of the upright image, row by row: id of that class, one of Pascal VOC's. "
            + ", ".join(f"{number} {name}" for number, name in enumerate(VOC_CLASSES))
            + "."
        )
    )


class ServiceHealth(BaseModel):
    """Whether one service can answer."""

    loaded: bool = Field(description="Triton has loaded it.")
    ready: bool = Field(
        description="It answered a request within `MODELHUB_READINESS_MAX_AGE_S`, or a probe just now."
    )
    reason: str = Field(description="Why, in words.")


class Ready(Answer):
    """Every loaded service answers, and at least one is loaded."""

    services: dict[str, ServiceHealth] = Field(description="By name of service.")


class NotReady(Failure):
    """A loaded service does not answer, or none is loaded."""

    services: dict[str, ServiceHealth] = Field(description="By name of service.")


class SceneAnswer(Answer):
    """Where the picture was taken."""

    class_: list[int] = Field(
        alias="class",
        min_length=5,
        max_length=5,
        description="Ids of the five most probable scenes, best first.",
    )
    class_name: list[str] = Field(
        min_length=5, max_length=5, description="Names of the five most probable scenes, best first."
    )
    class_probs: dict[str, Probability] = Field(
        description="Probability of every scene by its name; they sum to 1, whether or not a scene is shown."
    )


class SimilarityAnswer(Answer):
    """How alike two pictures are."""

    similarity: float = Field(
        ge=0, le=100, description="100: the same picture; below 80: different pictures; 0: nothing in common."
    )
    l2_distance: float = Field(
        ge=0, description="Distance of the pictures' features, which have unit length; 0: the same picture."
    )
