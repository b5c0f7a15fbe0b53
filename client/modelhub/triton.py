"""Straight to Triton's gRPC: the same answers and the same failures without the gateway.

What the gateway does beside, this does not: tokens, admission, healing, and `mask_format`. A picture's URL is
fetched from here. It speaks with the protocol's own messages, which are the same for both kinds of channel.
"""

import asyncio
import re
import struct
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any

import httpx
import numpy as np
from numpy.typing import NDArray

from modelhub.downloads import NotFetched, fetched, fetched_async
from modelhub.errors import ServiceError
from modelhub.http import Answer, fields
from modelhub.pictures import Picture, sendable
from modelhub.tensors import ENSEMBLES, INTERNAL_FAULT, Ensemble, plain

try:
    import grpc
    from tritonclient.grpc import service_pb2, service_pb2_grpc
    from tritonclient.utils import deserialize_bytes_tensor, triton_to_np_dtype
except ImportError as error:
    raise ImportError(
        "grpc:// needs what the extra `triton` brings: pip install 'tritonclient[grpc]'"
    ) from error

DEADLINE = "modelhub_deadline_ms"
"""Request parameter: until when the answer is wanted, in milliseconds of Unix time; no step begins later."""

MISSING_FIELD, NO_SERVICE, NO_PICTURE_AT_URL = 40002, 40401, 42201
PICTURE_CODES = frozenset({40003, 40004, 41302})
"""What steps say of a picture, as `[<code>] <text>`."""
TOO_MANY, UNAVAILABLE, LATE = 42901, 50301, 50401
LATE_WORDS = "[50401] the deadline passed before this step began"
"""What a step says that would begin too late."""

_CHANNEL = [
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", -1),  # a picture of 50 megapixels has 250 MB of classes
    ("grpc.enable_http_proxy", 0),
]
_FETCH = {"trust_env": False, "follow_redirects": True, "max_redirects": 3}
_MARKER = re.compile(r"\[(\d{5})\] (.*)", re.DOTALL)
_BY_STATUS = {
    grpc.StatusCode.NOT_FOUND: UNAVAILABLE,
    grpc.StatusCode.UNAVAILABLE: UNAVAILABLE,
    grpc.StatusCode.CANCELLED: UNAVAILABLE,  # by a Triton that is stopping
    grpc.StatusCode.DEADLINE_EXCEEDED: LATE,
}
_DEAD = "Stub process '"
_QUEUE_IS_FULL = "Exceeds maximum queue size"
_NOT_LOADED = (grpc.StatusCode.NOT_FOUND, grpc.StatusCode.INVALID_ARGUMENT)


@dataclass(frozen=True, slots=True)
class Question:
    """One inference, as often as it is sent."""

    service: str
    ensemble: Ensemble
    pictures: Sequence[bytes | str]
    """Files, and URLs of such."""


def question(service: str, pictures: Sequence[Picture], mask_format: str | None) -> Question:
    """Return what asks `service`; raises ServiceError as the gateway would, and as `sendable`."""
    if mask_format is not None:
        raise ValueError("mask_format is the gateway's: Triton itself answers masks in the contract's form")
    if service not in ENSEMBLES:
        raise ServiceError.of_code(NO_SERVICE, f"no such service; there are {', '.join(ENSEMBLES)}")
    ensemble = ENSEMBLES[service]
    if tuple(field for field, _ in fields(pictures)) != ensemble.pictures:
        raise ServiceError.of_code(MISSING_FIELD, f"{ensemble.pictures[0]}: Field required")
    return Question(service, ensemble, [sendable(picture) for picture in pictures])


def request_of(one: Question, files: Sequence[bytes], timeout_s: float) -> Any:  # noqa: ANN401 - ships no types
    """Return the protocol's message, with an id of its own."""
    request = service_pb2.ModelInferRequest(model_name=one.service, id=uuid.uuid4().hex)
    request.parameters[DEADLINE].int64_param = int((time.time() + timeout_s) * 1e3)
    for name, file in zip(one.ensemble.pictures, files, strict=True):
        request.inputs.add(name=name, datatype="BYTES", shape=one.ensemble.shape())
        request.raw_input_contents.append(struct.pack("<I", len(file)) + file)
    return request


def answer_of(one: Question, request: Any, response: Any) -> Answer:  # noqa: ANN401 - ships no types
    """Return the documented answer, which may hold arrays; raises ServiceError for numbers not finite."""
    contents = zip(response.outputs, response.raw_output_contents, strict=True)
    outputs = {output.name: _array(output, content) for output, content in contents}
    return one.ensemble.render(request.id, outputs)


def _array(output: Any, content: bytes) -> NDArray[Any]:  # noqa: ANN401 - ships no types
    if output.datatype == "BYTES":
        elements: NDArray[Any] = deserialize_bytes_tensor(content)
    else:
        elements = np.frombuffer(content, dtype=triton_to_np_dtype(output.datatype))
    return elements.reshape(tuple(output.shape))


def failure_of(error: grpc.RpcError) -> ServiceError:
    """Return what Triton's error means under the contract."""
    status, words = error.code(), error.details() or ""
    if _DEAD in words:
        return ServiceError.of_code(UNAVAILABLE, words)
    if status is grpc.StatusCode.INVALID_ARGUMENT:
        return _of_picture(words)
    if status is grpc.StatusCode.UNAVAILABLE and _QUEUE_IS_FULL in words:
        return ServiceError.of_code(TOO_MANY, words)
    if LATE_WORDS in words:
        return ServiceError.of_code(LATE, words)
    return ServiceError.of_code(_BY_STATUS.get(status, INTERNAL_FAULT), words)


def _of_picture(words: str) -> ServiceError:
    marked = _MARKER.search(words)
    if marked and int(marked[1]) in PICTURE_CODES:
        return ServiceError.of_code(int(marked[1]), marked[2])
    return ServiceError.of_code(INTERNAL_FAULT, words)


def _no_picture(error: NotFetched) -> ServiceError:
    return ServiceError.of_code(NO_PICTURE_AT_URL, f"nothing could be fetched from the URL: {error}")


def _metadata(token: str | None) -> tuple[tuple[str, str], ...]:
    """Return what a proxy before Triton may ask for; Triton itself asks for no token."""
    return () if token is None else (("authorization", f"Bearer {token}"),)


class TritonConnection:
    """The way to one Triton, at `target`, HOST:PORT."""

    quick_forms: Mapping[str, str] = MappingProxyType({})

    def __init__(self, target: str, token: str | None) -> None:
        self._metadata = _metadata(token)
        self._channel = grpc.insecure_channel(target, options=_CHANNEL)
        self._service = service_pb2_grpc.GRPCInferenceServiceStub(self._channel)

    def prepare(self, service: str, pictures: Sequence[Picture], mask_format: str | None) -> Question:
        """Return what `ask` takes, as `question`."""
        return question(service, pictures, mask_format)

    def ask(self, one: Question, timeout_s: float) -> Answer:
        """Return the answer, which may hold arrays; raises ServiceError."""
        ends_at = time.monotonic() + timeout_s
        files = [self._file(picture, timeout_s) for picture in one.pictures]
        left_s = max(0.0, ends_at - time.monotonic())
        request = request_of(one, files, left_s)
        try:
            response = self._service.ModelInfer(request, timeout=left_s, metadata=self._metadata)
        except grpc.RpcError as error:
            raise failure_of(error) from None
        return answer_of(one, request, response)

    def plain(self, answer: Answer) -> Answer:
        """Return the answer with lists in place of arrays."""
        return plain(answer)

    def services(self, timeout_s: float) -> list[str]:
        """Return those services of ENSEMBLES that are loaded; raises ServiceError."""
        ends_at = time.monotonic() + timeout_s
        return [name for name in ENSEMBLES if self._is_loaded(name, max(0.0, ends_at - time.monotonic()))]

    def close(self) -> None:
        """Let go of the channel."""
        self._channel.close()

    def _is_loaded(self, name: str, timeout_s: float) -> bool:
        request = service_pb2.ModelReadyRequest(name=name)
        try:
            response = self._service.ModelReady(request, timeout=timeout_s, metadata=self._metadata)
        except grpc.RpcError as error:
            if error.code() in _NOT_LOADED:
                return False
            raise failure_of(error) from None
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

    quick_forms: Mapping[str, str] = MappingProxyType({})

    def __init__(self, target: str, token: str | None) -> None:
        self._target, self._metadata = target, _metadata(token)

    @cached_property
    def _channel(self) -> grpc.aio.Channel:
        # Not in __init__, since it takes hold of the running loop.
        return grpc.aio.insecure_channel(self._target, options=_CHANNEL)

    @cached_property
    def _service(self) -> Any:  # noqa: ANN401 - ships no types
        return service_pb2_grpc.GRPCInferenceServiceStub(self._channel)

    async def prepare(self, service: str, pictures: Sequence[Picture], mask_format: str | None) -> Question:
        """As TritonConnection's."""
        return await asyncio.to_thread(question, service, pictures, mask_format)

    async def ask(self, one: Question, timeout_s: float) -> Answer:
        """As TritonConnection's."""
        ends_at = time.monotonic() + timeout_s
        files = await asyncio.gather(*(self._file(picture, timeout_s) for picture in one.pictures))
        left_s = max(0.0, ends_at - time.monotonic())
        request = request_of(one, files, left_s)
        try:
            response = await self._service.ModelInfer(request, timeout=left_s, metadata=self._metadata)
        except grpc.RpcError as error:
            raise failure_of(error) from None
        return await asyncio.to_thread(answer_of, one, request, response)

    async def plain(self, answer: Answer) -> Answer:
        """As TritonConnection's."""
        return await asyncio.to_thread(plain, answer)

    async def services(self, timeout_s: float) -> list[str]:
        """As TritonConnection's."""
        loaded = await asyncio.gather(*(self._is_loaded(name, timeout_s) for name in ENSEMBLES))
        return [name for name, is_loaded in zip(ENSEMBLES, loaded, strict=True) if is_loaded]

    async def close(self) -> None:
        """As TritonConnection's."""
        await self._channel.close()

    async def _is_loaded(self, name: str, timeout_s: float) -> bool:
        request = service_pb2.ModelReadyRequest(name=name)
        try:
            response = await self._service.ModelReady(request, timeout=timeout_s, metadata=self._metadata)
        except grpc.RpcError as error:
            if error.code() in _NOT_LOADED:
                return False
            raise failure_of(error) from None
        return bool(response.ready)

    async def _file(self, picture: bytes | str, timeout_s: float) -> bytes:
        if isinstance(picture, bytes):
            return picture
        try:
            async with httpx.AsyncClient(timeout=timeout_s, **_FETCH) as http:  # type: ignore[arg-type]
                return await fetched_async(picture, http, timeout_s)
        except NotFetched as error:
            raise _no_picture(error) from None
