"""What each net of a service really receives: its ensemble's own steps, run on pictures without Triton."""

import ast
import asyncio
import importlib
import inspect
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tritonclient.grpc.model_config_pb2 import ModelConfig, ModelEnsembling

from export.tensorrt.configs import CONFIG_FILE, read_config
from export.tensorrt.errors import PlanError
from vision.manifest import NET_VERSION, Manifest, load_manifest, manifest_path
from vision.tensors import Tensors

RunNet = Callable[[str, Tensors], Tensors]
"""Runs one batch of the net of that name."""


def services(repository: Path) -> list[str]:
    """Return the names of a repository's ensembles."""
    paths = sorted(repository.glob(f"*/{CONFIG_FILE}"))
    return [path.parent.name for path in paths if read_config(path).platform == "ensemble"]


def service_of(net: str, known: Sequence[str]) -> str:
    """Return the service that a net belongs to, by its name; raises PlanError where there is none."""
    owners = [service for service in known if net.startswith(f"{service}_")]
    if not owners:
        raise PlanError(f"{net}: its name begins with no service's, so no pipeline feeds it")
    return max(owners, key=len)


def run_service(repository: Path, service: str, payloads: Sequence[bytes], run_net: RunNet) -> None:
    """Send picture files through the steps of an ensemble, which calls `run_net` for every batch of a net.

    Each picture is sent once; where a service takes several, the next ones go with it.
    """
    ensemble = read_config(repository / service / CONFIG_FILE)
    steps = [_Step(repository, step, run_net) for step in ensemble.ensemble_scheduling.step]
    for index in range(len(payloads)):
        values: Tensors = {}
        for offset, entry in enumerate(ensemble.input):
            payload = payloads[(index + offset) % len(payloads)]
            image = np.array([payload], dtype=np.object_)
            values[entry.name] = image[None] if ensemble.max_batch_size > 0 else image
        for step in steps:
            values |= step(values)


def stage_class(model: Path) -> type:
    """Return the stage that a step's `model.py` names, which itself can be imported only inside Triton."""
    tree = ast.parse(model.read_bytes())
    (name,) = (
        node.value.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        and isinstance(node.value, ast.Name)
        and [target.id for target in node.targets if isinstance(target, ast.Name)] == ["stage"]
    )
    (module,) = (
        node.module
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module and name in [one.name for one in node.names]
    )
    stage: type = getattr(importlib.import_module(module), name)
    return stage


class _Step:
    """One step of an ensemble: takes and returns tensors by the ensemble's names."""

    def __init__(self, repository: Path, step: ModelEnsembling.Step, run_net: RunNet) -> None:
        self._config = read_config(repository / step.model_name / CONFIG_FILE)
        self._ranks = _ranks(self._config)
        self._inputs, self._outputs = dict(step.input_map), dict(step.output_map)
        self._run = (
            self._net(run_net) if self._config.backend != "python" else self._stage(repository, run_net)
        )

    def __call__(self, values: Tensors) -> Tensors:
        """Return what the step adds to `values`."""
        arguments = {
            name: _of_rank(values[tensor], self._ranks[name])
            for name, tensor in self._inputs.items()
            if tensor in values  # what an adapter alone passes on, no stage gave
        }
        result = self._run(arguments)
        return {tensor: result[name] for name, tensor in self._outputs.items() if name in result}

    def _net(self, run_net: RunNet) -> Callable[[Tensors], Tensors]:
        return lambda tensors: run_net(self._config.name, tensors)

    def _stage(self, repository: Path, run_net: RunNet) -> Callable[[Tensors], Tensors]:
        """Return the step's stage, built from the manifests that `backends.step` would give it."""
        paths = [manifest_path(repository, net) for net in self._named("manifests")]
        perhaps = [manifest_path(repository, net) for net in self._named("optional_manifests")]
        manifests: list[Manifest | None] = [load_manifest(path) for path in paths]
        manifests += [load_manifest(path) if path.is_file() else None for path in perhaps]
        stage: Any = stage_class(repository / self._config.name / NET_VERSION / "model.py")(*manifests)

        async def infer(net: str, tensors: Tensors) -> Tensors:
            return run_net(net, tensors)

        def run(tensors: Tensors) -> Tensors:
            if inspect.iscoroutinefunction(type(stage).__call__):
                result: Tensors = asyncio.run(stage(**tensors, infer=infer))
            else:
                result = stage(**tensors)
            return result

        return run

    def _named(self, parameter: str) -> list[str]:
        """Return the nets that a parameter names; reading a map's key that is absent would create it."""
        given = parameter in self._config.parameters
        return self._config.parameters[parameter].string_value.split(",") if given else []


def _ranks(config: ModelConfig) -> dict[str, int]:
    """Return how many axes each input of a model has, the batch's counted where it has one."""
    return {entry.name: len(entry.dims) + (config.max_batch_size > 0) for entry in config.input}


def _of_rank(array: NDArray[Any], rank: int) -> NDArray[Any]:
    """Return `array` with the batch of one that Triton adds or takes away between two models."""
    if array.ndim == rank - 1:
        return array[None]
    return array[0] if array.ndim == rank + 1 else array
