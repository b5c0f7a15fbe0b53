"""Every `config.pbtxt` against Triton's protobuf, against the steps it names, and against our own rules."""

import importlib.util
import inspect
import sys
import types
from itertools import pairwise
from pathlib import Path

import pytest
from tritonclient.grpc.model_config_pb2 import DataType, ModelConfig

from embedded.paths import REPOSITORY
from gateway.services import SERVICES
from tests.repository.checks import (
    REPOSITORIES,
    assert_counts_are_explicit,
    assert_net_says_threads_and_batches,
    assert_steps_fit,
    tensors,
)
from vision.manifest import SEEDED_NETS, Profile
from vision.stage_times import PREPROCESS_TIMES, STAGE_TIMES

_, CONFIGS, ENSEMBLES, PYTHON_MODELS, NETS = REPOSITORIES[Profile.LITE]


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
    assert_steps_fit(ENSEMBLES[name], CONFIGS)


@by_name(ENSEMBLES)
def test_an_ensemble_can_tell_that_its_nets_are_seeded(name: str) -> None:
    last = ENSEMBLES[name].ensemble_scheduling.step[-1]
    assert last.model_name == f"{name}_postprocess"  # the adapter finds the service's nets by it
    assert last.output_map[SEEDED_NETS] == SEEDED_NETS
    assert SEEDED_NETS in tensors(ENSEMBLES[name], "output")
    nets = [net for net in NETS if net.startswith(f"{name}_")]
    assert nets
    assert {step.model_name for step in ENSEMBLES[name].ensemble_scheduling.step} & set(NETS) <= set(nets)


@by_name(ENSEMBLES)
def test_an_ensemble_tells_when_its_steps_were_at_work(name: str) -> None:
    first, *_, last = ENSEMBLES[name].ensemble_scheduling.step
    assert first.output_map[PREPROCESS_TIMES] == last.input_map[PREPROCESS_TIMES] == PREPROCESS_TIMES
    assert last.output_map[STAGE_TIMES] == STAGE_TIMES
    kind, dims, _ = tensors(CONFIGS[first.model_name], "output")[PREPROCESS_TIMES]
    assert (kind, dims) == (DataType.TYPE_INT64, (2,))
    for answering in (CONFIGS[last.model_name], ENSEMBLES[name]):
        kind, dims, _ = tensors(answering, "output")[STAGE_TIMES]
        assert (kind, dims) == (DataType.TYPE_INT64, (4,))


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
    assert_counts_are_explicit(CONFIGS[name])


@by_name(NETS)
def test_a_net_says_its_threads_and_batches_where_it_can(name: str) -> None:
    assert_net_says_threads_and_batches(NETS[name])


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
    assert call == set(tensors(PYTHON_MODELS[name], "input")) - {PREPROCESS_TIMES}
    parameters = PYTHON_MODELS[name].parameters
    named = [parameters[key].string_value for key in ("manifests", "optional_manifests") if key in parameters]
    manifests = [net for one in named for net in one.split(",")]
    assert set(manifests) <= set(NETS)
    assert len(inspect.signature(stage).parameters) == len(manifests)


@by_name(PYTHON_MODELS)
def test_an_adapter_is_a_few_lines(name: str) -> None:
    path: Path = REPOSITORY / name / "1" / "model.py"
    assert len(path.read_text().splitlines()) <= 15
