"""Requests to Triton itself, for tests that look behind the gateway."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import tritonclient.grpc as triton_grpc
import tritonclient.http as triton_http
from numpy.typing import NDArray
from tritonclient.utils import np_to_triton_dtype

Arrays = dict[str, NDArray[Any]]


def payloads(*files: bytes, batched: bool) -> NDArray[np.object_]:
    """Picture files as an ensemble takes them: [B, 1] or [1]."""
    rows = np.empty(len(files), dtype=np.object_)
    rows[:] = files
    return rows[:, None] if batched else rows


def infer_grpc(url: str, model: str, tensors: Mapping[str, NDArray[Any]]) -> Arrays:
    """All outputs of one request over gRPC; raises tritonclient's InferenceServerException."""
    with triton_grpc.InferenceServerClient(url) as client:
        result = client.infer(model, _inputs(triton_grpc, tensors))
        return {output.name: result.as_numpy(output.name) for output in result.get_response().outputs}


def infer_http(url: str, model: str, tensors: Mapping[str, NDArray[Any]]) -> Arrays:
    """All outputs of one request over HTTP; raises tritonclient's InferenceServerException."""
    with triton_http.InferenceServerClient(url) as client:
        result = client.infer(model, _inputs(triton_http, tensors))
        return {
            output["name"]: result.as_numpy(output["name"]) for output in result.get_response()["outputs"]
        }


def _inputs(module: Any, tensors: Mapping[str, NDArray[Any]]) -> list[Any]:  # noqa: ANN401 - two alike modules
    inputs = []
    for name, array in tensors.items():
        entry = module.InferInput(name, list(array.shape), np_to_triton_dtype(array.dtype))
        entry.set_data_from_numpy(array)
        inputs.append(entry)
    return inputs
