"""Whether the services can answer, proved by answers and not by what Triton says of itself."""

import asyncio
import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import numpy as np

from gateway.errors import GatewayError, ModelUnavailable
from gateway.metrics import READY
from gateway.responses import new_request_id
from gateway.schemas import ServiceHealth
from gateway.services import Service
from gateway.triton import Infer, Triton
from modelhub_pictures.errors import PictureError
from vision.png import png_file

log = logging.getLogger(__name__)


def white_png(side: int) -> bytes:
    """Return a white square as a grey 8-bit PNG file."""
    return png_file(np.full((side, side), 255, dtype=np.uint8))


_PROBE_PICTURE = white_png(32)


class Readiness:
    """Remembers when each service last answered, and asks it itself where that is too long ago."""

    def __init__(
        self,
        services: Mapping[str, Service],
        triton: Triton,
        infer: Infer,
        max_age_s: float,
        probe_timeout_s: float,
    ) -> None:
        self._services = services
        self._triton = triton
        self._infer = infer
        self._max_age_s = max_age_s
        self._probe_timeout_s = probe_timeout_s
        self._answered_at: dict[str, float] = {}
        self._probes: dict[str, asyncio.Task[str]] = {}

    @contextmanager
    def recording_outcome(self, service: Service) -> Iterator[None]:
        """Take the block's success as proof of `service`; a fault revokes it, a bad picture does not."""
        try:
            yield
        except PictureError:
            raise
        except Exception as error:
            if not isinstance(error, GatewayError) or error.is_server_fault:
                self._answered_at.pop(service.name, None)
                READY.labels(service.name).set(0)
            raise
        self._answered_at[service.name] = time.monotonic()
        READY.labels(service.name).set(1)

    async def report(self) -> dict[str, ServiceHealth]:
        """Return the health of every service; at most one probe of a service is in flight at a time."""
        try:
            loaded = await self._triton.loaded_models(self._services)
        except ModelUnavailable:
            self._answered_at.clear()  # it may come back as another one
            return dict.fromkeys(
                self._services, _health(loaded=False, reason="the inference server is not reachable")
            )
        names = list(self._services)
        return dict(
            zip(names, await asyncio.gather(*(self._health(name, loaded) for name in names)), strict=True)
        )

    async def close(self) -> None:
        """Stop the probes."""
        for probe in self._probes.values():
            probe.cancel()
        await asyncio.gather(*self._probes.values(), return_exceptions=True)

    async def _health(self, name: str, loaded: frozenset[str]) -> ServiceHealth:
        if name not in loaded:
            return _health(loaded=False, reason="not loaded")
        age = time.monotonic() - self._answered_at.get(name, float("-inf"))
        if age <= self._max_age_s:
            return _health(loaded=True, ready=True, reason=f"answered {age:.0f} s ago")
        # Shielded: a checker that gives up must not make the next one start again.
        problem = await asyncio.shield(self._probe(name))
        return _health(loaded=True, ready=not problem, reason=problem or "answered a probe")

    def _probe(self, name: str) -> "asyncio.Task[str]":
        if name not in self._probes:
            probe = self._probes[name] = asyncio.create_task(self._problem(self._services[name]))
            probe.add_done_callback(lambda _: self._probes.pop(name))
        return self._probes[name]

    async def _problem(self, service: Service) -> str:
        """Ask `service` about a small picture; return what went wrong in plain words, or nothing."""
        inputs = service.inputs([_PROBE_PICTURE] * len(service.pictures))
        identity = new_request_id()
        try:
            with self.recording_outcome(service):
                service.render(await self._infer(service.name, inputs, identity, self._probe_timeout_s))
        except Exception as error:
            fields = {
                "request_id": identity,
                "service": service.name,
                "detail": getattr(error, "detail", repr(error)),
            }
            log.error("readiness probe failed", extra={"fields": fields})
            return error.message if isinstance(error, GatewayError) else "its answer to a probe is faulty"
        return ""


def problems(report: Mapping[str, ServiceHealth]) -> str:
    """Return in words what keeps us from being ready; empty if all that is loaded answers, if anything is."""
    if not any(health.loaded for health in report.values()):
        return "; ".join(sorted({health.reason for health in report.values()}))
    return "; ".join(
        f"{name}: {health.reason}" for name, health in report.items() if health.loaded and not health.ready
    )


def _health(*, loaded: bool, reason: str, ready: bool = False) -> ServiceHealth:
    return ServiceHealth(loaded=loaded, ready=ready, reason=reason)
