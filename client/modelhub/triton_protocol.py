"""Triton's protocol: the message of an inference, the arrays that answer it, and what its errors mean.

The package and the gateway both speak it with the protocol's own messages: tritonclient's objects around them
cost time at every request. It needs what the extra `triton` brings.
"""

import re
import struct
import time
from dataclasses import dataclass
from typing import Any

import grpc
import numpy as np
from numpy.typing import NDArray
from tritonclient.grpc import service_pb2
from tritonclient.utils import deserialize_bytes_tensor, triton_to_np_dtype

from modelhub.kinds import Tensors
from modelhub_pictures.errors import PictureError
from modelhub_pictures.request_parameters import DEADLINE, LATE

PICTURE_CODES = frozenset(error.code for error in PictureError.__subclasses__())
"""What steps say of a picture, as `[<code>] <text>`."""
TOO_MANY, INTERNAL_FAULT, UNAVAILABLE, DEADLINE_PASSED = 42901, 50001, 50301, 50401

CHANNEL = (
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", -1),  # a picture of 50 megapixels has 250 MB of classes
    ("grpc.enable_http_proxy", 0),  # Triton is where it is said to be, whatever proxy the environment names
)
NOT_LOADED = (grpc.StatusCode.NOT_FOUND, grpc.StatusCode.INVALID_ARGUMENT)
"""How Triton answers, when it is asked whether a model is ready, for one that it does not know."""

_DEAD = re.compile(r"Stub process '(\S+)_\d+_\d+' is not healthy")
_MARKER = re.compile(r"\[(\d{5})\] (.*)", re.DOTALL)
_QUEUE_IS_FULL = "Exceeds maximum queue size"
_BY_STATUS = {
    grpc.StatusCode.NOT_FOUND: UNAVAILABLE,
    grpc.StatusCode.UNAVAILABLE: UNAVAILABLE,
    grpc.StatusCode.CANCELLED: UNAVAILABLE,  # by a Triton that is stopping: we do not come here with our own
    grpc.StatusCode.DEADLINE_EXCEEDED: DEADLINE_PASSED,
}


@dataclass(frozen=True, slots=True)
class Failure:
    """What an error of Triton means under the contract."""

    code: int
    message: str
    """What a step said of the picture; for any other code Triton's own words."""
    dead_model: str | None = None
    """The model of which a process no longer lives."""


def request_of(model: str, inputs: Tensors, request_id: str, timeout_s: float) -> Any:  # noqa: ANN401 - ships no types
    """Return the message that asks `model` about `inputs`, which are strings, within `timeout_s`."""
    request = service_pb2.ModelInferRequest(model_name=model, id=request_id)
    request.parameters[DEADLINE].int64_param = int((time.time() + timeout_s) * 1e3)
    for name, strings in inputs.items():
        request.inputs.add(name=name, datatype="BYTES", shape=strings.shape)
        request.raw_input_contents.append(
            b"".join(struct.pack("<I", len(string)) + string for string in strings.flat)
        )
    return request


def outputs_of(response: Any) -> Tensors:  # noqa: ANN401 - ships no types
    """Return the tensors of an answer."""
    contents = zip(response.outputs, response.raw_output_contents, strict=True)
    return {output.name: _array(output, content) for output, content in contents}


def failure_of(error: grpc.RpcError) -> Failure:
    """Return what `error` means, whichever kind of channel raised it."""
    status, words = error.code(), error.details() or ""
    if (dead := _DEAD.search(words)) is not None:
        return Failure(UNAVAILABLE, words, dead[1])
    if status is grpc.StatusCode.INVALID_ARGUMENT:
        return _of_picture(words)
    if status is grpc.StatusCode.UNAVAILABLE and _QUEUE_IS_FULL in words:
        return Failure(TOO_MANY, words)
    if LATE in words:
        return Failure(DEADLINE_PASSED, words)
    return Failure(_BY_STATUS.get(status, INTERNAL_FAULT), words)


def _of_picture(words: str) -> Failure:
    """Return what a step marked, `[<code>] <text>`, wherever in `words` Triton put it."""
    marked = _MARKER.search(words)
    if marked and int(marked[1]) in PICTURE_CODES:
        return Failure(int(marked[1]), marked[2])
    return Failure(INTERNAL_FAULT, words)


def _array(output: Any, content: bytes) -> NDArray[Any]:  # noqa: ANN401 - ships no types
    if output.datatype == "BYTES":
        elements: NDArray[Any] = deserialize_bytes_tensor(content)
    else:
        elements = np.frombuffer(content, dtype=triton_to_np_dtype(output.datatype))
    return elements.reshape(tuple(output.shape))
