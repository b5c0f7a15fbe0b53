"""What a request wants its answer to be: the form of masks by its query, JSON or a picture by its `Accept`.

`Accept` is read by RFC 9110, 12.5.1: of what can be made that of the greatest weight is taken; JSON where it
is among the best, or where nothing that can be made is acceptable, since the contract has no code for that.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from starlette.requests import Request

from gateway.body import in_thread_if_large
from gateway.errors import InvalidField
from gateway.quality_values import quality_values
from gateway.services import SERVICES, Service
from modelhub.kinds import Tensors
from vision.mask_formats import MASK_FORMATS, MaskFormat

QUERY = "mask_format"
"""The parameter of the query that names one of `MASK_FORMATS`."""

JSON = "application/json"
PICTURES: Mapping[str, str] = MappingProxyType(
    {"image/png": "PNG", "image/jpeg": "JPEG", "image/webp": "WEBP"}
)
"""Media types of the annotated picture, of equals the first before the others, and Pillow's names of them."""


@dataclass(frozen=True, slots=True)
class Representation:
    """What the answer to one request is to be."""

    mask_format: MaskFormat | None = None
    """None: the contract's own form."""
    media_type: str = JSON
    """JSON, or one of PICTURES: the request's picture with the answer drawn on it."""


PLAIN = Representation()


def requested(service: Service, request: Request) -> Representation:
    """Return what `request` to `service` asks for. Raises InvalidField for a form of masks that is none."""
    media_type = preferred_media_type(",".join(request.headers.getlist("accept")))
    if not request.url.query and media_type == JSON:
        return PLAIN
    return Representation(_mask_format(service, request), media_type)


async def rendered(service: Service, outputs: Tensors, representation: Representation) -> dict[str, Any]:
    """Return the fields of the answer as it is to be; those to draw by have arrays for tables.

    Masks in another form take time with every pixel, however small what tells of them is: in a thread.
    """
    if representation.media_type != JSON:
        return await asyncio.to_thread(service.arrays, outputs)
    if representation.mask_format is not None:
        return await asyncio.to_thread(service.render, outputs, representation.mask_format)
    size = sum(tensor.nbytes for tensor in outputs.values())
    return await in_thread_if_large(size, service.render, outputs)


def _mask_format(service: Service, request: Request) -> MaskFormat | None:
    names = request.query_params.getlist(QUERY)
    if not names:
        return None
    if not service.answers_in_form:
        having = ", ".join(name for name, other in SERVICES.items() if other.answers_in_form)
        raise InvalidField(f"{QUERY}: {service.name} answers with no masks; these do: {having}")
    if len(names) > 1 or names[0] not in MASK_FORMATS:
        raise InvalidField(f"{QUERY}: one of {', '.join(MASK_FORMATS)} is allowed, once")
    return MASK_FORMATS[names[0]]


@lru_cache(maxsize=64)
def preferred_media_type(accept: str) -> str:
    """Return JSON or which of PICTURES the value of `Accept` asks for; without one it is JSON."""
    named = quality_values(accept)
    return max((JSON, *PICTURES), key=lambda media_type: _weight(media_type, named))


def _weight(media_type: str, named: Mapping[str, float]) -> float:
    """Return the weight of `media_type` by the most specific range that it is in; 0 where it is in none."""
    ranges = (media_type, f"{media_type.partition('/')[0]}/*", "*/*")
    return next((named[one] for one in ranges if one in named), 0.0)
