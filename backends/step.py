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

Both steps of a service have an output of times (`vision.stage_times`), which the adapter writes too: the last
one's are those that it was given of the first, and its own. Stages see neither.
"""

import json
import time
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, TypeAlias

import numpy as np
import triton_python_backend_utils as pb_utils
from numpy.typing import NDArray

from backends.short_circuit import short_circuit
from backends.triton_api import Request, Response, as_dtype, error_response, input_arrays, parameters_of
from modelhub_pictures.errors import PictureError
from modelhub_pictures.request_parameters import DEADLINE
from vision.manifest import MANIFEST_FILE, NET_VERSION, SEEDED_NETS, load_manifest, manifest_path
from vision.stage_times import PREPROCESS_TIMES, STAGE_TIMES
from vision.tensors import Tensors

Times: TypeAlias = NDArray[np.int64]
"""Of a request, [k], or of each of its rows, [B, k]."""

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
        self._times = next(name for name in (PREPROCESS_TIMES, STAGE_TIMES) if self._dtypes.pop(name, None))
        self._batching = config["max_batch_size"] > 0
        self._seeded = ""
        if self._dtypes.pop(SEEDED_NETS, None):
            self._seeded = ",".join(_seeded_nets(repository, args["model_name"].removesuffix(_LAST_STEP)))

    def _begin(self, request: Request) -> tuple[Tensors, Times]:
        """Return what the stage is called with, and the times until now."""
        tensors = input_arrays(request)
        earlier = tensors.pop(PREPROCESS_TIMES, np.empty((*self._rows(tensors), 0), dtype=np.int64))
        return tensors, _with_now(earlier)

    def _answer(self, tensors: Tensors, times: Times) -> Response:
        outputs = [
            pb_utils.Tensor(name, np.ascontiguousarray(as_dtype(tensors[name], dtype, name)))
            for name, dtype in self._dtypes.items()
        ]
        if self._seeded:
            marks = np.full((*self._rows(tensors), 1), self._seeded.encode(), dtype=np.object_)
            outputs.append(pb_utils.Tensor(SEEDED_NETS, marks))
        outputs.append(pb_utils.Tensor(self._times, _with_now(times)))
        return pb_utils.InferenceResponse(outputs)

    def _rows(self, tensors: Tensors) -> list[int]:
        """Return the batch's axis, where there is one, as the beginning of a shape."""
        return [len(next(iter(tensors.values())))] if self._batching else []

    def _refusal(self, request: Request, error: Exception) -> Response:
        if isinstance(error, PictureError):
            return error_response(f"[{error.code}] {error}", pb_utils.TritonError.INVALID_ARG)
        if isinstance(error, NetError):  # the gateway reads there which net has died
            return error_response(str(error), pb_utils.TritonError.UNAVAILABLE)
        pb_utils.Logger.log_error(
            f"request {request.request_id()}: {''.join(traceback.format_exception(error))}"
        )
        return error_response(
            f"{type(error).__name__} in {type(self).stage.__name__}", pb_utils.TritonError.INTERNAL
        )


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
        if (without_work := short_circuit(request)) is not None:
            return without_work
        try:
            tensors, times = self._begin(request)
            return self._answer(self._run(**tensors), times)
        except Exception as error:  # whatever a stage raises is that request's own failure
            return self._refusal(request, error)


class FanOutStep(_Adapter):
    """A step whose stage runs nets itself, in a number that only it knows."""

    async def execute(self, requests: list[Request]) -> list[Response]:
        """Answer each request by itself; a bad one fails alone."""
        return [await self._respond(request) for request in requests]

    async def _respond(self, request: Request) -> Response:
        if (without_work := short_circuit(request)) is not None:
            return without_work
        try:
            tensors, times = self._begin(request)
            infer = partial(_infer, _passed_on(request))
            return self._answer(await self._run(**tensors, infer=infer), times)
        except Exception as error:  # whatever a stage raises is that request's own failure
            return self._refusal(request, error)


class NetError(RuntimeError):
    """A net that a stage called did not answer."""


def _passed_on(request: Request) -> dict[str, int]:
    """Return the parameters of a request that hold for what it has nets do."""
    parameters = parameters_of(request)
    return {DEADLINE: parameters[DEADLINE]} if DEADLINE in parameters else {}


async def _infer(parameters: dict[str, int], net: str, tensors: Tensors) -> Tensors:
    """Run one batch of `net` in this server and return its outputs; raises NetError."""
    inputs = [pb_utils.Tensor(name, np.ascontiguousarray(array)) for name, array in tensors.items()]
    request = pb_utils.InferenceRequest(
        model_name=net, inputs=inputs, requested_output_names=[], parameters=parameters
    )
    response = await request.async_exec()
    if response.has_error():
        raise NetError(f"{net}: {response.error().message()}")
    return {tensor.name(): tensor.as_numpy() for tensor in response.output_tensors()}


def _with_now(times: Times) -> Times:
    now = np.full((*times.shape[:-1], 1), time.time_ns(), dtype=np.int64)
    return np.concatenate([times, now], axis=-1)


def _seeded_nets(repository: Path, service: str) -> list[str]:
    """Return those of the service's nets that have random weights."""
    paths = sorted(repository.glob(f"{service}_*net/{NET_VERSION}/{MANIFEST_FILE}"))
    return [manifest.net for manifest in map(load_manifest, paths) if manifest.seeded]
