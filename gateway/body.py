"""From the bytes of a body to the pictures in it, with every limit held before the work it limits.

What a body is its first bytes say, whatever its Content-Type does: one that begins with `{`, after white
space, is JSON, and one that begins as a picture's file is that file. The hosted service's client, curl and
many a library name types of their own. Any other body is what its Content-Type says: a picture's file where
that is `image/...`, a form where it is `multipart/form-data` (`gateway.form`), and otherwise JSON.
"""

import asyncio
import re
from collections.abc import Callable, Mapping
from typing import TypeVar, TypeVarTuple, Unpack

import orjson
from pydantic import BaseModel, ValidationError
from pydantic_core import PydanticCustomError
from starlette.requests import Request

from gateway import form
from gateway.admission import Arriving
from gateway.errors import BodyTooLarge, InvalidField, NotAnObject, SlowBody
from gateway.json_bounds import check_marks
from gateway.schemas import PictureUrl
from gateway.services import Service
from modelhub_pictures.errors import InvalidBase64, NotAnImage
from modelhub_pictures.formats import HEAD_BYTES, NAMED_BYTES, format_of, other_format
from vision.base64_text import decode_base64

INLINE_BYTES = 1024 * 1024
"""Up to this size work runs on the event loop; a thread would cost more than it frees."""

STALL_TIMEOUT_S = 5.0
"""Seconds for which a body may come at less than MIN_BYTES_PER_S."""
MIN_BYTES_PER_S = 32 * 1024
"""Lowest mean rate of a body."""

PICTURE_TYPES = "image/"
"""How the Content-Type of a body begins that is a picture's file."""

_HOW = "a picture's file goes under Content-Type image/..., a form under multipart/form-data"
_JSON = re.compile(rb"[ \t\r\n]*\{")

Model = TypeVar("Model", bound=BaseModel)
Result = TypeVar("Result")
Arguments = TypeVarTuple("Arguments")


def check_announced(headers: Mapping[str, str], limit: int) -> None:
    """Raise BodyTooLarge where a body of more than `limit` bytes is announced."""
    announced = headers.get("content-length")
    if announced is not None and int(announced) > limit:
        raise BodyTooLarge(f"the body has {int(announced)} bytes; the limit is {limit}")


async def read_body(request: Request, limit: int, timeout_s: float, arriving: Arriving) -> bytes:
    """Return the whole body.

    Raises BodyTooLarge as soon as more than `limit` bytes came, TooManyRequests where `arriving` has no
    room for it, SlowBody after `timeout_s` or where it comes at less than MIN_BYTES_PER_S after
    STALL_TIMEOUT_S, and ClientDisconnect.
    """
    began = asyncio.get_running_loop().time()
    chunks: list[bytes] = []
    try:
        async with asyncio.timeout_at(began + min(timeout_s, STALL_TIMEOUT_S)) as timeout:
            async for chunk in request.stream():
                arriving.grow(len(chunk))
                if arriving.size > limit:
                    raise BodyTooLarge(f"the body has more than {limit} bytes")
                chunks.append(chunk)
                timeout.reschedule(began + min(timeout_s, STALL_TIMEOUT_S + arriving.size / MIN_BYTES_PER_S))
    except TimeoutError:
        raise SlowBody from None
    return b"".join(chunks)


async def in_thread_if_large(
    size: int, work: Callable[[Unpack[Arguments]], Result], *arguments: *Arguments
) -> Result:
    """Return `work(*arguments)`; where `size`, in bytes, is large it runs in a thread."""
    if size > INLINE_BYTES:
        return await asyncio.to_thread(work, *arguments)
    return work(*arguments)


async def parse(service: Service, body: bytes, content_type: str) -> dict[str, bytes | PictureUrl]:
    """Return what `parse_inline` does; large bodies are parsed in a thread."""
    return await in_thread_if_large(len(body), parse_inline, service, body, content_type)


def parse_inline(service: Service, body: bytes, content_type: str = "") -> dict[str, bytes | PictureUrl]:
    """Return the file or the URL of each picture in `body`, by the field that gives it.

    `content_type` is the header of that name. Raises NotAnObject, InvalidField, InvalidBase64, and NotAnImage
    for an empty picture.
    """
    if not _JSON.match(body):
        media_type = content_type.partition(";")[0].strip().lower()
        if media_type.startswith(PICTURE_TYPES) or _begins_as_picture(body):
            return _of_picture(service, body)
        if media_type == form.MEDIA_TYPE:
            return _of_form(service, body, content_type)
    sources = validated(service.request, body).given()
    return {
        name: value if isinstance(value, PictureUrl) else _decoded(name, value)
        for name, value in sources.items()
    }


def _begins_as_picture(body: bytes) -> bool:
    """Return whether it is a picture by its first bytes, or would be one if its format were read."""
    return bool(format_of(body[:HEAD_BYTES]) or other_format(body[:NAMED_BYTES]))


def _of_picture(service: Service, body: bytes) -> dict[str, bytes | PictureUrl]:
    name, *others = service.pictures
    if others:
        raise InvalidField(f"{others[0]}: Field required; a body that is a picture is one picture")
    return {name: _file(name, body)}


def _of_form(service: Service, body: bytes, content_type: str) -> dict[str, bytes | PictureUrl]:
    fields = service.request.parts()
    parts = form.parts(content_type, body, fields)
    names = {fields[part]: part for part in parts}
    try:
        counting = service.request.counting(names)
    except PydanticCustomError as error:
        raise InvalidField(error.message()) from None
    return {name: _of_part(names[name], parts[names[name]], is_url=names[name] != name) for name in counting}


def _of_part(name: str, part: form.Part, *, is_url: bool) -> bytes | PictureUrl:
    if not is_url:
        is_text = part.is_text and not _begins_as_picture(part.content)
        return _decoded(name, part.content) if is_text else _file(name, part.content)
    try:
        return PictureUrl(url=part.content.decode())
    except UnicodeDecodeError:
        raise InvalidField(f"{name}: Input should be text in UTF-8") from None


def validated(schema: type[Model], body: bytes) -> Model:
    """Return `body` as a `schema`; fields that the schema does not know are ignored."""
    check_marks(body)
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise NotAnObject(f"the body is not JSON: {error}; {_HOW}") from None
    if not isinstance(value, dict):
        raise NotAnObject
    try:
        return schema.model_validate(value)
    except ValidationError as error:
        raise InvalidField(_first_problem(error)) from None


def _first_problem(error: ValidationError) -> str:
    problem = error.errors(include_url=False, include_context=False, include_input=False)[0]
    return ": ".join(filter(None, [".".join(map(str, problem["loc"])), problem["msg"]]))


def _decoded(name: str, text: str | bytes) -> bytes:
    """Return the picture's file that `text` is the Base64 of."""
    if not text.isascii():
        raise InvalidBase64(f"{name}: not valid Base64: non-ASCII characters")
    try:
        content = decode_base64(text.encode("ascii") if isinstance(text, str) else text)
    except InvalidBase64 as error:
        raise InvalidBase64(f"{name}: {error}") from None
    return _file(name, content)


def _file(name: str, content: bytes) -> bytes:
    if not content:
        raise NotAnImage(f"{name}: the image is empty")
    return content
