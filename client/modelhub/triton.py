"""Straight to Triton's gRPC: the same answers and the same failures without the gateway.

What the gateway does beside, this does not: tokens, admission, healing, and `mask_format`. A picture's URL is
fetched from here. It speaks with the protocol's own messages, which are the same for both kinds of channel.
"""

import asyncio
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import httpx

from modelhub.downloads import NotFetched, fetched, fetched_async
from modelhub.errors import ServiceError
from modelhub.http import Answer, fields
from modelhub.kinds import FaultyOutput, one_string, plain
from modelhub.pictures import Picture, sendable
from modelhub.results import RESULTS, Result

try:
    import grpc
    from tritonclient.grpc import service_pb2, service_pb2_grpc

    from modelhub.triton_protocol import (
        CHANNEL,
        INTERNAL_FAULT,
        NOT_LOADED,
        failure_of,
        outputs_of,
        request_of,
    )
except ImportError as error:
    raise ImportError(
        "grpc:// needs what the extra `triton` brings: pip install 'tritonclient[grpc]'"
    ) from error

MISSING_FIELD, NO_SERVICE, NO_PICTURE_AT_URL = 40002, 40401, 42201

_FETCH = {"trust_env": False, "follow_redirects": True, "max_redirects": 3}


@dataclass(frozen=True, slots=True)
class Inference:
    """One inference, as often as it is sent."""

    result: type[Result]
    pictures: Sequence[bytes | str]
    """Files, and URLs of such."""


def inference_of(service: str, pictures: Sequence[Picture], mask_format: str | None) -> Inference:
    """Return what asks `service`; raises ServiceError as the gateway would, and as `sendable`."""
    if mask_format is not None:
        raise ValueError("mask_format is the gateway's: Triton itself answers masks in the contract's form")
    if service not in RESULTS:
        raise ServiceError.of_code(NO_SERVICE, f"no such service; there are {', '.join(RESULTS)}")
    result = RESULTS[service]
    if tuple(field for field, _ in fields(pictures)) != result.service.pictures:
        raise ServiceError.of_code(MISSING_FIELD, f"{result.service.pictures[0]}: Field required")
    return Inference(result, [sendable(picture) for picture in pictures])


def message_of(inference: Inference, files: Sequence[bytes], timeout_s: float) -> Any:  # noqa: ANN401 - ships no types
    """Return the protocol's message, with an id of its own."""
    service = inference.result.service
    inputs = {
        name: one_string(file, batched=service.batched)
        for name, file in zip(service.pictures, files, strict=True)
    }
    return request_of(service.name, inputs, uuid.uuid4().hex, timeout_s)


def answer_of(inference: Inference, request: Any, response: Any) -> Answer:  # noqa: ANN401 - ships no types
    """Return the documented answer, which may hold arrays; raises ServiceError for numbers not finite."""
    try:
        own = inference.result.render(outputs_of(response))
    except FaultyOutput as fault:
        raise ServiceError.of_code(INTERNAL_FAULT, str(fault)) from None
    return {"request_id": request.id, "success": True} | own


def error_of(error: grpc.RpcError) -> ServiceError:
    """Return what Triton's error means under the contract."""
    failure = failure_of(error)
    return ServiceError.of_code(failure.code, failure.message)


def _no_picture(error: NotFetched) -> ServiceError:
    return ServiceError.of_code(NO_PICTURE_AT_URL, f"nothing could be fetched from the URL: {error}")


def _metadata(token: str | None) -> tuple[tuple[str, str], ...]:
    """Return what a proxy before Triton may ask for; Triton itself asks for no token."""
    return () if token is None else (("authorization", f"Bearer {token}"),)


class TritonConnection:
    """The way to one Triton, at `target`, HOST:PORT."""

    has_forms = False

    def __init__(self, target: str, token: str | None) -> None:
        self._metadata = _metadata(token)
        self._channel = grpc.insecure_channel(target, options=CHANNEL)
        self._service = service_pb2_grpc.GRPCInferenceServiceStub(self._channel)

    def prepare(self, service: str, pictures: Sequence[Picture], mask_format: str | None) -> Inference:
        """Return what `ask` takes, as `inference_of`."""
        return inference_of(service, pictures, mask_format)

    def ask(self, inference: Inference, timeout_s: float) -> Answer:
        """Return the answer, which may hold arrays; raises ServiceError."""
        ends_at = time.monotonic() + timeout_s
        files = [self._file(picture, timeout_s) for picture in inference.pictures]
        left_s = max(0.0, ends_at - time.monotonic())
        request = message_of(inference, files, left_s)
        try:
            response = self._service.ModelInfer(request, timeout=left_s, metadata=self._metadata)
        except grpc.RpcError as error:
            raise error_of(error) from None
        return answer_of(inference, request, response)

    def plain(self, answer: Answer) -> Answer:
        """Return the answer with lists in place of arrays."""
        return plain(answer)

    def services(self, timeout_s: float) -> list[str]:
        """Return those services that are loaded; raises ServiceError."""
        ends_at = time.monotonic() + timeout_s
        return [name for name in RESULTS if self._is_loaded(name, max(0.0, ends_at - time.monotonic()))]

    def close(self) -> None:
        """Let go of the channel."""
        self._channel.close()

    def _is_loaded(self, name: str, timeout_s: float) -> bool:
        request = service_pb2.ModelReadyRequest(name=name)
        try:
            response = self._service.ModelReady(request, timeout=timeout_s, metadata=self._metadata)
        except grpc.RpcError as error:
            if error.code() in NOT_LOADED:
                return False
            raise error_of(error) from None
        return bool(response.ready)

    def _file(self, picture: bytes | str, timeout_s: float) -> bytes:
        if isinstance(picture, bytes):
            return picture
        try:
            with httpx.Client(timeout=timeout_s, **_FETCH) as http:  # type: ignore[arg-type]
                return fetched(picture, http, timeout_s)
        except NotFetched as error:
            raise _no_picture(error) from None


class AsyncTritonConnection:
    """The same without blocking: what takes time is done in threads."""

    has_forms = False

    def __init__(self, target: str, token: str | None) -> None:
        self._target, self._metadata = target, _metadata(token)

    @cached_property
    def _channel(self) -> grpc.aio.Channel:
        # Not in __init__, since it takes hold of the running loop.
        return grpc.aio.insecure_channel(self._target, options=CHANNEL)

    @cached_property
    def _service(self) -> Any:  # noqa: ANN401 - ships no types
        return service_pb2_grpc.GRPCInferenceServiceStub(self._channel)

    async def prepare(self, service: str, pictures: Sequence[Picture], mask_format: str | None) -> Inference:
        """As TritonConnection's."""
        return await asyncio.to_thread(inference_of, service, pictures, mask_format)

    async def ask(self, inference: Inference, timeout_s: float) -> Answer:
        """As TritonConnection's."""
        ends_at = time.monotonic() + timeout_s
        files = await asyncio.gather(*(self._file(picture, timeout_s) for picture in inference.pictures))
        left_s = max(0.0, ends_at - time.monotonic())
        request = message_of(inference, files, left_s)
        try:
            response = await self._service.ModelInfer(request, timeout=left_s, metadata=self._metadata)
        except grpc.RpcError as error:
            raise error_of(error) from None
        return await asyncio.to_thread(answer_of, inference, request, response)

    async def plain(self, answer: Answer) -> Answer:
        """As TritonConnection's."""
        return await asyncio.to_thread(plain, answer)

    async def services(self, timeout_s: float) -> list[str]:
        """As TritonConnection's."""
        loaded = await asyncio.gather(*(self._is_loaded(name, timeout_s) for name in RESULTS))
        return [name for name, is_loaded in zip(RESULTS, loaded, strict=True) if is_loaded]

    async def close(self) -> None:
        """As TritonConnection's."""
        await self._channel.close()

    async def _is_loaded(self, name: str, timeout_s: float) -> bool:
        request = service_pb2.ModelReadyRequest(name=name)
        try:
            response = await self._service.ModelReady(request, timeout=timeout_s, metadata=self._metadata)
        except grpc.RpcError as error:
            if error.code() in NOT_LOADED:
                return False
            raise error_of(error) from None
        return bool(response.ready)

    async def _file(self, picture: bytes | str, timeout_s: float) -> bytes:
        if isinstance(picture, bytes):
            return picture
        try:
            async with httpx.AsyncClient(timeout=timeout_s, **_FETCH) as http:  # type: ignore[arg-type]
                return await fetched_async(picture, http, timeout_s)
        except NotFetched as error:
            raise _no_picture(error) from None
