"""What OpenAPI says beyond what FastAPI finds itself: bodies read by hand, every error with an example."""

from collections.abc import Mapping
from typing import Any

from pydantic.json_schema import models_json_schema

from gateway.deadline import HEADER as DEADLINE_HEADER
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
from gateway.responses import NO_HEADERS, SEEDED
from gateway.schemas import Answer, Failure, NotReady, Ready
from gateway.services import SERVICES, Service
from vision.errors import InvalidBase64, NotAnImage, PictureError, TooManyPixels

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
        "`postprocess`, `encode`, and `total`.",
        "schema": {"type": "string"},
    }
}
_TIMEOUT = {
    "name": DEADLINE_HEADER,
    "in": "header",
    "description": "Milliseconds from the request's head to its answer; then 50401. It makes the gateway's "
    "own deadline shorter, not longer.",
    "schema": {"type": "integer", "minimum": 1, "maximum": 999_999_999},
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
    schema = {"$ref": _REF.format(model=service.request.__name__)}
    return {
        "operation_id": service.name,
        "summary": service.summary,
        "tags": ["services"],
        "responses": {200: _answer(service.answer, _WEIGHTS_HEADER | _TIMING_HEADER)} | _failures(),
        "openapi_extra": {
            "requestBody": {"required": True, "content": {"application/json": {"schema": schema}}},
            "parameters": [_TIMEOUT],
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
