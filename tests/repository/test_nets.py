"""Every exported net against its config, its manifest, and what ONNX Runtime 1.19 and TensorRT read.

Those of the `full` profile are exported with random weights for this, which the first time takes minutes.
"""

import hashlib
from functools import cached_property
from pathlib import Path

import onnx
import onnxruntime as ort
import pytest

from backends.onnx_config import check_tensors
from embedded.paths import REPOSITORY
from tests.full_profile import SeededFull
from tests.repository.checks import REPOSITORIES, config_as_triton_hands_it_over
from vision.manifest import MANIFEST_FILE, NET_VERSION, ONNX_FILE, OWN_PROFILE, Profile, load_manifest

MAX_OPSET, MAX_IR = 21, 10
"""What ONNX Runtime 1.19, the one in NVIDIA's 24.10 container, reads."""

pytestmark = pytest.mark.timeout(1800)


class Net:
    """An exported net, whose graph is read once."""

    def __init__(self, profile: Profile, name: str, folder: Path) -> None:
        self.profile, self.name, self.folder = profile, name, folder
        self.file = folder / ONNX_FILE

    @cached_property
    def model(self) -> onnx.ModelProto:
        return onnx.load(self.file)

    @cached_property
    def session(self) -> ort.InferenceSession:
        return ort.InferenceSession(self.file, providers=["CPUExecutionProvider"])

    @property
    def config(self) -> dict[str, object]:
        return config_as_triton_hands_it_over(self.name, self.profile)


@pytest.fixture(scope="module", params=REPOSITORIES[Profile.LITE].nets)
def lite_net(request: pytest.FixtureRequest) -> Net:
    folder = REPOSITORY / request.param / NET_VERSION
    assert (folder / ONNX_FILE).is_file(), "run `make export`"
    return Net(Profile.LITE, request.param, folder)


@pytest.fixture(scope="module", params=REPOSITORIES[Profile.FULL].nets)
def full_net(request: pytest.FixtureRequest, seeded_full: SeededFull) -> Net:
    return Net(Profile.FULL, request.param, seeded_full.net(request.param))


class OfEveryNet:
    """What holds for the nets of both profiles."""

    def test_the_graph_is_what_its_config_says(self, net: Net) -> None:
        check_tensors(net.config, net.session.get_inputs(), net.session.get_outputs())

    def test_a_graph_of_another_shape_or_type_is_refused(self, net: Net) -> None:
        config = net.config
        config["output"][0]["data_type"] = "TYPE_FP16"  # type: ignore[index]
        config["input"][0]["dims"] = ["7", "7", "7", "7"]  # type: ignore[index]
        with pytest.raises(ValueError, match=r"input .* in the graph; output .* TYPE_FP16 in the config"):
            check_tensors(config, net.session.get_inputs(), net.session.get_outputs())

    def test_production_reads_the_graph(self, net: Net) -> None:
        onnx.checker.check_model(net.model, full_check=True)
        assert net.model.ir_version <= MAX_IR
        assert {opset.domain: opset.version for opset in net.model.opset_import}.get("", 0) <= MAX_OPSET
        assert {node.domain for node in net.model.graph.node} <= {"", "ai.onnx"}

    def test_uint8_meets_a_cast_or_its_dequantisation_first(self, net: Net) -> None:
        """TensorRT takes UINT8 as a network input only, and only into a Cast (or a Q/DQ that it folds)."""
        graph, uint8 = net.model.graph, onnx.TensorProto.UINT8
        inputs = {tensor.name for tensor in graph.input if tensor.type.tensor_type.elem_type == uint8}
        readers = {node.op_type for node in graph.node if inputs & set(node.input)}
        assert readers <= {"Cast", "DequantizeLinear"}

    def test_the_manifest_is_the_nets(self, net: Net) -> None:
        manifest = load_manifest(net.folder / MANIFEST_FILE)
        assert manifest.net == net.name
        assert manifest.profile in {net.profile.value, OWN_PROFILE}
        assert manifest.onnx_sha256 == hashlib.sha256(net.file.read_bytes()).hexdigest()
        assert len(set(manifest.labels)) == len(manifest.labels)
        assert manifest.sources
        assert all(source.licence for source in manifest.sources)


class TestLite(OfEveryNet):
    """The nets that `make export` puts in place."""

    @pytest.fixture
    def net(self, lite_net: Net) -> Net:
        return lite_net


class TestFull(OfEveryNet):
    """Nets of random weights."""

    @pytest.fixture
    def net(self, full_net: Net) -> Net:
        return full_net
