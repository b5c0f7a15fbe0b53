"""Forms as callers send them, written by hand so that each byte can be wrong."""

from collections.abc import Iterable

BOUNDARY = "a-boundary-of-ours"
CONTENT_TYPE = f"multipart/form-data; boundary={BOUNDARY}"


def part(name: str, content: bytes, filename: str | None = None, *headers: str) -> bytes:
    """A part, from its header to its content."""
    disposition = f'Content-Disposition: form-data; name="{name}"'
    if filename is not None:
        disposition += f'; filename="{filename}"'
    return "\r\n".join([disposition, *headers, "", ""]).encode() + content


def form(*parts: bytes, boundary: str = BOUNDARY) -> bytes:
    """The body that has these parts."""
    return b"".join(_delimited(parts, f"--{boundary}".encode()))


def _delimited(parts: Iterable[bytes], delimiter: bytes) -> Iterable[bytes]:
    for one in parts:
        yield delimiter + b"\r\n" + one + b"\r\n"
    yield delimiter + b"--\r\n"
