"""Admission: a bounded number of requests at one time, each for as long as its client waits.

A request first has its body received, in one of `Arrivals`' places, and then takes one of the places that
stand for work. While none is free, newcomers are refused at their head, before their body is read.
"""

import asyncio
import math
import time
from collections import Counter
from collections.abc import Collection, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from starlette.requests import ClientDisconnect
from starlette.types import Receive

from gateway.errors import TooManyRequests
from gateway.metrics import IN_FLIGHT, PLACES, SHED
from modelhub_pictures.errors import PictureError

Result = TypeVar("Result")


SLOW_SERVICE_PLACES = 4
"""Places that a slow service keeps, if all of them are answered in a quarter of a deadline at its pace, and
half of all places are free: other requests make it slower. It keeps one in any case."""


class Pace:
    """Moving average of the time from one answer of a service to the next while it has work."""

    WEIGHT = 0.05
    """Of the newest answer, once there were twenty; the first ones count alike. A stall of a second does not
    make a service look slow, nor does a slow first answer."""

    def __init__(self) -> None:
        self.gap_s = 0.0
        """Seconds; 0 before the first answer."""
        self._answers = 0
        self._since = 0.0

    def begin(self, now: float) -> None:
        """Say that there is work again at `now`, by a monotonic clock."""
        self._since = now

    def answered(self, now: float) -> None:
        """Count an answer."""
        gap_s, self._since = now - self._since, now
        self._answers += 1
        self.gap_s += (gap_s - self.gap_s) * max(self.WEIGHT, 1 / self._answers)

    def places(self, wait_s: float) -> float:
        """Return how many requests are answered in `wait_s`."""
        return wait_s / self.gap_s if self.gap_s else math.inf


class Admission:
    """A number of places; a request that finds none free is refused at once.

    No service takes more than `per_service`, nor, beyond SLOW_SERVICE_PLACES,
    so many that the last would wait for longer
    than `wait_s`, by the service's pace. Of the others' places each service keeps one for itself,
    where there are at least two for each: whatever the others are sent, it goes on.
    """

    def __init__(
        self, total: int, per_service: int, wait_s: float, deadline_s: float, services: Collection[str]
    ) -> None:
        self._total = total
        self._per_service = per_service
        self._wait_s, self._deadline_s = wait_s, deadline_s
        self._services = services
        self._paces = {service: Pace() for service in services}
        self._kept = 1 if total >= 2 * len(services) else 0
        self._taken: Counter[str] = Counter()
        PLACES.set(total)

    @property
    def taken(self) -> int:
        """Places that are held."""
        return self._taken.total()

    def check(self, service: str) -> None:
        """Raise TooManyRequests where `service` would not get a place now."""
        taken = self._taken[service]
        if taken >= self._per_service:
            self._refuse(service, "service")
        if taken + 1 > self._worthwhile(service):
            self._refuse(service, "wait")
        kept = sum(max(0, self._kept - self._taken[other]) for other in self._services if other != service)
        if self.taken + kept >= self._total:
            self._refuse(service, "total")

    @contextmanager
    def place(self, service: str) -> Iterator[None]:
        """Hold a place, and give it back however the block is left. Raises TooManyRequests.

        A block that is left without an exception, or because of a bad picture, has answered.
        """
        self.check(service)
        pace = self._paces[service]
        if not self._taken[service]:
            pace.begin(time.monotonic())
        self._taken[service] += 1
        IN_FLIGHT.labels(service).inc()
        try:
            yield
            pace.answered(time.monotonic())
        except PictureError:
            pace.answered(time.monotonic())
            raise
        finally:
            self._taken[service] -= 1
            IN_FLIGHT.labels(service).dec()

    def _worthwhile(self, service: str) -> float:
        """Return how many requests of `service` at one time are answered before it is too late for them."""
        pace = self._paces[service]
        crowded = 2 * self.taken > self._total
        few = 1 if crowded else min(SLOW_SERVICE_PLACES, pace.places(self._deadline_s / 4))
        return max(1, few, pace.places(self._wait_s))

    def _refuse(self, service: str, limit: str) -> None:
        SHED.labels(service, limit).inc()
        raise TooManyRequests


class Arrivals:
    """Bodies that are being received or worked on: a number of them, and of bytes in all."""

    def __init__(self, max_bodies: int, max_bytes: int) -> None:
        self._bodies = max_bodies
        self._bytes = max_bytes

    @contextmanager
    def body(self, service: str) -> Iterator["Arriving"]:
        """Hold room for a body, and give it back however the block is left. Raises TooManyRequests."""
        arriving = Arriving(self, service)
        if not self._bodies:
            arriving.refuse()
        self._bodies -= 1
        try:
            yield arriving
        finally:
            self._bodies += 1
            self._bytes += arriving.size

    def take(self, size: int) -> bool:
        """Take room for `size` bytes, if there is any."""
        fits = size <= self._bytes
        self._bytes -= size if fits else 0
        return fits


class Arriving:
    """One body of `Arrivals`."""

    def __init__(self, arrivals: Arrivals, service: str) -> None:
        self.size = 0
        """Bytes that have come."""
        self._arrivals = arrivals
        self._service = service

    def grow(self, size: int) -> None:
        """Count `size` more bytes. Raises TooManyRequests where all bodies together have too many."""
        if not self._arrivals.take(size):
            self.refuse()
        self.size += size

    def refuse(self) -> None:
        """Raise TooManyRequests."""
        SHED.labels(self._service, "bodies").inc()
        raise TooManyRequests


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
