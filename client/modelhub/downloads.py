"""Pictures at URLs that are fetched from here: so many bytes, in so much time, and no more."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

MAX_FILE_BYTES = 128 * 1024 * 1024
"""No service takes a larger file, and of a wrong one no more is read."""
TOO_LARGE = f"larger than {MAX_FILE_BYTES // 2**20} MiB: no picture that a service takes"


class NotFetched(RuntimeError):  # noqa: N818 - what is the matter with the URL
    """There is no picture at the URL, or it does not come; the message says why."""


class _Download:
    """What has come of a file."""

    def __init__(self, response: httpx.Response) -> None:
        if response.status_code != httpx.codes.OK:
            raise NotFetched(f"the URL answered HTTP {response.status_code}")
        self.content = bytearray()

    def grow(self, chunk: bytes) -> None:
        self.content += chunk
        if len(self.content) > MAX_FILE_BYTES:
            raise NotFetched(TOO_LARGE)


def fetched(url: str, http: httpx.Client, timeout_s: float) -> bytes:
    """Return the file at `url`; raises NotFetched, no later than one wait of `http` after `timeout_s`."""
    ends_at = time.monotonic() + timeout_s
    with _told(), http.stream("GET", url) as response:
        download = _Download(response)
        for chunk in response.iter_bytes():
            download.grow(chunk)
            if time.monotonic() > ends_at:
                raise TimeoutError
    return bytes(download.content)


async def fetched_async(url: str, http: httpx.AsyncClient, timeout_s: float) -> bytes:
    """Return the file at `url` within `timeout_s`; raises NotFetched."""
    with _told():
        async with asyncio.timeout(timeout_s), http.stream("GET", url) as response:
            download = _Download(response)
            async for chunk in response.aiter_bytes():
                download.grow(chunk)
    return bytes(download.content)


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except (TimeoutError, httpx.TimeoutException):
        raise NotFetched("it took too long") from None
    except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:  # bytes of no UTF-8 are no URL
        raise NotFetched(f"{type(error).__name__}: {error}".removesuffix(": ")) from error
