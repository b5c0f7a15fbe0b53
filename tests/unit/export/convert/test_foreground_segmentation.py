"""The surgery on MediaPipe's graph, on a small one of the same form."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from export.checks import check_graph
from export.convert import foreground_segmentation as converter
from export.convert.foreground_segmentation import SIZE, TFLITE_FILE, foreground_segmentation
from vision.foreground_segmentation import ForegroundSettings

CHANNELS = 3
RANDOM = np.random.default_rng(0)
KERNEL = RANDOM.normal(0, 3, (1, 2, 2, CHANNELS)).astype(np.float32)
BIAS = np.array([0.25], dtype=np.float32)


def small_net() -> onnx.ModelProto:
    """A net in the form that tf2onnx gives: fixed batch, a Reshape, a layer that ONNX does not know."""
    constants: dict[str, NDArray[Any]] = {
        "shape": np.array([1, CHANNELS, 1, 1], np.int64),
        "kernel": KERNEL,
        "bias": BIAS,
        "unused": np.array(0, np.float32),
    }
    nodes = [
        helper.make_node("Transpose", ["input_1"], ["planes"], perm=[0, 3, 1, 2]),
        helper.make_node("AveragePool", ["planes"], ["small"], kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("GlobalAveragePool", ["planes"], ["means"]),
        helper.make_node("Reshape", ["means", "shape"], ["weights"]),
        helper.make_node("Mul", ["small", "weights"], ["weighted"]),
        helper.make_node("Transpose", ["weighted"], ["last"], perm=[0, 2, 3, 1]),
        helper.make_node("TFL_Convolution2DTransposeBias", ["last", "kernel", "bias"], ["segment"]),
        helper.make_node("Sigmoid", ["segment"], ["activation_10"]),
    ]
    graph = helper.make_graph(
        nodes,
        "tf2onnx",
        [helper.make_tensor_value_info("input_1", TensorProto.FLOAT, [1, SIZE, SIZE, 3])],
        [helper.make_tensor_value_info("activation_10", TensorProto.FLOAT, [1, SIZE, SIZE, 1])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def by_definition(source: Path, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
    """What the small net computes; every pixel of its last layer becomes a block of two by two."""
    floats = pictures.astype(np.float32) / 255
    rows, height, width, channels = floats.shape
    small = floats.reshape(rows, height // 2, 2, width // 2, 2, channels).mean(axis=(2, 4))
    weighted = small * floats.mean(axis=(1, 2), keepdims=True)
    blocks = np.einsum("nyxc,oijc->nyixj", weighted, KERNEL) + BIAS
    result: NDArray[np.float32] = 1 / (1 + np.exp(-blocks.reshape(rows, height, width)))
    return result


@pytest.fixture
def sources(monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    monkeypatch.setattr(converter, "from_tflite", lambda path: small_net())
    monkeypatch.setattr(converter, "_interpreted", by_definition)
    return {TFLITE_FILE: Path(TFLITE_FILE)}


def test_the_last_layer_is_a_transposed_convolution_and_any_batch_is_taken(sources: dict[str, Path]) -> None:
    conversion = foreground_segmentation(sources)
    check_graph(conversion.model)
    session = ort.InferenceSession(conversion.model.SerializeToString())
    (pixels,), (alpha,) = session.get_inputs(), session.get_outputs()
    assert (pixels.name, pixels.type, pixels.shape) == ("pixels", "tensor(uint8)", ["batch", SIZE, SIZE, 3])
    assert (alpha.name, alpha.type, alpha.shape) == ("alpha", "tensor(float)", ["batch", SIZE, SIZE])
    pictures = np.random.default_rng(1).integers(0, 256, (3, SIZE, SIZE, 3), np.uint8)
    (values,) = session.run(None, {"pixels": pictures})
    np.testing.assert_allclose(values, by_definition(Path(), pictures), atol=1e-5)
    assert conversion.settings == ForegroundSettings(size=SIZE, threshold=0.5)


def test_bytes_meet_a_cast_first_and_unused_constants_are_gone(sources: dict[str, Path]) -> None:
    graph = foreground_segmentation(sources).model.graph
    assert graph.node[0].op_type == "Cast"
    assert "unused" not in {constant.name for constant in graph.initializer}


def test_a_kernel_of_another_form_is_refused(
    sources: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    net = small_net()
    net.graph.initializer[1].CopyFrom(numpy_helper.from_array(KERNEL.repeat(2, axis=1), "kernel"))
    monkeypatch.setattr(converter, "from_tflite", lambda path: net)
    with pytest.raises(AssertionError):
        foreground_segmentation(sources)


def test_a_graph_that_computes_something_else_is_refused(
    sources: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        converter, "_interpreted", lambda source, pictures: 1 - by_definition(source, pictures)
    )
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        foreground_segmentation(sources)
