"""Triton whose dead processes its callers do not notice: a request that met one is sent again."""

import asyncio
import time

from gateway.errors import DeadlinePassed, DeadModel, InternalFault, ModelUnavailable
from gateway.healer import Healer
from gateway.metrics import RETRIES
from gateway.triton import Infer
from modelhub.kinds import Tensors

ATTEMPTS = 3
"""The first may meet a dead process and the second, without a healer, a second one."""


class Recovery:
    """Infers by `infer`, tells `healer` what is dead, waits for it, and tries again."""

    def __init__(self, infer: Infer, healer: Healer | None) -> None:
        self._infer = infer
        self._healer = healer

    async def infer(self, service: str, inputs: Tensors, request_id: str, timeout_s: float) -> Tensors:
        """Return what `Triton.infer` does and raise what it raises; an inference can be repeated safely."""
        ends_at = time.monotonic() + timeout_s
        for _ in range(ATTEMPTS - 1):
            try:
                return await self._attempt(service, inputs, request_id, ends_at)
            except _Repeatable:
                RETRIES.labels(service).inc()
        try:
            return await self._attempt(service, inputs, request_id, ends_at)
        except _Repeatable as failure:
            raise failure.error from None

    async def _attempt(self, service: str, inputs: Tensors, request_id: str, ends_at: float) -> Tensors:
        generation = await self._settled_generation(service, ends_at)
        began = time.monotonic()
        if began >= ends_at:
            raise DeadlinePassed
        try:
            outputs = await self._infer(service, inputs, request_id, ends_at - began)
        except DeadModel as error:
            if self._healer is not None:
                self._healer.report(error.model, began)
            raise _Repeatable(error) from None
        except (ModelUnavailable, InternalFault) as error:
            if self._healer is not None and self._healer.generation(service) != generation:
                raise _Repeatable(error) from None  # of a model that was on its way out
            raise
        if self._healer is not None:
            self._healer.answered(service)
        return outputs

    async def _settled_generation(self, service: str, ends_at: float) -> int:
        """Wait until the service is whole; return the state of its changes."""
        if self._healer is None:
            return 0
        try:
            async with asyncio.timeout(ends_at - time.monotonic()):
                await self._healer.wait_for_reloads(service)
        except TimeoutError:
            raise DeadlinePassed from None
        return self._healer.generation(service)


class _Repeatable(Exception):  # noqa: N818 - not an error yet
    """A failure after which the same request may succeed."""

    def __init__(self, error: Exception) -> None:
        self.error = error
        super().__init__(str(error))
