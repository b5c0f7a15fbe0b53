"""The OpenAPI document: every path, body and answer, and every error with an example.

Schemas come from the models of `gateway.schemas`. `python -m gateway.openapi > docs/openapi.json` writes it.
"""

import sys
from collections.abc import Sequence
from functools import cache
from typing import Any

import orjson
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from gateway import form, paths
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
from gateway.representation import JSON, PICTURES, QUERY
from gateway.responses import RANDOM_WEIGHTS
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
    for name, value in RANDOM_WEIGHTS.items()
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


@cache
def document(*, indented: bool = False) -> bytes:
    """Return the document as JSON, as the gateway serves it with services in their order.

    `indented` as `docs/` has it, whose names are sorted.
    """
    services = {paths.PREDICT + service.name: {"post": _predict(service)} for service in SERVICES.values()}
    content = {
        "openapi": "3.1.0",
        "info": INFO,
        "paths": services | {paths.LIVE: {"get": _live()}, paths.READY: {"get": _ready()}},
        "components": {"schemas": _schemas(), "securitySchemes": {_TOKEN: _TOKENS}},
    }
    in_docs = orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
    return orjson.dumps(content, option=in_docs if indented else 0)


def _schemas() -> dict[str, Any]:
    """Return the schemas of all bodies, by name: requests as they are read, answers as they are written."""
    requests = {service.request for service in SERVICES.values()}
    answers: set[type[BaseModel]] = {Answer, Failure, Ready, NotReady}
    answers.update(*map(_answers_of, SERVICES.values()))
    _, schemas = models_json_schema(
        [*((model, "validation") for model in requests), *((model, "serialization") for model in answers)],
        ref_template=_REF,
    )
    definitions: dict[str, Any] = schemas["$defs"]
    return definitions


def _predict(service: Service) -> dict[str, Any]:
    return {
        "operationId": service.name,
        "summary": service.summary,
        "tags": ["services"],
        "parameters": [_TIMEOUT, _MASK_FORMAT] if service.answers_in_form else [_TIMEOUT],
        "requestBody": {"required": True, "content": _bodies(service)},
        "responses": {"200": _answer_of(service)} | _failures(),
        "security": [{}, {_TOKEN: []}],
    }


def _live() -> dict[str, Any]:
    return {
        "operationId": "live",
        "summary": "Whether the gateway answers",
        "description": "Answer, which is all that liveness means.",
        "tags": ["health"],
        "responses": {"200": _response(Answer)},
    }


def _ready() -> dict[str, Any]:
    return {
        "operationId": "ready",
        "summary": "Whether every loaded service answers a real inference",
        "description": "Answer 200 if everything loaded answers a real inference, else 503 with what does "
        "not and why.",
        "tags": ["health"],
        "responses": {"200": _response(Ready), "503": _response(NotReady)},
    }


def _bodies(service: Service) -> dict[str, Any]:
    """Return what a request may be, by its Content-Type; JSON is accepted under any."""
    bodies = {
        JSON: {"schema": _reference(service.request)},
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


def _answers_of(service: Service) -> tuple[type[Answer], ...]:
    return (service.answer, *service.answers_in_form)


def _answer_of(service: Service) -> dict[str, Any]:
    """Return the answer's forms: JSON, by `mask_format` where there are masks, and pictures by `Accept`."""
    models = _answers_of(service)
    schema: dict[str, Any] = _reference(models[0])
    if len(models) > 1:
        title = f"Response 200 {service.name.replace('_', ' ').title()}"
        schema = {"title": title, "anyOf": [_reference(model) for model in models]}
    return {
        "description": " ".join(filter(None, (model.__doc__ for model in models))),
        "headers": _REQUEST_ID_HEADER | _ANSWER_HEADERS,
        "content": {
            JSON: {"schema": schema},
            **{media_type: {"schema": _FILE | _DRAWN} for media_type in PICTURES},
        },
    }


def _response(model: type[BaseModel]) -> dict[str, Any]:
    return {
        "description": model.__doc__,
        "headers": _REQUEST_ID_HEADER,
        "content": {JSON: {"schema": _reference(model)}},
    }


def _failures() -> dict[str, dict[str, Any]]:
    statuses = sorted({error.code // 100 for error in _ERRORS})
    return {
        str(status): _failure(status, [error for error in _ERRORS if error.code // 100 == status])
        for status in statuses
    }


def _failure(status: int, errors: Sequence[type[GatewayError | PictureError]]) -> dict[str, Any]:
    examples = {str(error.code): {"summary": _sentence(error), "value": _example(error)} for error in errors}
    return {
        "description": " ".join(_sentence(error) for error in errors),
        "headers": _REQUEST_ID_HEADER | _OWN_HEADERS.get(status, {}),
        "content": {JSON: {"schema": _reference(Failure), "examples": examples}},
    }


def _reference(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": _REF.format(model=model.__name__)}


def _example(error: type[GatewayError | PictureError]) -> dict[str, Any]:
    message = error().public_message(EXAMPLE_ID) if issubclass(error, GatewayError) else _sentence(error)
    return {"request_id": EXAMPLE_ID, "success": False, "error_code": error.code, "error_msg": message}


def _sentence(error: type[BaseException]) -> str:
    return (error.__doc__ or "").partition("\n")[0]


if __name__ == "__main__":
    sys.stdout.buffer.write(document(indented=True))
