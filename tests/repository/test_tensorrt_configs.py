"""Every net's `configs/tensorrt.pbtxt`: made from its `config.pbtxt`, and what a GPU needs."""

import pytest
from tritonclient.grpc.model_config_pb2 import ModelConfig, ModelInstanceGroup

from embedded.paths import ROOT
from export.tensorrt.configs import (
    CONFIG_FILE,
    CONFIG_NAME,
    ON_ONNXRUNTIME,
    config_path,
    net_folders,
    read_config,
    tensorrt_config,
)
from vision.manifest import Profile

NETS = [(profile, folder.name) for profile in Profile for folder in net_folders(ROOT / profile.repository)]
by_net = pytest.mark.parametrize(("profile", "net"), NETS)


def both(profile: Profile, net: str) -> tuple[ModelConfig, ModelConfig]:
    folder = ROOT / profile.repository / net
    return read_config(folder / CONFIG_FILE), read_config(config_path(folder, CONFIG_NAME))


def test_there_are_nets() -> None:
    assert {net for profile, net in NETS if profile is Profile.LITE}


@by_net
def test_it_is_what_the_generator_makes_of_the_other(profile: Profile, net: str) -> None:
    path = config_path(ROOT / profile.repository / net, CONFIG_NAME)
    assert path.is_file(), "run `python -m export.tensorrt configs`"
    config = read_config(ROOT / profile.repository / net / CONFIG_FILE)
    assert path.read_text() == tensorrt_config(config, profile), "run `python -m export.tensorrt configs`"


@by_net
def test_ensembles_cannot_tell_them_apart(profile: Profile, net: str) -> None:
    ours, theirs = both(profile, net)
    assert theirs.name == ours.name == net
    assert list(theirs.input) == list(ours.input)
    assert list(theirs.output) == list(ours.output)
    assert theirs.max_batch_size == ours.max_batch_size > 0
    assert theirs.HasField("dynamic_batching")


@by_net
def test_it_runs_on_a_gpu_and_says_how(profile: Profile, net: str) -> None:
    _, config = both(profile, net)
    refused = net in ON_ONNXRUNTIME[profile]
    assert config.backend == ("onnxruntime" if refused else "tensorrt")
    (group,) = config.instance_group
    assert group.kind == ModelInstanceGroup.KIND_GPU
    assert group.count == 1
    assert not config.parameters, "threads of a CPU"
    for sample in config.model_warmup:
        assert 1 <= sample.batch_size <= config.max_batch_size
        assert set(sample.inputs) == {entry.name for entry in config.input}
        for entry in config.input:
            assert list(sample.inputs[entry.name].dims) == list(entry.dims)
            assert sample.inputs[entry.name].data_type == entry.data_type
    fixed = all(dim > 0 for entry in config.input for dim in entry.dims)
    assert bool(config.model_warmup) == fixed


@by_net
def test_why_a_net_is_not_tensorrts_stands_in_its_config(profile: Profile, net: str) -> None:
    text = config_path(ROOT / profile.repository / net, CONFIG_NAME).read_text()
    reason = ON_ONNXRUNTIME[profile].get(net)
    assert ("ONNX Runtime runs it" in text) == (reason is not None)
    assert reason is None or reason in text
