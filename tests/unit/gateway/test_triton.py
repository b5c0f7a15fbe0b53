"""The client against a gRPC server that speaks Triton's protocol: tensors, statuses, restarts."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
import numpy as np
import pytest
from tritonclient.grpc import service_pb2, service_pb2_grpc
from tritonclient.utils import np_to_triton_dtype, serialize_byte_tensor

from gateway.errors import DeadlinePassed, InternalFault, ModelUnavailable, TooManyRequests
from gateway.triton import GrpcTriton
from modelhub.kinds import Tensors, one_string
from modelhub_pictures.errors import InvalidBase64, NotAnImage, TooManyPixels
from tests.unit.gateway.fakes import ocr

INPUTS = {"image": one_string(b"a file", batched=True)}


class Servicer(service_pb2_grpc.GRPCInferenceServiceServicer):  # type: ignore[misc]  # ships no types
    """Answers with `outputs`, fails with `status` and `text`, or hangs."""

    def __init__(self) -> None:
        self.outputs: Tensors = ocr(["你好"])
        self.status: grpc.StatusCode | None = None
        self.text = ""
        self.hangs = False
        self.cancelled = 0
        self.requests: list[Any] = []

    async def ModelInfer(self, request: Any, context: Any) -> Any:  # noqa: N802, ANN401 - gRPC's own
        self.requests.append(request)
        if self.status:
            await context.abort(self.status, self.text)
        if self.hangs:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                self.cancelled += 1
                raise
        return response(self.outputs)

    async def ModelReady(self, request: Any, context: Any) -> Any:  # noqa: N802, ANN401 - gRPC's own
        if request.name == "unheard_of":
            await context.abort(grpc.StatusCode.NOT_FOUND, "no version of it")
        return service_pb2.ModelReadyResponse(ready=request.name in ("ocr", "ocr_net"))


def response(outputs: Tensors) -> Any:  # noqa: ANN401 - protobuf ships no types here
    message = service_pb2.ModelInferResponse()
    for name, tensor in outputs.items():
        message.outputs.add(name=name, datatype=np_to_triton_dtype(tensor.dtype), shape=tensor.shape)
        message.raw_output_contents.append(content_of(tensor))
    return message


def content_of(tensor: Any) -> bytes:  # noqa: ANN401 - any array
    if tensor.dtype != np.object_:
        return bytes(tensor.tobytes())
    serialized = serialize_byte_tensor(tensor)
    return bytes(serialized.item()) if tensor.size else b""


class Server:
    """A gRPC server that can be stopped and started again on its port."""

    def __init__(self) -> None:
        self.servicer = Servicer()
        self.port = 0

    async def start(self) -> None:
        self._grpc = grpc.aio.server(
            options=[("grpc.max_receive_message_length", -1), ("grpc.so_reuseport", 0)]
        )
        service_pb2_grpc.add_GRPCInferenceServiceServicer_to_server(self.servicer, self._grpc)
        self.port = self._grpc.add_insecure_port(f"127.0.0.1:{self.port}")
        await self._grpc.start()

    async def stop(self) -> None:
        await self._grpc.stop(None)


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    running = Server()
    await running.start()
    yield running
    await running.stop()


@pytest.fixture
async def triton(server: Server) -> AsyncIterator[GrpcTriton]:
    client = GrpcTriton(f"127.0.0.1:{server.port}")
    yield client
    await client.close()


async def infer(triton: GrpcTriton, timeout_s: float = 10) -> Tensors:
    return await triton.infer("image_classification", INPUTS, "an-id", timeout_s)


async def test_tensors_go_and_come(server: Server, triton: GrpcTriton) -> None:
    outputs = await infer(triton)
    assert outputs.keys() == server.servicer.outputs.keys()
    for name, expected in server.servicer.outputs.items():
        assert outputs[name].dtype == expected.dtype
        np.testing.assert_array_equal(outputs[name], expected)
    (request,) = server.servicer.requests
    assert (request.model_name, request.id) == ("image_classification", "an-id")
    assert (request.inputs[0].name, request.inputs[0].datatype) == ("image", "BYTES")
    assert list(request.inputs[0].shape) == [1, 1]
    assert request.raw_input_contents[0] == b"\x06\x00\x00\x00a file"


async def test_empty_tensors_keep_their_shapes(server: Server, triton: GrpcTriton) -> None:
    server.servicer.outputs = ocr([])
    outputs = await infer(triton)
    assert {name: tensor.shape for name, tensor in outputs.items()} == {
        name: tensor.shape for name, tensor in ocr([]).items()
    }


async def test_messages_larger_than_grpc_allows_by_default(server: Server, triton: GrpcTriton) -> None:
    server.servicer.outputs = {"large": np.zeros(3_000_000, dtype=np.float32)}
    outputs = await triton.infer("ocr", {"image": one_string(bytes(10_000_000), batched=False)}, "", 10)
    assert outputs["large"].shape == (3_000_000,)


async def test_the_answer_for_twelve_megapixels(server: Server, triton: GrpcTriton) -> None:
    shape = (3000, 4000)
    server.servicer.outputs = {"probs": np.ones(shape, np.float32), "preds": np.ones(shape, np.uint8)}
    outputs = await infer(triton)
    assert {name: (array.shape, array.dtype.name) for name, array in outputs.items()} == {
        "probs": (shape, "float32"),
        "preds": (shape, "uint8"),
    }


ENSEMBLE = "in ensemble 'image_classification', "


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (ENSEMBLE + "[40003] not valid Base64: x", InvalidBase64("not valid Base64: x")),
        (ENSEMBLE + "[40004] no image [50001] in it", NotAnImage("no image [50001] in it")),
        ("[request id: an-id] " + ENSEMBLE + "[41302] two\nlines", TooManyPixels("two\nlines")),
        ("[40004] no image", NotAnImage("no image")),
    ],
)
async def test_a_step_marks_what_is_wrong_with_a_picture(
    server: Server, triton: GrpcTriton, text: str, expected: Exception
) -> None:
    server.servicer.status, server.servicer.text = grpc.StatusCode.INVALID_ARGUMENT, text
    with pytest.raises(type(expected)) as caught:
        await infer(triton)
    assert str(caught.value) == str(expected)


@pytest.mark.parametrize(
    ("status", "text", "expected"),
    [
        (grpc.StatusCode.INVALID_ARGUMENT, ENSEMBLE + "unexpected shape", InternalFault),
        (grpc.StatusCode.INVALID_ARGUMENT, ENSEMBLE + "[50001] not for steps to say", InternalFault),
        (grpc.StatusCode.INTERNAL, ENSEMBLE + "[40004] not marked by its status", InternalFault),
        (grpc.StatusCode.UNKNOWN, "", InternalFault),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, "message too large", InternalFault),
        (grpc.StatusCode.NOT_FOUND, "Request for unknown model: 'ocr' is not found", ModelUnavailable),
        (
            grpc.StatusCode.UNAVAILABLE,
            "Request for unknown model: 'ocr' has no available versions",
            ModelUnavailable,
        ),
        (grpc.StatusCode.UNAVAILABLE, ENSEMBLE + "Exceeds maximum queue size", TooManyRequests),
        (grpc.StatusCode.CANCELLED, "", ModelUnavailable),
        (grpc.StatusCode.DEADLINE_EXCEEDED, "", DeadlinePassed),
    ],
)
async def test_statuses_become_errors_of_the_contract(
    server: Server, triton: GrpcTriton, status: grpc.StatusCode, text: str, expected: type[Exception]
) -> None:
    server.servicer.status, server.servicer.text = status, text
    with pytest.raises(expected) as caught:
        await infer(triton)
    assert text in vars(caught.value)["detail"]
    assert not text or text not in str(caught.value)


async def test_the_deadline_ends_the_work_in_triton_too(server: Server, triton: GrpcTriton) -> None:
    server.servicer.hangs = True
    with pytest.raises(DeadlinePassed):
        await infer(triton, timeout_s=0.2)
    await eventually(lambda: server.servicer.cancelled == 1)


async def test_no_time_left_is_a_deadline_passed(triton: GrpcTriton) -> None:
    with pytest.raises(DeadlinePassed):
        await infer(triton, timeout_s=-0.1)


async def test_cancelling_ends_the_work_in_triton_too(server: Server, triton: GrpcTriton) -> None:
    server.servicer.hangs = True
    work = asyncio.create_task(infer(triton))
    await eventually(lambda: bool(server.servicer.requests))
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    await eventually(lambda: server.servicer.cancelled == 1)


async def test_loaded_are_models_that_are_ready(triton: GrpcTriton) -> None:
    asked = ["ocr", "image_classification", "unheard_of", "ocr_net"]
    assert await triton.loaded_models(asked) == {"ocr", "ocr_net"}


async def test_triton_that_is_not_there_is_unavailable_at_once(server: Server, triton: GrpcTriton) -> None:
    await server.stop()
    async with asyncio.timeout(20):  # a channel that waits until it is ready would wait for the deadline
        with pytest.raises(ModelUnavailable):
            await infer(triton)
        with pytest.raises(ModelUnavailable):
            await triton.loaded_models(["ocr"])


async def test_triton_is_found_again_soon_after_it_was_away(server: Server, triton: GrpcTriton) -> None:
    await infer(triton)
    await server.stop()
    for _ in range(30):  # long enough for a channel to lose patience
        with pytest.raises(ModelUnavailable):
            await infer(triton)
        await asyncio.sleep(0.1)
    await server.start()
    await eventually_answers(triton)


async def eventually_answers(triton: GrpcTriton) -> None:
    async with asyncio.timeout(10):
        while True:
            try:
                await infer(triton)
            except ModelUnavailable:
                await asyncio.sleep(0.05)
            else:
                return


async def eventually(condition: Any) -> None:  # noqa: ANN401 - a condition
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.01)
