"""What a caller may give as a picture, and what is sent of it."""

import io
from pathlib import Path

from PIL import Image, ImageOps

Picture = bytes | Path | Image.Image | str
"""The bytes of a picture file, where such a file is, a picture in memory, or an http(s) URL."""

_OF_PNG = frozenset({"1", "L", "LA", "P", "RGB", "RGBA", "I", "I;16"})
"""Modes that a PNG holds without loss."""


def sendable(picture: Picture) -> bytes | str:
    """Return the picture file, or the URL where the picture is one.

    A picture in memory is sent as a PNG of its pixels, upright: what its EXIF orientation asks for is done.
    Raises OSError where a file cannot be read, and ValueError for a string that is no http(s) URL.
    """
    if isinstance(picture, bytes):
        return picture
    if isinstance(picture, Path):
        return picture.read_bytes()
    if isinstance(picture, Image.Image):
        return _png(picture)
    if is_url(picture):
        return picture
    raise ValueError(f"{picture[:80]!r} is no http(s) URL; give a file as pathlib.Path")


def is_url(text: str) -> bool:
    """Return whether `text` is an http(s) URL."""
    return text.lower().startswith(("http://", "https://"))


def _png(picture: Image.Image) -> bytes:
    upright = ImageOps.exif_transpose(picture)
    kept = upright if upright.mode in _OF_PNG else upright.convert("RGB")
    buffer = io.BytesIO()
    kept.save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()
