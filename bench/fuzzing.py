"""Bodies and pictures that are nearly right, and what must be true of every answer to them."""

import base64
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from random import Random

import httpx
import orjson
import psutil
from PIL import Image
from pydantic import ValidationError

from bench.hazards import HAZARDS, scene
from evaluation.picture_files import encoded
from gateway.schemas import Failure
from gateway.services import Service

CODES: dict[int, frozenset[int | None]] = {
    200: frozenset({None}),
    400: frozenset({40001, 40002, 40003, 40004, 40005}),
    413: frozenset({41302}),
    422: frozenset({42201}),
}
"""What may come of a body, however wrong it is, by HTTP status."""

JSON = "application/json"
_FORMS = (
    "multipart/form-data; boundary=of-this-form",
    "multipart/form-data; boundary=of-another",
    "multipart/form-data; boundary=",
    "multipart/form-data",
    "multipart/mixed; boundary=of-this-form",
    "image/png",
    JSON,
)
"""The Content-Type of all forms, and others that are wrong."""

Sent = tuple[bytes, str]
"""A body and its Content-Type."""

_TOO_LARGE = frozenset({"very_wide", "very_high", "empty"})
_KINDS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")
_REFUSED_URLS = (
    "file:///etc/passwd",
    "http://127.0.0.1/",
    "http://[::1]:8001/",
    "https://user:word@localhost/",
    "http://0x7f.1/",
    "//",
    "http://\x00",
    "",
)


def mutate(data: bytes, chance: Random) -> bytes:
    """Return `data` after one to eight random edits.

    A byte is changed, bytes are inserted, cut out or doubled, or the end is cut off.
    """
    edited = bytearray(data)
    for _ in range(chance.randint(1, 8)):
        at = chance.randrange(len(edited) + 1)
        span = slice(at, at + chance.randint(1, 16))
        edits: list[Callable[[], bytes]] = [
            lambda: bytes([chance.randrange(256)]),
            lambda span=span: bytes(edited[span]) + chance.randbytes(3),  # type: ignore[misc]
            lambda: b"",
            lambda span=span: bytes(edited[span]) * 2,  # type: ignore[misc]
        ]
        edited[span] = chance.choice(edits)()
        if chance.random() < 0.05:
            del edited[chance.randrange(len(edited) + 1) :]
    return bytes(edited)


@cache
def _files() -> tuple[bytes, ...]:
    """Return picture files of every kind."""
    files = [hazard.make() for hazard in HAZARDS if hazard.name not in _TOO_LARGE]
    files += [encoded(scene().resize((320, 240)), kind) for kind in _KINDS]
    files.append(encoded(scene(), "PNG", exif=Image.Exif()))
    return tuple(files)


def picture(chance: Random) -> bytes:
    """Return a picture file of any kind that is a little wrong."""
    return mutate(chance.choice(_files()), chance)


def picture_body(service: Service, chance: Random) -> Sent:
    """Return a right request for `service` with pictures that are a little wrong."""
    return as_body(service, [picture(chance) for _ in service.pictures]), JSON


def as_body(service: Service, files: Iterable[bytes]) -> bytes:
    """Return the request that sends picture files to `service`."""
    texts = (base64.b64encode(file).decode("ascii") for file in files)
    return json.dumps(dict(zip(service.pictures, texts, strict=True))).encode()


def structured_body(service: Service, chance: Random) -> Sent:
    """Return a request for `service` that is nearly right in structure, in bytes or in both.

    Addresses in it are whole and never public: nothing is asked of anybody else.
    """
    image = base64.b64encode(encoded(scene(), "BMP")).decode()  # forgives a changed byte
    values = [
        image,
        image[:-3],
        "",
        None,
        7,
        1e308,
        [image],
        {"image": image},
        "data:image/png;base64," + image,
        "\x00é",
        _nested(chance),
    ]
    fields = [name for names in service.request.alternatives for name in names]
    body = {
        name if chance.random() < 0.9 else name.upper(): chance.choice(values)
        for name in fields
        if name.startswith("image") and chance.random() < 0.9
    }
    text = json.dumps(body).encode()
    if chance.random() < 0.3:
        return text, JSON
    if chance.random() < 0.2:
        address = {"url": chance.choice(_REFUSED_URLS)}
        return json.dumps({name: address for name in fields if name.startswith("input")}).encode(), JSON
    return mutate(text, chance), JSON


def typed_body(service: Service, chance: Random) -> Sent:
    """Return a request for `service` that is a picture or a form, nearly right in bytes, parts or type."""
    if chance.random() < 0.3:
        return picture(chance), chance.choice(["image/png", "IMAGE/*; x=y"])
    right = encoded(scene(), "BMP")
    parts: list[tuple[str | None, bytes]] = [
        ("x.bmp", right),
        (None, base64.b64encode(right)),
        ("x", picture(chance)),
        ("x", b""),
        ("", b""),
        (None, b"AAA"),
    ]
    names = [*service.pictures, chance.choice(["image", "input.url", "inputb.url", "imagea", "x"])]
    form = [(name, chance.choice(parts)) for name in names if chance.random() < 0.9]
    headers = {"Content-Type": _FORMS[0]}
    body = httpx.Request("POST", "http://modelhub/", files=form, headers=headers).read()
    if chance.random() < 0.5:
        body = mutate(body, chance)
    return body, chance.choice(_FORMS) if chance.random() < 0.1 else _FORMS[0]


def _nested(chance: Random) -> object:
    value: object = chance.choice([None, True, 0, "text"])
    for _ in range(chance.randrange(40)):
        value = [value] if chance.random() < 0.5 else {"url": value}
    return value


def fault(service: Service, status: int, body: bytes) -> str:
    """Return in words what an answer has that none may have; empty where it is as the contract says."""
    try:
        fields = orjson.loads(body)
    except orjson.JSONDecodeError:
        return f"{status} without JSON: {body[:100]!r}"
    code = fields.get("error_code") if isinstance(fields, dict) else None
    if code not in CODES.get(status, frozenset()):
        return f"{status} with {str(fields)[:300]}"
    try:
        if status == 200:
            service.answer.model_validate(fields)
        else:
            Failure.model_validate(fields)
    except ValidationError as error:
        return f"{status} is not of its shape: {str(error)[:300]}"
    if status != 200 and fields.keys() != Failure.model_fields.keys():
        return f"{status} has more fields than a failure: {sorted(fields)}"
    return ""


@dataclass(frozen=True)
class Footprint:
    """What some processes and all that they started hold."""

    memory_mib: float
    handles: int
    processes: int

    @classmethod
    def of(cls, roots: Iterable[psutil.Process]) -> "Footprint":
        """Return what they hold now."""
        family = [process for root in roots for process in (root, *root.children(recursive=True))]
        return cls(
            sum(process.memory_info().rss for process in family) / 2**20,
            sum(process.num_fds() for process in family),
            len(family),
        )
