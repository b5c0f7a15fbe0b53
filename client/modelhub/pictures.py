"""What a caller may give as a picture, and what is sent of it."""

import io
import os
from typing import BinaryIO

from PIL import Image

from modelhub_pictures.decoding import orientation_of, upright
from modelhub_pictures.errors import NotAnImage

Picture = bytes | bytearray | memoryview | os.PathLike[str] | BinaryIO | Image.Image | str
"""The bytes of a picture file, where such a file is, one that is open, one in memory, or an http(s) URL."""

_TAKEN = (
    "give the bytes of a picture's file, a pathlib.Path, a file opened as 'rb', a PIL.Image.Image or a URL"
)
_OF_PNG = frozenset({"1", "L", "LA", "P", "RGB", "RGBA", "I;16"})
"""Modes that a PNG holds without loss."""


def sendable(picture: Picture) -> bytes | str:
    """Return the picture file, or the URL where the picture is one.

    A picture in memory is sent as a PNG of its pixels, upright: what its EXIF orientation asks for is done.
    Raises OSError where a file cannot be read, and ValueError for whatever else is no picture: a string that
    is no http(s) URL, a mode that has no defined look, an array, which does not say the order of its colours.
    """
    if isinstance(picture, bytes | bytearray | memoryview):
        return bytes(picture)
    if isinstance(picture, Image.Image):
        return _png(picture)
    if isinstance(picture, str):
        if is_url(picture):
            return picture
        raise ValueError(f"{picture[:80]!r} is no http(s) URL; {_TAKEN}")
    if isinstance(picture, os.PathLike):
        with open(picture, "rb") as file:
            return file.read()
    return _content(picture)


def is_url(text: str) -> bool:
    """Return whether `text` is an http(s) URL."""
    return text.lower().startswith(("http://", "https://"))


def _content(picture: object) -> bytes:
    """Return what an open file holds from where it stands on."""
    content = picture.read() if callable(getattr(picture, "read", None)) else None  # type: ignore[attr-defined]
    if isinstance(content, bytes):
        return content
    kind = type(picture).__name__
    if hasattr(picture, "__array_interface__"):
        why = "does not say the order of its colours: give PIL.Image.fromarray(array) where that is RGB, or"
        raise ValueError(f"an array ({kind}) {why} {_TAKEN.removeprefix('give ')}")
    raise ValueError(f"{kind} is no picture; {_TAKEN}")


def _png(picture: Image.Image) -> bytes:
    try:
        as_it_is = picture.mode in _OF_PNG and orientation_of(picture) == 1
        kept = picture if as_it_is else upright(picture)
    except NotAnImage as error:
        raise ValueError(f"a picture of mode {picture.mode} cannot be sent: {error}") from None
    buffer = io.BytesIO()
    kept.save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()
