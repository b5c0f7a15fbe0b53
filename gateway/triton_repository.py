"""Triton's models as the healer sees them: their processes, whether these are alive, and reloads."""

import asyncio
from dataclasses import dataclass
from typing import Any, Protocol

import grpc
from tritonclient.grpc import model_config_pb2, service_pb2

from gateway.errors import ModelUnavailable
from gateway.triton import GrpcTriton, words
from gateway.triton_config import ping_request, process_count
from modelhub.triton_protocol import failure_of

LOAD_TIMEOUT_S = 60.0
"""Seconds for loading a model; the largest take a few."""
PING_TIMEOUT_S = 3.0
"""Seconds for the answer to a ping: what waits longer stands behind real work, or hangs. Of a dead process
Triton tells after one second."""

_SILENT = (grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.UNAVAILABLE)


@dataclass(frozen=True)
class Processes:
    """The processes of one model: how many, and what to ask each."""

    model: str
    count: int
    ping: Any
    """A ModelInferRequest of zeros, as small as the model's config allows."""


class Repository(Protocol):
    """The models of an inference server."""

    async def processes(self) -> list[Processes]:
        """Return those models that run as processes of their own. Raises ModelUnavailable."""

    async def alive(self, processes: Processes) -> list[bool | None]:
        """Return for each process whether it lives, or None where it did not say so in time."""

    async def reload(self, model: str) -> None:
        """Reload `model` with new processes; requests in flight go on. Raises ModelUnavailable."""


class GrpcRepository:
    """The models of the Triton behind `triton`, whose repository API its key must open."""

    def __init__(self, triton: GrpcTriton) -> None:
        self._triton = triton
        self._known: dict[str, Processes | None] = {}

    async def processes(self) -> list[Processes]:  # noqa: D102
        index = await self._called("RepositoryIndex", service_pb2.RepositoryIndexRequest(ready=True))
        every = [await self._processes(model.name) for model in index.models]
        return [processes for processes in every if processes is not None]

    async def alive(self, processes: Processes) -> list[bool | None]:  # noqa: D102
        # Triton gives requests that come together to different instances.
        return await asyncio.gather(*(self._answers(processes.ping) for _ in range(processes.count)))

    async def reload(self, model: str) -> None:  # noqa: D102
        # To load what is loaded does nothing, even where all its processes are dead.
        await self._called(
            "RepositoryModelUnload", service_pb2.RepositoryModelUnloadRequest(model_name=model)
        )
        await self._called("RepositoryModelLoad", service_pb2.RepositoryModelLoadRequest(model_name=model))

    async def _processes(self, model: str) -> Processes | None:
        if model not in self._known:
            response = await self._called("ModelConfig", service_pb2.ModelConfigRequest(name=model))
            self._known[model] = _processes_of(response.config)
        return self._known[model]

    async def _answers(self, ping: Any) -> bool | None:  # noqa: ANN401 - ships no types
        try:
            await self._triton.service.ModelInfer(ping, timeout=PING_TIMEOUT_S)
        except grpc.aio.AioRpcError as error:
            if error.code() in _SILENT:
                return None
            return failure_of(error).dead_model is None
        return True

    async def _called(self, method: str, request: Any) -> Any:  # noqa: ANN401 - ships no types
        call = getattr(self._triton.service, method)
        try:
            return await call(request, timeout=LOAD_TIMEOUT_S, metadata=self._triton.key_metadata)
        except grpc.aio.AioRpcError as error:
            raise ModelUnavailable(detail=f"{method}: {words(error)}") from None


def _processes_of(config: model_config_pb2.ModelConfig) -> Processes | None:
    if config.backend != "python" and config.runtime != "model.py":
        return None
    return Processes(config.name, process_count(config), ping_request(config))
