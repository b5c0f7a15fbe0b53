"""Requests and answers as the contract has them; OpenAPI is generated from here.

Requests are validated by these models. Answers are validated against them by tests, not while serving.
"""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator
from pydantic_core import PydanticCustomError

Probability = Annotated[float, Field(ge=0, le=1)]
Coordinate = Annotated[float, Field(ge=0)]
Box = Annotated[list[Coordinate], Field(min_length=4, max_length=4)]
Point = Annotated[list[float], Field(min_length=2, max_length=2)]
Quadrilateral = Annotated[list[Point], Field(min_length=4, max_length=4)]


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


class PictureRequest(BaseModel):
    """One picture, as Base64 or by its URL.

    One of the two is the documented field. Where it is present it counts and the other, which the hosted
    service would not know, is ignored whatever it holds; null is absent. Without either this is no request.
    """

    model_config = ConfigDict(strict=True)
    documented: ClassVar[str]

    image: str | None = Field(default=None, description=_IMAGE, json_schema_extra=_without_null)
    input: PictureUrl | None = Field(default=None, description=_INPUT, json_schema_extra=_without_null)

    @model_validator(mode="before")
    @classmethod
    def _one_field(cls, fields: dict[str, object]) -> dict[str, object]:
        for name in (cls.documented, "image", "input"):
            if fields.get(name) is not None:
                return {name: fields[name]}
        raise PydanticCustomError("missing", f"{cls.documented}: Field required")


_EITHER: JsonValue = [{"required": ["image"]}, {"required": ["input"]}]


class ImageRequest(PictureRequest):
    """One picture: `image`, or where that is absent `input`."""

    model_config = ConfigDict(
        json_schema_extra={
            "anyOf": _EITHER,
            "examples": [
                {"image": "iVBORw0KGgoAAAANSUhEUgAA..."},
                {"input": {"url": "https://images.example/cat.jpg"}},
            ],
        }
    )
    documented = "image"


class ForegroundRequest(PictureRequest):
    """One picture: `input`, or where that is absent `image`."""

    model_config = ConfigDict(
        json_schema_extra={
            "anyOf": _EITHER,
            "examples": [
                {"input": {"url": "https://images.example/cat.jpg"}},
                {"image": "iVBORw0KGgoAAAANSUhEUgAA..."},
            ],
        }
    )
    documented = "input"


class SimilarityRequest(BaseModel):
    """Two pictures."""

    model_config = ConfigDict(
        strict=True,
        json_schema_extra={
            "examples": [{"imagea": "iVBORw0KGgoAAAANSUhEUgAA...", "imageb": "iVBORw0KGgoAAAANSUhEUgAA..."}]
        },
    )

    imagea: str = Field(description=_IMAGE)
    imageb: str = Field(description=_IMAGE)


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


class ForegroundAnswer(Answer):
    """Where the picture shows people."""

    human_ratio: str = Field(
        pattern=r"^[01]\.\d+$", description="Share of the picture that shows people, a decimal fraction."
    )
    mask: list[list[Annotated[int, Field(ge=0, le=1)]]] = Field(
        description="For each pixel of the upright image, row by row: 1 where it shows people, else 0."
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
