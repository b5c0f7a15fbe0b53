"""The picture formats that are decoded, and how their files begin; the gateway looks at this too."""

import re

_BEGINNINGS = {
    "JPEG": rb"\xff\xd8\xff",
    "PNG": rb"\x89PNG\r\n\x1a\n",
    "WEBP": rb"RIFF.{4}WEBP",
    "GIF": rb"GIF8[79]a",
    # Two letters would let many a text through: the size of the second header is one of eight.
    "BMP": rb"BM.{12}[\x0c\x10\x28\x34\x38\x40\x6c\x7c]\x00{3}",
    "TIFF": rb"II[\x2a\x2b]\x00|MM\x00[\x2a\x2b]|II\x00\x2a|MM\x2a\x00",
}

FORMATS = tuple(_BEGINNINGS)
"""What is decoded; Pillow's other readers are never given a caller's bytes. MPO comes with JPEG."""

HEAD_BYTES = 18
"""So many bytes of a file decide which format it is."""

_PATTERNS = {name: re.compile(beginning, re.DOTALL) for name, beginning in _BEGINNINGS.items()}


def format_of(head: bytes) -> str | None:
    """Return which of FORMATS a file that begins with `head` claims to be, or None."""
    return next((name for name, pattern in _PATTERNS.items() if pattern.match(head)), None)
