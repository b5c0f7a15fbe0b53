"""Bodies that come compressed (`Content-Encoding`), expanded within the limit of bodies."""

import asyncio
import zlib
from collections.abc import Callable, Mapping

import zstandard

from gateway.admission import Arriving
from gateway.errors import ExpandedBodyTooLarge, NotAnObject

MAX_ZSTD_WINDOW_BYTES = 8 * 1024 * 1024
"""Memory that a zstd frame may ask for: what RFC 9659 allows in HTTP."""

_AS_IT_IS = frozenset({"", "identity"})
_ZLIB_OR_GZIP, _RAW = 47, -15  # as zlib numbers what it looks for


def encoding(headers: Mapping[str, str]) -> str | None:
    """Return how the body is compressed, None where it is not. Raises NotAnObject for what is not read."""
    name = headers.get("content-encoding", "").strip().lower()
    if name in _AS_IT_IS:
        return None
    if name not in _EXPANDED:
        raise NotAnObject(
            f"the body's Content-Encoding is {name[:40]}, which is not read: "
            f"send it as it is, or as {', '.join(_EXPANDED)}"
        )
    return name


async def expanded(body: bytes, name: str | None, limit: int, arriving: Arriving) -> bytes:
    """Return the body that was compressed as `name`, in a thread: a small one may hold much.

    Raises ExpandedBodyTooLarge where it has more than `limit` bytes, before more are made, NotAnObject
    where it is damaged or cut short, and TooManyRequests where `arriving` has too many bytes with it.
    """
    if name is None:
        return body
    try:
        content = await asyncio.to_thread(_EXPANDED[name], body, limit + 1)
    except (zlib.error, zstandard.ZstdError, EOFError) as error:
        raise NotAnObject(f"the body is not whole {name}, as its Content-Encoding says: {error}") from None
    if len(content) > limit:
        raise ExpandedBodyTooLarge(f"the body has more than {limit} bytes once it is expanded")
    arriving.grow(len(content))
    return content


def _inflated(body: bytes, size: int, window: int = _ZLIB_OR_GZIP) -> bytes:
    """Return at most `size` bytes of zlib's or gzip's one stream."""
    decoder = zlib.decompressobj(window)
    content = decoder.decompress(body, size)
    if len(content) < size and not decoder.eof:
        raise EOFError("it ends early")
    if decoder.unused_data:
        raise zlib.error("bytes follow its end")
    return content


def _deflated(body: bytes, size: int) -> bytes:
    """As `_inflated`; some clients leave out zlib's heading, which RFC 9110 asks for."""
    try:
        return _inflated(body, size)
    except zlib.error:
        return _inflated(body, size, _RAW)


def _of_zstd(body: bytes, size: int) -> bytes:
    decoder = zstandard.ZstdDecompressor(max_window_size=MAX_ZSTD_WINDOW_BYTES)
    with decoder.stream_reader(body) as reader:
        return reader.read(size)


_EXPANDED: Mapping[str, Callable[[bytes, int], bytes]] = {
    "gzip": _inflated,
    "x-gzip": _inflated,
    "deflate": _deflated,
    "zstd": _of_zstd,
}
