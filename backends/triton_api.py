"""The part of `triton_python_backend_utils` that our adapters use, typed; it exists only inside stubs."""

import json
from typing import Any, Protocol, TypeAlias

import numpy as np
import triton_python_backend_utils as pb_utils
from numpy.typing import NDArray

from vision.tensors import Tensors

Response: TypeAlias = Any
"""`pb_utils.InferenceResponse`, which has no types; nothing of ours looks inside."""


class Tensor(Protocol):
    """`pb_utils.Tensor`."""

    def name(self) -> str:
        """Return the tensor's name."""
        ...

    def as_numpy(self) -> NDArray[Any]:
        """Return a view of the tensor; BYTES give an object array of `bytes`."""
        ...


class Request(Protocol):
    """`pb_utils.InferenceRequest` as `execute` receives it."""

    def inputs(self) -> list[Tensor]:
        """Return the input tensors."""
        ...

    def request_id(self) -> str:
        """Return the caller's request id, or an empty string."""
        ...

    def parameters(self) -> str:
        """Return the request's parameters as a JSON object."""
        ...

    def requested_output_names(self) -> list[str]:
        """Return the outputs that the caller wants."""
        ...


def input_arrays(request: Request) -> Tensors:
    """Return a request's inputs by name, as views that must not outlive `execute`."""
    return {tensor.name(): tensor.as_numpy() for tensor in request.inputs()}


def parameters_of(request: Request) -> dict[str, Any]:
    """Return a request's parameters by name."""
    parameters: dict[str, Any] = json.loads(request.parameters())
    return parameters


def error_response(message: str, code: int) -> Response:
    """Return the answer of a request that failed; `code` is one of `pb_utils.TritonError`'s."""
    return pb_utils.InferenceResponse(error=pb_utils.TritonError(message, code))


def as_dtype(array: NDArray[Any], dtype: np.dtype[Any], name: str) -> NDArray[Any]:
    """Return `array` if it has the dtype of its config; raises TypeError, since a silent cast hides a bug."""
    if array.dtype != dtype:
        raise TypeError(f"output {name} is {array.dtype}, its config says {dtype}")
    return array
