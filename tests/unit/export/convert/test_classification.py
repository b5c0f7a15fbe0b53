from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from export.checks import check_graph
from export.convert import classification
from export.convert.classification import (
    BASE,
    CLASSES,
    LABELS_FILE,
    SETTINGS,
    TFLITE_FILE,
    base,
    image_classification,
    short_labels,
)
from vision.classification import ClassificationSettings

LINES = [f"name {index}, Genus {index}" for index in range(CLASSES)]


def test_labels_are_first_terms() -> None:
    labels = short_labels(LINES)
    assert labels[0] == "name 0"
    assert labels[CLASSES - 1] == f"name {CLASSES - 1}"


def test_a_shared_first_term_takes_the_whole_line() -> None:
    lines = LINES.copy()
    lines[638], lines[639] = "maillot", "maillot, tank suit"
    assert short_labels(lines)[637:640] == ("name 637", "maillot", "maillot, tank suit")


def test_the_two_cranes() -> None:
    lines = LINES.copy()
    lines[134] = lines[517] = "crane"
    labels = short_labels(lines)
    assert (labels[134], labels[517]) == ("crane (bird)", "crane (machine)")


def test_other_equal_lines_are_refused() -> None:
    lines = LINES.copy()
    lines[1] = lines[0]
    with pytest.raises(AssertionError):
        short_labels(lines)


@given(st.lists(st.sampled_from("abcdefg"), min_size=CLASSES, max_size=CLASSES))
@settings(suppress_health_check=[HealthCheck.too_slow])  # a thousand draws, on a busy machine
def test_labels_are_unique_however_first_terms_repeat(terms: list[str]) -> None:
    labels = short_labels([f"{term}, {index}" for index, term in enumerate(terms)])
    assert len(set(labels)) == CLASSES


def small_net() -> onnx.ModelProto:
    """A net in the form that tf2onnx gives: fixed batch, one Reshape, a Softmax that is rounded to uint8."""
    random = np.random.default_rng(0)
    constants: dict[str, NDArray[Any]] = {
        "scale": np.array(1 / 255, np.float32),
        "zero": np.array(0, np.uint8),
        "shape": np.array([1, 3], np.int64),
        "weights": random.normal(0, 9, (3, CLASSES)).astype(np.float32),
        "step": np.array(1 / 256, np.float32),
        "unused": np.array(0, np.float32),
    }
    nodes = [
        helper.make_node("DequantizeLinear", ["images", "scale", "zero"], ["floats"], doc_string="text"),
        helper.make_node("Transpose", ["floats"], ["planes"], perm=[0, 3, 1, 2]),
        helper.make_node("GlobalAveragePool", ["planes"], ["means"]),
        helper.make_node("Reshape", ["means", "shape"], ["features"]),
        helper.make_node("MatMul", ["features", "weights"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["softmax"]),
        helper.make_node("QuantizeLinear", ["softmax", "step", "zero"], ["rounded"]),
    ]
    graph = helper.make_graph(
        nodes,
        "tf2onnx",
        [helper.make_tensor_value_info("images", TensorProto.UINT8, [1, 280, 280, 3])],
        [helper.make_tensor_value_info("rounded", TensorProto.UINT8, [1, CLASSES])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    monkeypatch.setattr(classification, "from_tflite", lambda path: small_net())
    labels = tmp_path / LABELS_FILE
    labels.write_text("\n".join(LINES))
    return {TFLITE_FILE: tmp_path / TFLITE_FILE, LABELS_FILE: labels}


def test_the_net_takes_any_batch_and_gives_probabilities(sources: dict[str, Path]) -> None:
    conversion = base(sources)
    check_graph(conversion.model)
    session = ort.InferenceSession(conversion.model.SerializeToString())
    (pixels,), (probs,) = session.get_inputs(), session.get_outputs()
    assert (pixels.name, pixels.type, pixels.shape) == ("pixels", "tensor(uint8)", ["batch", 280, 280, 3])
    assert (probs.name, probs.type, probs.shape) == ("probs", "tensor(float)", ["batch", CLASSES])
    pictures = np.random.default_rng(1).integers(0, 256, (3, 280, 280, 3), np.uint8)
    (values,) = session.run(None, {"pixels": pictures})
    np.testing.assert_allclose(values.sum(axis=1), 1, atol=1e-5)
    assert conversion.settings == ClassificationSettings(size=280, central_fraction=0.875)


def test_the_classifier_is_the_base_with_labels(sources: dict[str, Path], tmp_path: Path) -> None:
    graph = base(sources).model.SerializeToString()
    (tmp_path / "base.onnx").write_bytes(graph)
    conversion = image_classification(sources | {BASE: tmp_path / "base.onnx"})
    assert conversion.model.SerializeToString() == graph
    assert conversion.labels == short_labels(LINES)
    assert conversion.settings == SETTINGS


def test_names_are_short_and_texts_are_gone(sources: dict[str, Path]) -> None:
    graph = base(sources).model.graph
    assert graph.node[0].name == "DequantizeLinear_0"
    assert not any(node.doc_string for node in graph.node)
    assert len(graph.initializer) == 4
    assert not graph.value_info


def test_a_graph_that_computes_something_else_is_refused(
    sources: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(classification, "_free_batch", _spoil)
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        base(sources)


def _spoil(model: onnx.ModelProto) -> None:
    shape, weights = model.graph.initializer[2], model.graph.initializer[3]
    shape.CopyFrom(numpy_helper.from_array(np.array([-1, 3], np.int64), shape.name))
    weights.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(weights) * 2, weights.name))
