"""The way to Triton: the only module that knows its client."""

import re
from functools import cached_property
from typing import Any, Protocol

import grpc
from tritonclient.grpc import InferInput, InferResult
from tritonclient.grpc.aio import InferenceServerClient
from tritonclient.utils import InferenceServerException, np_to_triton_dtype

from gateway.errors import DeadlinePassed, GatewayError, InternalFault, ModelUnavailable, TooManyRequests
from gateway.tensors import Tensors
from vision.errors import PictureError

INDEX_TIMEOUT_S = 5.0
"""Seconds within which Triton says what it has loaded."""

_CHANNEL = [
    ("grpc.max_send_message_length", -1),  # the body's limit is the limit
    ("grpc.max_receive_message_length", -1),
    ("grpc.enable_http_proxy", 0),  # Triton is beside us, whatever proxy the environment names
    # By default a channel waits up to two minutes before it looks again whether Triton is back.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 5000),  # for one attempt to connect, despite its name
    ("grpc.max_reconnect_backoff_ms", 1000),
]
_MARKER = re.compile(r"\[(\d{5})\] (.*)", re.DOTALL)
_PICTURE_ERRORS = {error.code: error for error in PictureError.__subclasses__()}
_QUEUE_IS_FULL = "Exceeds maximum queue size"
_BY_STATUS: dict[str, type[GatewayError]] = {
    str(grpc.StatusCode.NOT_FOUND): ModelUnavailable,
    str(grpc.StatusCode.UNAVAILABLE): ModelUnavailable,
    str(grpc.StatusCode.CANCELLED): ModelUnavailable,  # by a Triton that is stopping: our own never come here
    str(grpc.StatusCode.DEADLINE_EXCEEDED): DeadlinePassed,
}


class Triton(Protocol):
    """An inference server."""

    async def infer(self, model: str, inputs: Tensors, request_id: str, timeout_s: float) -> Tensors:
        """Return every output of `model`; cancelling this cancels the work.

        Raises PictureError, InternalFault, ModelUnavailable, TooManyRequests, and DeadlinePassed after
        `timeout_s`.
        """

    async def loaded_models(self) -> frozenset[str]:
        """Return the names of the models that can be asked. Raises ModelUnavailable."""

    async def close(self) -> None:
        """Let go of the connection."""


class GrpcTriton:
    """Triton over one gRPC channel, which finds it again whenever it was away."""

    def __init__(self, url: str) -> None:
        self._url = url

    @cached_property
    def _client(self) -> InferenceServerClient:
        # Not in __init__, since it takes hold of the running loop.
        return InferenceServerClient(self._url, channel_args=_CHANNEL)

    async def infer(self, model: str, inputs: Tensors, request_id: str, timeout_s: float) -> Tensors:  # noqa: D102
        try:
            result = await self._client.infer(
                model, _wire_inputs(inputs), request_id=request_id, client_timeout=timeout_s
            )
        except InferenceServerException as error:
            raise translated(error) from None
        return _outputs(result)

    async def loaded_models(self) -> frozenset[str]:  # noqa: D102
        try:
            index = await self._client.get_model_repository_index(client_timeout=INDEX_TIMEOUT_S)
        except InferenceServerException as error:
            raise ModelUnavailable(detail=str(error)) from None
        return frozenset(model.name for model in index.models if model.state == "READY")

    async def close(self) -> None:  # noqa: D102
        await self._client.close()


def translated(error: InferenceServerException) -> Exception:
    """Return what `error` means under the contract; Triton's own words go to the log only."""
    status, message = error.status(), error.message()
    if status == str(grpc.StatusCode.INVALID_ARGUMENT):
        return _picture_error(message)
    if status == str(grpc.StatusCode.UNAVAILABLE) and _QUEUE_IS_FULL in message:
        return TooManyRequests(detail=message)
    return _BY_STATUS.get(status, InternalFault)(detail=f"{status} {message}")


def _picture_error(message: str) -> Exception:
    """Return the error that a step marked, `[<code>] <text>`, wherever in `message` Triton put it."""
    marked = _MARKER.search(message)
    kind = _PICTURE_ERRORS.get(int(marked[1])) if marked else None
    return kind(marked[2]) if marked and kind else InternalFault(detail=message)


def _wire_inputs(tensors: Tensors) -> list[Any]:
    inputs = []
    for name, tensor in tensors.items():
        wire = InferInput(name, tensor.shape, np_to_triton_dtype(tensor.dtype))
        inputs.append(wire.set_data_from_numpy(tensor))
    return inputs


def _outputs(result: InferResult) -> Tensors:
    return {output.name: result.as_numpy(output.name) for output in result.get_response().outputs}
