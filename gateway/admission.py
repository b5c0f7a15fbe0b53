"""Who is let in, and until when: a bounded number of requests, each as long as its client waits."""

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from starlette.requests import ClientDisconnect
from starlette.types import Receive

from gateway.errors import TooManyRequests

Result = TypeVar("Result")


class Admission:
    """A number of places; who finds none free is told so at once."""

    def __init__(self, places: int) -> None:
        self._free = places

    @property
    def free(self) -> int:
        """Places that nobody holds."""
        return self._free

    @contextmanager
    def place(self) -> Iterator[None]:
        """Hold a place, and give it back however the block is left. Raises TooManyRequests."""
        if not self._free:
            raise TooManyRequests
        self._free -= 1
        try:
            yield
        finally:
            self._free += 1


async def while_connected(receive: Receive, work: Coroutine[Any, Any, Result]) -> Result:
    """Return what `work` returns; cancel it and raise ClientDisconnect when the client hangs up.

    The request's body must have been read. `work` is over when this returns.
    """
    working = asyncio.create_task(work)
    watching = asyncio.create_task(_hung_up(receive))
    try:
        await asyncio.wait((working, watching), return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            return working.result()
        raise ClientDisconnect
    finally:
        watching.cancel()
        if not working.done():
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)


async def _hung_up(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
