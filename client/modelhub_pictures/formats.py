"""The picture formats that are decoded, how their files begin, and the names of others."""

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
"""So many bytes of a file decide which of FORMATS it is."""

NAMED_BYTES = 512
"""So many bytes of a file decide what else it is."""

_FTYP = rb".{4}ftyp"
_UNREAD = {
    "AVIF": _FTYP + rb"(avi[fs]|mi[af]\w.{4}(.{4})*?avi[fs])",
    "HEIC": _FTYP + rb"(he[iv][a-z]|mif1|msf1|miaf)",
    "JPEG 2000": rb"\x00{3}\x0cjP  \r\n\x87\n|\xff\x4f\xff\x51",
    "JPEG XL": rb"\x00{3}\x0cJXL \r\n\x87\n|\xff\x0a",
    "JPEG XR": rb"II\xbc",
    "PDF": rb"\s*%PDF-",
    "PostScript": rb"%!PS|\xc5\xd0\xd3\xc6",
    "SVG": rb"(\xef\xbb\xbf)?\s*(<\?xml|<!--|<!DOCTYPE svg|<svg\b).*?(?<=<)svg\b|(\xef\xbb\xbf)?\s*<svg\b",
    "HTML": rb"(\xef\xbb\xbf)?\s*<(!doctype html|html|head|body)\b",
    "PSD": rb"8BPS",
    "ICO": rb"\x00\x00[\x01\x02]\x00",
    "DICOM": rb".{128}DICM",
    "OpenEXR": rb"\x76\x2f\x31\x01",
    "Radiance HDR": rb"#\?(RADIANCE|RGBE)",
    "PNM": rb"P[1-7]\s",
    "QOI": rb"qoif",
    "WMF": rb"\xd7\xcd\xc6\x9a",
    "Canon raw": _FTYP + rb"crx ",
    "MP4 video": _FTYP,
    "Matroska video": rb"\x1a\x45\xdf\xa3",
    "ZIP": rb"PK\x03\x04",
    "gzip": rb"\x1f\x8b",
}
_PATTERNS = {name: re.compile(beginning, re.DOTALL) for name, beginning in _BEGINNINGS.items()}
_OTHERS = {name: re.compile(beginning, re.DOTALL | re.IGNORECASE) for name, beginning in _UNREAD.items()}


def format_of(head: bytes) -> str | None:
    """Return which of FORMATS a file that begins with `head` claims to be, or None."""
    return next((name for name, pattern in _PATTERNS.items() if pattern.match(head)), None)


def other_format(head: bytes) -> str | None:
    """Return the name of the format, none of FORMATS, of a file that begins with `head`, or None."""
    head = head[:NAMED_BYTES]
    return next((name for name, pattern in _OTHERS.items() if pattern.match(head)), None)


def refusal(head: bytes) -> str:
    """Return why a file that begins with `head`, which is none of FORMATS, is not read."""
    name = other_format(head)
    why = f"its format is {name}, which is not read" if name else "its format is none that is read"
    return f"{why}; send one of {', '.join(FORMATS)}"
