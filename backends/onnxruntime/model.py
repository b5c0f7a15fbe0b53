"""Triton's `onnxruntime` backend for servers that carry none: the same configs, through ONNX Runtime's wheel.

Kept from the native backend: model file by `default_model_filename`; exact data types; a leading -1 in every
tensor when `max_batch_size` > 0; the parameters `intra_op_thread_count`, `inter_op_thread_count` and
`execution_mode`; `optimization { graph { level } }`; rows of several requests joined and split again; only
requested outputs returned. Where the native backend is installed Triton prefers it and never reads this.
"""

import json
from pathlib import Path

import numpy as np
import onnxruntime as ort
import triton_python_backend_utils as pb_utils

from backends.batching import run_batched
from backends.onnx_config import check_tensors, session_options
from backends.short_circuit import short_circuit
from backends.triton_api import Request, Response, input_arrays
from vision.tensors import Tensors


class TritonPythonModel:
    """One instance of one ONNX model."""

    def initialize(self, args: dict[str, str]) -> None:
        """Load the session; raises ValueError naming every tensor in which config and graph differ."""
        config = json.loads(args["model_config"])
        if args["model_instance_kind"] == "GPU":
            raise ValueError("this onnxruntime backend runs on CPUs; use KIND_CPU or the native backend")
        path = Path(args["model_repository"], args["model_version"], config["default_model_filename"])
        self._session = ort.InferenceSession(
            path, session_options(config), providers=["CPUExecutionProvider"]
        )
        check_tensors(config, self._session.get_inputs(), self._session.get_outputs())
        self._outputs = [output["name"] for output in config["output"]]
        self._batching = config["max_batch_size"] > 0

    def execute(self, requests: list[Request]) -> list[Response]:
        """Run the requests, together where the config allows batches; a bad one fails alone."""
        answers = [short_circuit(request) for request in requests]
        waiting = [request for request, answer in zip(requests, answers, strict=True) if answer is None]
        answered = iter(self._answer(waiting) if waiting else ())
        return [next(answered) if answer is None else answer for answer in answers]

    def _answer(self, requests: list[Request]) -> list[Response]:
        inputs = [input_arrays(request) for request in requests]
        if self._batching:
            results = run_batched(self._run, inputs)
        else:
            results = [result for one in inputs for result in run_batched(self._run, [one])]
        return [_response(request, result) for request, result in zip(requests, results, strict=True)]

    def _run(self, inputs: Tensors) -> Tensors:
        return dict(zip(self._outputs, self._session.run(self._outputs, inputs), strict=True))


def _response(request: Request, result: Tensors | Exception) -> Response:
    if isinstance(result, Exception):
        error = pb_utils.TritonError(f"onnxruntime: {result}", pb_utils.TritonError.INTERNAL)
        return pb_utils.InferenceResponse(error=error)
    wanted = request.requested_output_names()
    tensors = [pb_utils.Tensor(name, np.ascontiguousarray(result[name])) for name in wanted]
    return pb_utils.InferenceResponse(tensors)
