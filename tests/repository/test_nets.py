"""Every exported net against its config, its manifest, and what ONNX Runtime 1.19 and TensorRT read.

Those of the `full` profile are exported with random weights for this, which the first time takes minutes.
"""

import hashlib
from collections.abc import Callable
from pathlib import Path

import onnx
import onnxruntime as ort
import pytest

from backends.onnx_config import check_tensors
from embedded.paths import REPOSITORY
from export.exporter import OWN_PROFILE
from tests.full_profile import SeededFull
from tests.repository.checks import REPOSITORIES, config_as_triton_hands_it_over
from vision.manifest import MANIFEST_FILE, NET_VERSION, ONNX_FILE, Profile, load_manifest

MAX_OPSET, MAX_IR = 21, 10
"""What ONNX Runtime 1.19, the one in NVIDIA's 24.10 container, reads."""

NETS = [(profile, name) for profile in Profile for name in REPOSITORIES[profile].nets]
every_net = pytest.mark.parametrize(
    ("profile", "name"), NETS, ids=[f"{profile.value}-{name}" for profile, name in NETS]
)

pytestmark = pytest.mark.timeout(1800)

VersionOf = Callable[[Profile, str], Path]


@pytest.fixture
def version_of(request: pytest.FixtureRequest) -> VersionOf:
    """Returns the version folder of a net."""

    def find(profile: Profile, name: str) -> Path:
        if profile is Profile.FULL:
            full: SeededFull = request.getfixturevalue("seeded_full")
            return full.net(name)
        folder = REPOSITORY / name / NET_VERSION
        assert (folder / ONNX_FILE).is_file(), "run `make export`"
        return folder

    return find


@every_net
def test_the_graph_is_what_its_config_says(profile: Profile, name: str, version_of: VersionOf) -> None:
    session = ort.InferenceSession(version_of(profile, name) / ONNX_FILE, providers=["CPUExecutionProvider"])
    check_tensors(config_as_triton_hands_it_over(name, profile), session.get_inputs(), session.get_outputs())


@every_net
def test_a_graph_of_another_shape_or_type_is_refused(
    profile: Profile, name: str, version_of: VersionOf
) -> None:
    session = ort.InferenceSession(version_of(profile, name) / ONNX_FILE, providers=["CPUExecutionProvider"])
    config = config_as_triton_hands_it_over(name, profile)
    config["output"][0]["data_type"] = "TYPE_FP16"  # type: ignore[index]
    config["input"][0]["dims"] = ["7", "7", "7", "7"]  # type: ignore[index]
    with pytest.raises(ValueError, match=r"input .* in the graph; output .* TYPE_FP16 in the config"):
        check_tensors(config, session.get_inputs(), session.get_outputs())


@every_net
def test_production_reads_the_graph(profile: Profile, name: str, version_of: VersionOf) -> None:
    model = onnx.load(version_of(profile, name) / ONNX_FILE)
    onnx.checker.check_model(model, full_check=True)
    assert model.ir_version <= MAX_IR
    assert {opset.domain: opset.version for opset in model.opset_import}.get("", 0) <= MAX_OPSET
    assert {node.domain for node in model.graph.node} <= {"", "ai.onnx"}


@every_net
def test_uint8_meets_a_cast_or_its_dequantisation_first(
    profile: Profile, name: str, version_of: VersionOf
) -> None:
    """TensorRT takes UINT8 as a network input only, and only into a Cast (or a Q/DQ that it folds)."""
    graph = onnx.load(version_of(profile, name) / ONNX_FILE).graph
    uint8 = onnx.TensorProto.UINT8
    inputs = {tensor.name for tensor in graph.input if tensor.type.tensor_type.elem_type == uint8}
    readers = {node.op_type for node in graph.node if inputs & set(node.input)}
    assert readers <= {"Cast", "DequantizeLinear"}


@every_net
def test_the_manifest_is_the_nets(profile: Profile, name: str, version_of: VersionOf) -> None:
    manifest = load_manifest(version_of(profile, name) / MANIFEST_FILE)
    assert manifest.net == name
    assert manifest.profile in {profile.value, OWN_PROFILE}
    assert (
        manifest.onnx_sha256
        == hashlib.sha256((version_of(profile, name) / ONNX_FILE).read_bytes()).hexdigest()
    )
    assert len(set(manifest.labels)) == len(manifest.labels)
    assert manifest.sources
    assert all(source.licence for source in manifest.sources)
