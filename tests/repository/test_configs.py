"""Every `config.pbtxt` against Triton's protobuf, against the steps it names, and against our own rules."""

import importlib.util
import inspect
import sys
import types
from itertools import pairwise
from pathlib import Path

import pytest
from google.protobuf import text_format
from tritonclient.grpc.model_config_pb2 import ModelConfig

from embedded.paths import REPOSITORY
from gateway.services import SERVICES

CONFIGS = {
    path.parent.name: text_format.Parse(path.read_text(), ModelConfig())
    for path in sorted(REPOSITORY.glob("*/config.pbtxt"))
}
ENSEMBLES = {name: config for name, config in CONFIGS.items() if config.platform == "ensemble"}
PYTHON_MODELS = {name: config for name, config in CONFIGS.items() if config.backend == "python"}
NETS = {name: config for name, config in CONFIGS.items() if config.backend == "onnxruntime"}

Shape = tuple[int, ...]
Signature = tuple[int, Shape, Shape]
"""Data type; dims as configured; dims with the batch, where the model has one."""


def tensors(config: ModelConfig, side: str) -> dict[str, Signature]:
    batch = (-1,) if config.max_batch_size > 0 else ()
    return {
        entry.name: (entry.data_type, tuple(entry.dims), batch + tuple(entry.dims))
        for entry in getattr(config, side)
    }


def by_name(configs: dict[str, ModelConfig]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("name", list(configs))


def test_every_model_is_of_a_known_kind() -> None:
    assert set(CONFIGS) == set(ENSEMBLES) | set(PYTHON_MODELS) | set(NETS)


def test_there_is_an_ensemble_for_every_service_of_the_gateway() -> None:
    assert set(ENSEMBLES) == set(SERVICES)


@by_name(CONFIGS)
def test_a_config_is_named_as_its_folder(name: str) -> None:
    assert CONFIGS[name].name == name


@by_name(ENSEMBLES)
def test_an_ensemble_keeps_its_version_folder_in_git(name: str) -> None:
    assert (REPOSITORY / name / "1" / ".gitkeep").is_file()


@by_name(ENSEMBLES)
def test_the_steps_of_an_ensemble_fit_together(name: str) -> None:
    ensemble = ENSEMBLES[name]
    known = tensors(ensemble, "input")
    for step in ensemble.ensemble_scheduling.step:
        model = CONFIGS[step.model_name]
        assert set(step.input_map) == set(tensors(model, "input"))
        for parameter, tensor in step.input_map.items():
            assert fit(known[tensor], tensors(model, "input")[parameter]), (step.model_name, parameter)
        for parameter, tensor in step.output_map.items():
            assert tensor not in known, f"{tensor} is produced twice"
            known[tensor] = tensors(model, "output")[parameter]
    for output, signature in tensors(ensemble, "output").items():
        assert fit(known[output], signature), output


def fit(produced: Signature, consumed: Signature) -> bool:
    """Whether Triton passes one on to the other: equal types and shapes, -1 being any, batched or not."""
    produced_type, *shapes = produced
    consumed_type, *others = consumed
    return produced_type == consumed_type and any(
        len(one) == len(other)
        and all(-1 in sizes or sizes[0] == sizes[1] for sizes in zip(one, other, strict=True))
        for one in shapes
        for other in others
    )


@by_name(ENSEMBLES)
def test_an_ensemble_is_linear(name: str) -> None:
    """Triton 24.10 crashes or leaks when one of two parallel steps fails or overflows."""
    steps = ENSEMBLES[name].ensemble_scheduling.step
    for earlier, later in pairwise(steps):
        assert set(earlier.output_map.values()) & set(later.input_map.values())


@by_name(ENSEMBLES)
def test_the_steps_take_an_ensembles_batches(name: str) -> None:
    ensemble = ENSEMBLES[name]
    for step in ensemble.ensemble_scheduling.step:
        size = CONFIGS[step.model_name].max_batch_size
        assert size >= ensemble.max_batch_size
        assert (size == 0) <= (ensemble.max_batch_size <= 1)


@by_name({**PYTHON_MODELS, **NETS})
def test_instance_counts_are_explicit(name: str) -> None:
    """Triton's default is two processes for a net, one for a Python model: each a surprise somewhere."""
    groups = CONFIGS[name].instance_group
    assert groups
    assert all(group.count > 0 for group in groups)


@by_name(NETS)
def test_a_net_says_its_threads_and_batches_where_it_can(name: str) -> None:
    config = NETS[name]
    assert int(config.parameters["intra_op_thread_count"].string_value) >= 1
    assert config.HasField("dynamic_batching") == (config.max_batch_size > 0)


def load_stage(name: str) -> type:
    """The stage class of a Python model, imported as a stub would."""
    sys.modules.setdefault("triton_python_backend_utils", types.ModuleType("triton_python_backend_utils"))
    path = REPOSITORY / name / "1" / "model.py"
    spec = importlib.util.spec_from_file_location(f"{name}_model", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    stage: type = module.TritonPythonModel.stage
    return stage


@by_name(PYTHON_MODELS)
def test_a_stage_takes_its_configs_inputs_and_manifests(name: str) -> None:
    stage = load_stage(name)
    call = set(inspect.signature(stage.__call__).parameters) - {"self", "infer"}
    assert call == set(tensors(PYTHON_MODELS[name], "input"))
    manifests = PYTHON_MODELS[name].parameters["manifests"].string_value.split(",")
    assert set(manifests) <= set(NETS)
    assert len(inspect.signature(stage).parameters) == len(manifests)


@by_name(PYTHON_MODELS)
def test_an_adapter_is_a_few_lines(name: str) -> None:
    path: Path = REPOSITORY / name / "1" / "model.py"
    assert len(path.read_text().splitlines()) <= 15
