"""What holds for every model repository, of whichever profile."""

import json
from pathlib import Path
from typing import NamedTuple

from google.protobuf import json_format, text_format
from tritonclient.grpc.model_config_pb2 import ModelConfig

from embedded.paths import ROOT
from vision.manifest import Profile

Configs = dict[str, ModelConfig]
Shape = tuple[int, ...]
Signature = tuple[int, Shape, Shape]
"""Data type; dims as configured; dims with the batch, where the model has one."""


class Repository(NamedTuple):
    """The configs of a repository, all and by kind."""

    path: Path
    configs: Configs
    ensembles: Configs
    python_models: Configs
    nets: Configs


def read_repository(profile: Profile) -> Repository:
    path = ROOT / profile.repository
    configs = {
        file.parent.name: text_format.Parse(file.read_text(), ModelConfig())
        for file in sorted(path.glob("*/config.pbtxt"))
    }
    return Repository(
        path,
        configs,
        {name: config for name, config in configs.items() if config.platform == "ensemble"},
        {name: config for name, config in configs.items() if config.backend == "python"},
        {name: config for name, config in configs.items() if config.backend == "onnxruntime"},
    )


REPOSITORIES = {profile: read_repository(profile) for profile in Profile}


def tensors(config: ModelConfig, side: str) -> dict[str, Signature]:
    batch = (-1,) if config.max_batch_size > 0 else ()
    return {
        entry.name: (entry.data_type, tuple(entry.dims), batch + tuple(entry.dims))
        for entry in getattr(config, side)
    }


def assert_steps_fit(ensemble: ModelConfig, configs: Configs) -> None:
    """Every step is given what it takes, every tensor is made once, and the answer is what is promised."""
    known = tensors(ensemble, "input")
    for step in ensemble.ensemble_scheduling.step:
        model = configs[step.model_name]
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


def assert_counts_are_explicit(config: ModelConfig) -> None:
    """Triton's default is two processes for a net, one for a Python model: each a surprise somewhere."""
    assert config.instance_group
    assert all(group.count > 0 for group in config.instance_group)


def assert_net_says_threads_and_batches(config: ModelConfig) -> None:
    assert int(config.parameters["intra_op_thread_count"].string_value) >= 1
    assert config.HasField("dynamic_batching") == (config.max_batch_size > 0)
    if config.HasField("dynamic_batching"):
        # Joined requests are slower on CPU cores, and ONNX Runtime keeps the largest batch's memory.
        of_one_request = 2 if config.name == "image_similarity_net" else 1
        assert list(config.dynamic_batching.preferred_batch_size) == [of_one_request]


def config_as_triton_hands_it_over(name: str, profile: Profile = Profile.LITE) -> dict[str, object]:
    text = json_format.MessageToJson(
        REPOSITORIES[profile].nets[name],
        preserving_proto_field_name=True,
        always_print_fields_with_no_presence=True,
    )
    handed: dict[str, object] = json.loads(text)
    return handed
