"""The way to Triton: the only module that knows its protocol.

It speaks with the protocol's own messages: tritonclient's objects around them cost time at every request.
"""

import asyncio
import itertools
import re
import struct
import time
from collections.abc import Awaitable, Callable, Iterable
from functools import cached_property
from typing import Any, Protocol

import grpc
import numpy as np
from numpy.typing import NDArray
from tritonclient.grpc import service_pb2, service_pb2_grpc
from tritonclient.utils import deserialize_bytes_tensor, triton_to_np_dtype

from gateway.errors import (
    DeadlinePassed,
    DeadModel,
    GatewayError,
    InternalFault,
    ModelUnavailable,
    TooManyRequests,
)
from gateway.tensors import Tensors
from gateway.traces import metadata
from modelhub_pictures.errors import PictureError
from vision.request_parameters import DEADLINE, LATE

READY_TIMEOUT_S = 5.0
"""Seconds within which Triton says whether a model is loaded."""

KEY_HEADER = "triton-grpc-protocol-modelhub"
"""What carries the key to Triton's repository API (`Settings.triton_key`)."""

_CHANNEL = [
    ("grpc.max_send_message_length", -1),  # the body's limit is the limit
    ("grpc.max_receive_message_length", -1),
    ("grpc.enable_http_proxy", 0),  # Triton is beside us, whatever proxy the environment names
    # By default a channel waits up to two minutes before it looks again whether Triton is back.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 5000),  # for one attempt to connect, despite its name
    ("grpc.max_reconnect_backoff_ms", 1000),
]
_DEAD = re.compile(r"Stub process '(\S+)_\d+_\d+' is not healthy")
_MARKER = re.compile(r"\[(\d{5})\] (.*)", re.DOTALL)
_PICTURE_ERRORS = {error.code: error for error in PictureError.__subclasses__()}
_QUEUE_IS_FULL = "Exceeds maximum queue size"
_BY_STATUS: dict[grpc.StatusCode, type[GatewayError]] = {
    grpc.StatusCode.NOT_FOUND: ModelUnavailable,
    grpc.StatusCode.UNAVAILABLE: ModelUnavailable,
    grpc.StatusCode.CANCELLED: ModelUnavailable,  # by a Triton that is stopping: our own never come here
    grpc.StatusCode.DEADLINE_EXCEEDED: DeadlinePassed,
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
        request = _request(model, inputs, request_id, timeout_s)
        try:
            response = await self.service.ModelInfer(request, timeout=timeout_s, metadata=metadata())
        except grpc.aio.AioRpcError as error:
            raise translated(error) from None
        contents = zip(response.outputs, response.raw_output_contents, strict=True)
        return {output.name: _array(output, content) for output, content in contents}

    async def loaded_models(self, models: Iterable[str]) -> frozenset[str]:  # noqa: D102
        names = list(models)
        ready = await asyncio.gather(*map(self._is_loaded, names))
        return frozenset(itertools.compress(names, ready))

    async def _is_loaded(self, model: str) -> bool:
        request = service_pb2.ModelReadyRequest(name=model)
        try:
            response = await self.service.ModelReady(request, timeout=READY_TIMEOUT_S)
        except grpc.aio.AioRpcError as error:
            if error.code() in (grpc.StatusCode.NOT_FOUND, grpc.StatusCode.INVALID_ARGUMENT):
                return False
            raise ModelUnavailable(detail=words(error)) from None
        return bool(response.ready)

    async def close(self) -> None:  # noqa: D102
        await self._channel.close()


def translated(error: grpc.aio.AioRpcError) -> Exception:
    """Return what `error` means under the contract; Triton's own words go to the log only."""
    status, message = error.code(), error.details() or ""
    dead = dead_model(error)
    if dead is not None:
        return DeadModel(dead, detail=words(error))
    if status is grpc.StatusCode.INVALID_ARGUMENT:
        return _picture_error(message)
    if status is grpc.StatusCode.UNAVAILABLE and _QUEUE_IS_FULL in message:
        return TooManyRequests(detail=message)
    if LATE in message:
        return DeadlinePassed(detail=message)
    return _BY_STATUS.get(status, InternalFault)(detail=words(error))


def dead_model(error: grpc.aio.AioRpcError) -> str | None:
    """Return the model that has a process which no longer lives, by its error, or None."""
    found = _DEAD.search(error.details() or "")
    return found[1] if found else None


def words(error: grpc.aio.AioRpcError) -> str:
    """Return what Triton said, for our log alone."""
    return f"{error.code()} {error.details()}"


def _picture_error(message: str) -> Exception:
    """Return the error that a step marked, `[<code>] <text>`, wherever in `message` Triton put it."""
    marked = _MARKER.search(message)
    kind = _PICTURE_ERRORS.get(int(marked[1])) if marked else None
    return kind(marked[2]) if marked and kind else InternalFault(detail=message)


def _request(model: str, inputs: Tensors, request_id: str, timeout_s: float) -> Any:  # noqa: ANN401 - ships no types
    request = service_pb2.ModelInferRequest(model_name=model, id=request_id)
    request.parameters[DEADLINE].int64_param = int((time.time() + timeout_s) * 1e3)
    for name, strings in inputs.items():
        request.inputs.add(name=name, datatype="BYTES", shape=strings.shape)
        request.raw_input_contents.append(
            b"".join(struct.pack("<I", len(string)) + string for string in strings.flat)
        )
    return request


def _array(output: Any, content: bytes) -> NDArray[Any]:  # noqa: ANN401 - ships no types
    if output.datatype == "BYTES":
        elements: NDArray[Any] = deserialize_bytes_tensor(content)
    else:
        elements = np.frombuffer(content, dtype=triton_to_np_dtype(output.datatype))
    return elements.reshape(output.shape)
