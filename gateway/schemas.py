"""Requests, failures and health as the contract has them, and what every answer has.

Requests are validated by these models. What each service answers is in `gateway.answer_schemas`.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator
from pydantic_core import PydanticCustomError

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
