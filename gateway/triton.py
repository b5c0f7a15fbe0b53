"""The way to Triton, by the protocol as `modelhub.triton_protocol` speaks it."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Iterable
from functools import cached_property
from typing import Any, Protocol

import grpc
from tritonclient.grpc import service_pb2, service_pb2_grpc

from gateway.errors import (
    DeadlinePassed,
    DeadModel,
    GatewayError,
    InternalFault,
    ModelUnavailable,
    TooManyRequests,
)
from gateway.traces import metadata
from modelhub.kinds import Tensors
from modelhub.triton_protocol import CHANNEL, NOT_LOADED, failure_of, outputs_of, request_of
from modelhub_pictures.errors import PictureError

READY_TIMEOUT_S = 5.0
"""Seconds within which Triton says whether a model is loaded."""

KEY_HEADER = "triton-grpc-protocol-modelhub"
"""What carries the key to Triton's repository API (`Settings.triton_key`)."""

_CHANNEL = [
    *CHANNEL,
    # By default a channel waits up to two minutes before it looks again whether Triton is back.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 5000),  # for one attempt to connect, despite its name
    ("grpc.max_reconnect_backoff_ms", 1000),
]
_PICTURE_ERRORS = {error.code: error for error in PictureError.__subclasses__()}
_ERRORS: dict[int, type[GatewayError]] = {
    error.code: error for error in (TooManyRequests, InternalFault, ModelUnavailable, DeadlinePassed)
}


Infer = Callable[[str, Tensors, str, float], Awaitable[Tensors]]
"""As `Triton.infer`."""


class Triton(Protocol):
    """An inference server."""

    async def infer(self, model: str, inputs: Tensors, request_id: str, timeout_s: float) -> Tensors:
        """Return every output of `model` for `inputs`, which are strings; cancelling this cancels the work.

        Raises PictureError, InternalFault, ModelUnavailable, TooManyRequests, and DeadlinePassed after
        `timeout_s`.
        """

    async def loaded_models(self, models: Iterable[str]) -> frozenset[str]:
        """Return those of `models` that can be asked. Raises ModelUnavailable."""

    async def close(self) -> None:
        """Let go of the connection."""


class GrpcTriton:
    """Triton over one gRPC channel, which finds it again whenever it was away."""

    def __init__(self, url: str, key: str = "") -> None:
        self._url = url
        self.key_metadata = ((KEY_HEADER, key),) if key else ()

    @cached_property
    def _channel(self) -> grpc.aio.Channel:
        # Not in __init__, since it takes hold of the running loop.
        return grpc.aio.insecure_channel(self._url, options=_CHANNEL)

    @cached_property
    def service(self) -> Any:  # noqa: ANN401 - ships no types
        """Triton's methods."""
        return service_pb2_grpc.GRPCInferenceServiceStub(self._channel)

    async def infer(self, model: str, inputs: Tensors, request_id: str, timeout_s: float) -> Tensors:  # noqa: D102
        request = request_of(model, inputs, request_id, timeout_s)
        try:
            response = await self.service.ModelInfer(request, timeout=timeout_s, metadata=metadata())
        except grpc.aio.AioRpcError as error:
            raise translated(error) from None
        return outputs_of(response)

    async def loaded_models(self, models: Iterable[str]) -> frozenset[str]:  # noqa: D102
        names = list(models)
        ready = await asyncio.gather(*map(self._is_loaded, names))
        return frozenset(itertools.compress(names, ready))

    async def _is_loaded(self, model: str) -> bool:
        request = service_pb2.ModelReadyRequest(name=model)
        try:
            response = await self.service.ModelReady(request, timeout=READY_TIMEOUT_S)
        except grpc.aio.AioRpcError as error:
            if error.code() in NOT_LOADED:
                return False
            raise ModelUnavailable(detail=words(error)) from None
        return bool(response.ready)

    async def close(self) -> None:  # noqa: D102
        await self._channel.close()


def translated(error: grpc.aio.AioRpcError) -> Exception:
    """Return what `error` means under the contract; Triton's own words go to the log only."""
    failure = failure_of(error)
    if failure.dead_model is not None:
        return DeadModel(failure.dead_model, detail=words(error))
    if failure.code in _PICTURE_ERRORS:
        return _PICTURE_ERRORS[failure.code](failure.message)
    return _ERRORS[failure.code](detail=words(error))


def words(error: grpc.aio.AioRpcError) -> str:
    """Return what Triton said, for our log alone."""
    return f"{error.code()} {error.details()}"
