"""Every exported net against its config, its manifest, and what ONNX Runtime 1.19 and TensorRT read."""

import hashlib
import json
from pathlib import Path

import onnx
import onnxruntime as ort
import pytest
from google.protobuf import json_format

from backends.onnx_config import check_tensors
from embedded.paths import REPOSITORY
from tests.repository.test_configs import NETS, by_name
from vision.manifest import NET_VERSION, ONNX_FILE, load_manifest, manifest_path

MAX_OPSET, MAX_IR = 21, 10
"""What ONNX Runtime 1.19, the one in NVIDIA's 24.10 container, reads."""


def onnx_path(name: str) -> Path:
    path = REPOSITORY / name / NET_VERSION / ONNX_FILE
    assert path.is_file(), "run `make export`"
    return path


def config_as_triton_hands_it_over(name: str) -> dict[str, object]:
    text = json_format.MessageToJson(
        NETS[name], preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )
    config: dict[str, object] = json.loads(text)
    return config


@by_name(NETS)
def test_the_graph_is_what_its_config_says(name: str) -> None:
    session = ort.InferenceSession(onnx_path(name), providers=["CPUExecutionProvider"])
    check_tensors(config_as_triton_hands_it_over(name), session.get_inputs(), session.get_outputs())


@by_name(NETS)
def test_a_graph_of_another_shape_or_type_is_refused(name: str) -> None:
    session = ort.InferenceSession(onnx_path(name), providers=["CPUExecutionProvider"])
    config = config_as_triton_hands_it_over(name)
    config["output"][0]["data_type"] = "TYPE_FP16"  # type: ignore[index]
    config["input"][0]["dims"] = ["7", "7", "7", "7"]  # type: ignore[index]
    with pytest.raises(ValueError, match=r"input .* in the graph; output .* TYPE_FP16 in the config"):
        check_tensors(config, session.get_inputs(), session.get_outputs())


@by_name(NETS)
def test_production_reads_the_graph(name: str) -> None:
    model = onnx.load(onnx_path(name))
    onnx.checker.check_model(model, full_check=True)
    assert model.ir_version <= MAX_IR
    assert {opset.domain: opset.version for opset in model.opset_import}.get("", 0) <= MAX_OPSET
    assert {node.domain for node in model.graph.node} <= {"", "ai.onnx"}


@by_name(NETS)
def test_uint8_meets_a_cast_or_its_dequantisation_first(name: str) -> None:
    """TensorRT takes UINT8 as a network input only, and only into a Cast (or a Q/DQ that it folds)."""
    graph = onnx.load(onnx_path(name)).graph
    uint8 = onnx.TensorProto.UINT8
    inputs = {tensor.name for tensor in graph.input if tensor.type.tensor_type.elem_type == uint8}
    readers = {node.op_type for node in graph.node if inputs & set(node.input)}
    assert readers <= {"Cast", "DequantizeLinear"}


@by_name(NETS)
def test_the_manifest_is_the_nets(name: str) -> None:
    manifest = load_manifest(manifest_path(REPOSITORY, name))
    assert manifest.net == name
    assert manifest.onnx_sha256 == hashlib.sha256(onnx_path(name).read_bytes()).hexdigest()
    assert len(set(manifest.labels)) == len(manifest.labels)
    assert manifest.sources
    assert all(source.licence for source in manifest.sources)
