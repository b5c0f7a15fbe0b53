"""Requests and answers as the contract has them; OpenAPI is generated from here.

Requests are validated by these models. Answers are validated against them by tests, not while serving.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Probability = Annotated[float, Field(ge=0, le=1)]
Coordinate = Annotated[float, Field(ge=0)]
Box = Annotated[list[Coordinate], Field(min_length=4, max_length=4)]
Point = Annotated[list[float], Field(min_length=2, max_length=2)]
Quadrilateral = Annotated[list[Point], Field(min_length=4, max_length=4)]


class ImageRequest(BaseModel):
    """One picture."""

    model_config = ConfigDict(
        strict=True, json_schema_extra={"examples": [{"image": "iVBORw0KGgoAAAANSUhEUgAA..."}]}
    )

    image: str = Field(
        description=(
            "Base64 of an image file. A `data:` URL, line breaks, the URL-safe alphabet "
            "and absent padding are accepted."
        )
    )


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
