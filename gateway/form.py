"""Forms, `multipart/form-data` (RFC 7578): the fields of the JSON, each in a part of its name.

| part | holds |
|---|---|
| `image`, `imagea`, `imageb` | a picture: its file as it is, or its Base64 |
| `input.url`, `inputa.url`, `inputb.url` | the URL of a picture, in UTF-8 |

A picture's part is a file where it has a file name or a Content-Type other than `text/...`, or begins as a
picture does. Any other part of a picture is Base64, in all the forms that JSON may have it in. A part with
neither a file name nor content is absent, as null is in JSON: browsers send controls like that which nobody
touched. Parts of other names are ignored, whatever they hold.

Charsets are ignored: Base64 is ASCII and a URL UTF-8, whatever a part or a field `_charset_` says of it.
A file name may be in any encoding, and is not looked at.
"""

from collections.abc import Container
from dataclasses import dataclass

from multipart import MultipartError, MultipartSegment, PushMultipartParser, parse_options_header

from gateway.errors import InvalidField, NotAnObject

MEDIA_TYPE = "multipart/form-data"

MAX_BOUNDARY = 70
"""Characters of a boundary, of which RFC 2046 allows no more."""

MAX_PARTS = 64
"""Parts of a form, those that are ignored too."""

MAX_PART_HEADERS = 16
"""Header fields of a part. RFC 7578 knows three."""

MAX_PART_HEADER_BYTES = 4096
"""Bytes of one of them."""

_IDENTITY_ENCODINGS = frozenset({"", "7bit", "8bit", "binary"})


@dataclass(frozen=True, slots=True)
class Part:
    """What a part holds."""

    content: bytes
    is_text: bool
    """Whether it is text rather than a file: Base64 where a picture is asked for."""


def parts(content_type: str, body: bytes, names: Container[str]) -> dict[str, Part]:
    """Return the parts of `body` that have one of `names`, without those that are absent.

    `content_type` is the request's, with the boundary. The time it takes is linear in the body's length.

    Raises NotAnObject where the body is no whole form or one of the limits here is passed, and InvalidField
    where two parts have one of `names` or one is in another encoding than as it is.
    """
    parser = _parser(content_type)
    found: dict[str, Part] = {}
    segment: MultipartSegment | None = None
    content: list[bytes] = []
    try:
        for piece in parser.parse(body):
            if isinstance(piece, MultipartSegment):
                segment, content = piece, []
            elif piece:
                content.append(piece)
            elif segment is not None and segment.name in names:
                _add(found, segment, b"".join(content))
        parser.close()
    except MultipartError as error:
        raise _not_a_form(str(error.args[0])) from None
    return found


def _parser(content_type: str) -> PushMultipartParser:
    _, options = parse_options_header(content_type)
    boundary = options.get("boundary", "")
    if not boundary or len(boundary) > MAX_BOUNDARY or not boundary.isascii():
        raise _not_a_form(f"its Content-Type must name a boundary of 1 to {MAX_BOUNDARY} ASCII characters")
    return PushMultipartParser(
        boundary,
        max_header_size=MAX_PART_HEADER_BYTES,
        max_header_count=MAX_PART_HEADERS,
        max_segment_count=MAX_PARTS,
        header_charset="latin-1",  # which every byte is in
        strict=True,
    )


def _add(found: dict[str, Part], segment: MultipartSegment, content: bytes) -> None:
    name = segment.name
    if not content and not segment.filename:
        return
    if name in found:
        raise InvalidField(f"{name}: more than one part has this name")
    if segment.header("Content-Transfer-Encoding", "").lower() not in _IDENTITY_ENCODINGS:
        raise InvalidField(f"{name}: its part has a Content-Transfer-Encoding; send the bytes as they are")
    kind = segment.content_type or "text/plain"
    found[name] = Part(content, segment.filename is None and kind.startswith("text/"))


def _not_a_form(why: str) -> NotAnObject:
    return NotAnObject(f"the body is not a form: {why}")
