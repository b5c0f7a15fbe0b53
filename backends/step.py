"""The adapter of every pre- and post-processing step: Triton's requests to a stage's arguments and back.

A step's `model.py` is two statements:

    from backends.step import Step
    from vision.classification import ClassificationPreprocess

    class TritonPythonModel(Step):
        stage = ClassificationPreprocess

Its `config.pbtxt` names the nets whose manifests the stage is built from, in the constructor's order:
`parameters { key: "manifests" value { string_value: "image_classification_net" } }`. Without the parameter
there are none. After them come those of `optional_manifests`, nets that only some repositories have: the
stage is given None for one that this repository lacks.

A service's last step has an output `seeded_nets` in its config, which the adapter itself writes: the names of
those of the service's nets that have random weights. Where there are none it is left out, and so it is of the
ensemble's answer.
"""

import json
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import triton_python_backend_utils as pb_utils

from backends.triton_api import Request, Response, as_dtype, input_arrays
from vision.errors import PictureError
from vision.manifest import MANIFEST_FILE, NET_VERSION, SEEDED_NETS, load_manifest, manifest_path
from vision.tensors import Tensors

_LAST_STEP = "_postprocess"


class _Adapter:
    """What sync and async steps share: building the stage, making answers and errors."""

    stage: ClassVar[Callable[..., Any]]

    def initialize(self, args: dict[str, str]) -> None:
        """Build the stage from its nets' manifests; a missing or malformed one fails the load."""
        config = json.loads(args["model_config"])
        repository = Path(args["model_repository"]).parent
        manifests = (load_manifest(path) for path in _paths(config, "manifests", repository))
        perhaps = (
            load_manifest(path) if path.is_file() else None
            for path in _paths(config, "optional_manifests", repository)
        )
        self._run = type(self).stage(*manifests, *perhaps)
        self._dtypes: dict[str, np.dtype[Any]] = {
            output["name"]: np.dtype(pb_utils.triton_string_to_numpy(output["data_type"]))
            for output in config["output"]
        }
        self._batching = config["max_batch_size"] > 0
        self._seeded = ""
        if self._dtypes.pop(SEEDED_NETS, None):
            self._seeded = ",".join(_seeded_nets(repository, args["model_name"].removesuffix(_LAST_STEP)))

    def _answer(self, tensors: Tensors) -> Response:
        outputs = [
            pb_utils.Tensor(name, np.ascontiguousarray(as_dtype(tensors[name], dtype, name)))
            for name, dtype in self._dtypes.items()
        ]
        if self._seeded:
            rows = [len(next(iter(tensors.values())))] if self._batching else []
            marks = np.full((*rows, 1), self._seeded.encode(), dtype=np.object_)
            outputs.append(pb_utils.Tensor(SEEDED_NETS, marks))
        return pb_utils.InferenceResponse(outputs)

    def _refusal(self, request: Request, error: Exception) -> Response:
        if isinstance(error, PictureError):
            return _error(f"[{error.code}] {error}", pb_utils.TritonError.INVALID_ARG)
        pb_utils.Logger.log_error(
            f"request {request.request_id()}: {''.join(traceback.format_exception(error))}"
        )
        return _error(f"{type(error).__name__} in {type(self).stage.__name__}", pb_utils.TritonError.INTERNAL)


def _paths(config: dict[str, Any], parameter: str, repository: Path) -> list[Path]:
    """Return where the manifests of the nets that a parameter names stand, or would stand."""
    named = config["parameters"].get(parameter)
    return [manifest_path(repository, net) for net in named["string_value"].split(",")] if named else []


class Step(_Adapter):
    """A step whose stage is a plain function of its tensors."""

    def execute(self, requests: list[Request]) -> list[Response]:
        """Answer each request by itself; a bad one fails alone."""
        return [self._respond(request) for request in requests]

    def _respond(self, request: Request) -> Response:
        try:
            return self._answer(self._run(**input_arrays(request)))
        except Exception as error:  # whatever a stage raises is that request's own failure
            return self._refusal(request, error)


class FanOutStep(_Adapter):
    """A step whose stage runs nets itself, in a number that only it knows."""

    async def execute(self, requests: list[Request]) -> list[Response]:
        """Answer each request by itself; a bad one fails alone."""
        return [await self._respond(request) for request in requests]

    async def _respond(self, request: Request) -> Response:
        try:
            return self._answer(await self._run(**input_arrays(request), infer=_infer))
        except Exception as error:  # whatever a stage raises is that request's own failure
            return self._refusal(request, error)


class NetError(RuntimeError):
    """A net that a stage called did not answer."""


async def _infer(net: str, tensors: Tensors) -> Tensors:
    """Run one batch of `net` in this server and return its outputs; raises NetError."""
    inputs = [pb_utils.Tensor(name, np.ascontiguousarray(array)) for name, array in tensors.items()]
    request = pb_utils.InferenceRequest(model_name=net, inputs=inputs, requested_output_names=[])
    response = await request.async_exec()
    if response.has_error():
        raise NetError(f"{net}: {response.error().message()}")
    return {tensor.name(): tensor.as_numpy() for tensor in response.output_tensors()}


def _seeded_nets(repository: Path, service: str) -> list[str]:
    """Return those of the service's nets that have random weights."""
    paths = sorted(repository.glob(f"{service}_*net/{NET_VERSION}/{MANIFEST_FILE}"))
    return [manifest.net for manifest in map(load_manifest, paths) if manifest.seeded]


def _error(message: str, code: int) -> Response:
    return pb_utils.InferenceResponse(error=pb_utils.TritonError(message, code))
