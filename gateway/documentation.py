"""What OpenAPI says beyond what FastAPI finds itself: bodies read by hand, every error with an example."""

from collections.abc import Mapping
from functools import reduce
from operator import or_
from typing import Any

from pydantic.json_schema import models_json_schema

from gateway import form
from gateway.compression import CODINGS, SMALLEST_BYTES
from gateway.deadline import HEADER as DEADLINE_HEADER
from gateway.drawing import MAX_SIDE
from gateway.errors import (
    BodyTooLarge,
    DeadlinePassed,
    GatewayError,
    InternalFault,
    InvalidField,
    MethodNotAllowed,
    ModelUnavailable,
    NoPictureAtUrl,
    NoSuchService,
    NotAnObject,
    NotAuthorized,
    TooManyRequests,
    UrlRefused,
)
from gateway.representation import PICTURES, QUERY
from gateway.responses import NO_HEADERS, SEEDED
from gateway.schemas import Answer, Failure, NotReady, PicturesRequest, Ready
from gateway.services import SERVICES, Service
from modelhub_pictures.errors import InvalidBase64, NotAnImage, PictureError, TooManyPixels
from vision.mask_formats import MASK_FORMATS

INFO: dict[str, Any] = {
    "title": "ModelHub on Triton",
    "version": "1",
    "description": "Image services. A failure's HTTP status is the first three digits of its `error_code`.",
}
EXAMPLE_ID = "9ac294a4f3874c48b640d2c6d41f0000"

_ERRORS: tuple[type[GatewayError | PictureError], ...] = (
    NotAnObject,
    InvalidField,
    InvalidBase64,
    NotAnImage,
    UrlRefused,
    NotAuthorized,
    NoSuchService,
    MethodNotAllowed,
    BodyTooLarge,
    TooManyPixels,
    NoPictureAtUrl,
    TooManyRequests,
    InternalFault,
    ModelUnavailable,
    DeadlinePassed,
)
_REF = "#/components/schemas/{model}"
_REQUEST_ID_HEADER = {
    "X-Request-Id": {"description": "The same as `request_id`.", "schema": {"type": "string"}}
}
_WEIGHTS_HEADER = {
    name: {
        "description": f"`{value}` where a net of random weights had a part in the answer, which then means "
        "nothing; absent otherwise.",
        "schema": {"type": "string", "enum": [value]},
    }
    for name, value in SEEDED.items()
}
_TIMING_HEADER = {
    "Server-Timing": {
        "description": "Milliseconds by stage, those that there were: `fetch`, `queue`, `preprocess`, `net`, "
        "`postprocess`, `encode`, `draw`, and `total`.",
        "schema": {"type": "string"},
    }
}
_CODING_HEADERS = {
    "Content-Encoding": {
        "description": f"Where `Accept-Encoding` asks for one of {' and '.join(CODINGS)} and the answer has "
        f"{SMALLEST_BYTES} bytes or more; without `identity;q=0` smaller ones come as they are.",
        "schema": {"type": "string", "enum": list(CODINGS)},
    },
    "Vary": {"description": "Header fields of the request that it depends on.", "schema": {"type": "string"}},
}
_ANSWER_HEADERS = _WEIGHTS_HEADER | _TIMING_HEADER | _CODING_HEADERS
_FILE = {"type": "string", "format": "binary"}
_FORM_PICTURE = _FILE | {
    "description": "A picture's file. In a part without a file name whose type is text or not said, its "
    "Base64 instead."
}
_FORM_URL = {"type": "string", "description": "URL of a picture, which the gateway fetches."}
_TIMEOUT = {
    "name": DEADLINE_HEADER,
    "in": "header",
    "description": "Milliseconds from the request's head to its answer; then 50401. It makes the gateway's "
    "own deadline shorter, not longer.",
    "schema": {"type": "integer", "minimum": 1, "maximum": 999_999_999},
}
_MASK_FORMAT = {
    "name": QUERY,
    "in": "query",
    "description": "The form of masks; without it that of the first schema of the answer. `rle`: run lengths "
    "row by row. `coco_rle`: those of COCO's tools. `png`: Base64 of a PNG file. `polygon`: corners on the "
    "grid between pixels.",
    "schema": {"type": "string", "enum": list(MASK_FORMATS)},
}
_DRAWN = {
    "description": "Where `Accept` weighs it above JSON: the picture with the answer drawn on it, upright, "
    f"with no side of more than {MAX_SIDE} pixels; of two pictures side by side."
}
_RETRY_AFTER = {"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}}}
_ALLOW = {"Allow": {"description": "Methods that are allowed.", "schema": {"type": "string"}}}
_CHALLENGE = {
    "WWW-Authenticate": {"description": "How to name oneself: `Bearer`.", "schema": {"type": "string"}}
}
_TOKEN = "token"
_TOKENS = {
    "type": "apiKey",
    "in": "header",
    "name": "Authorization",
    "description": (
        "Where the gateway has a file of tokens: `<token>`, `Bearer <token>`, or `EAS <signature>` as the "
        "hosted service's own client signs."
    ),
}
_OWN_HEADERS = {401: _CHALLENGE, 429: _RETRY_AFTER, 405: _ALLOW}


def of_service(service: Service) -> dict[str, Any]:
    """Return what the route of `service` is documented with."""
    return {
        "operation_id": service.name,
        "summary": service.summary,
        "tags": ["services"],
        "responses": {200: _answer_of(service)} | _failures(),
        "openapi_extra": {
            "requestBody": {"required": True, "content": _bodies(service)},
            "parameters": [_TIMEOUT, _MASK_FORMAT] if service.answers_in_form else [_TIMEOUT],
            "security": [{}, {_TOKEN: []}],
        },
    }


def of_live() -> dict[str, Any]:
    """Return what `/health/live` is documented with."""
    return {
        "operation_id": "live",
        "summary": "Whether the gateway answers",
        "tags": ["health"],
        "responses": {200: _answer(Answer)},
    }


def of_ready() -> dict[str, Any]:
    """Return what `/health/ready` is documented with."""
    return {
        "operation_id": "ready",
        "summary": "Whether every loaded service answers a real inference",
        "tags": ["health"],
        "responses": {
            200: _answer(Ready),
            503: {"model": NotReady, "description": NotReady.__doc__, "headers": _REQUEST_ID_HEADER},
        },
    }


def add_requests(openapi: dict[str, Any]) -> None:
    """Put what FastAPI does not see into the document that it made: schemas of requests, and tokens."""
    requests = sorted({service.request for service in SERVICES.values()}, key=lambda model: model.__name__)
    _, schemas = models_json_schema([(model, "validation") for model in requests], ref_template=_REF)
    openapi["components"]["schemas"] |= schemas["$defs"]
    openapi["components"]["securitySchemes"] = {_TOKEN: _TOKENS}


def _bodies(service: Service) -> dict[str, Any]:
    """Return what a request may be, by its Content-Type; JSON is accepted under any."""
    reference = {"$ref": _REF.format(model=service.request.__name__)}
    bodies = {
        "application/json": {"schema": reference},
        form.MEDIA_TYPE: {"schema": _form(service.request)},
    }
    if len(service.pictures) == 1:
        bodies["image/*"] = {"schema": _FILE | {"description": "The picture's file itself."}}
    return bodies


def _form(request: type[PicturesRequest]) -> dict[str, Any]:
    """Return the form that says what `request` does: of each picture one of two parts."""
    names = {field: part for part, field in request.parts().items()}
    return {
        "type": "object",
        "properties": {part: _FORM_PICTURE if part == field else _FORM_URL for field, part in names.items()},
        "allOf": [
            {"anyOf": [{"required": [names[field]]} for field in either]} for either in request.alternatives
        ],
    }


def _answer_of(service: Service) -> dict[str, Any]:
    """Return the answer's forms: JSON, by `mask_format` where there are masks, and pictures by `Accept`."""
    models = (service.answer, *service.answers_in_form)
    return {
        "model": reduce(or_, models),
        "description": " ".join(filter(None, (model.__doc__ for model in models))),
        "headers": _REQUEST_ID_HEADER | _ANSWER_HEADERS,
        "content": {media_type: {"schema": _FILE | _DRAWN} for media_type in PICTURES},
    }


def _answer(model: type[Answer], headers: Mapping[str, Any] = NO_HEADERS) -> dict[str, Any]:
    return {"model": model, "description": model.__doc__, "headers": _REQUEST_ID_HEADER | dict(headers)}


def _failures() -> dict[int, dict[str, Any]]:
    statuses = sorted({error.code // 100 for error in _ERRORS})
    return {
        status: _failure([error for error in _ERRORS if error.code // 100 == status]) for status in statuses
    }


def _failure(errors: list[type[GatewayError | PictureError]]) -> dict[str, Any]:
    examples = {str(error.code): {"summary": _sentence(error), "value": _example(error)} for error in errors}
    return {
        "model": Failure,
        "description": " ".join(_sentence(error) for error in errors),
        "headers": _REQUEST_ID_HEADER | _OWN_HEADERS.get(errors[0].code // 100, {}),
        "content": {"application/json": {"examples": examples}},
    }


def _example(error: type[GatewayError | PictureError]) -> dict[str, Any]:
    message = error().public_message(EXAMPLE_ID) if issubclass(error, GatewayError) else _sentence(error)
    return {"request_id": EXAMPLE_ID, "success": False, "error_code": error.code, "error_msg": message}


def _sentence(error: type[BaseException]) -> str:
    return (error.__doc__ or "").partition("\n")[0]
