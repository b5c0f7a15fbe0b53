"""The pure parts of the detector's converter, on a small graph with two heads of each kind."""

from math import log, sqrt

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from export.convert import object_detection
from export.convert.coco import COCO_CLASSES
from export.convert.object_detection import (
    AnchorLayer,
    anchor_layers,
    anchors,
    with_boxes,
    with_free_batch,
    without_masks,
)
from vision.tensors import Tensors

LAYERS = (
    AnchorLayer(cells=2, shapes=((0.5, 1.0),)),
    AnchorLayer(cells=1, shapes=((1.0, 1.0), (0.5, 4.0))),
)
UNUSED_IDS = {12, 26, 29, 30, 45, 66, 68, 69, 71, 83}


def test_the_classes_are_cocos_eighty_by_their_own_ids() -> None:
    assert len(COCO_CLASSES) == len(set(COCO_CLASSES.values())) == 80
    assert set(COCO_CLASSES) | UNUSED_IDS == set(range(1, 91))
    assert list(COCO_CLASSES) == sorted(COCO_CLASSES)
    assert (COCO_CLASSES[1], COCO_CLASSES[17], COCO_CLASSES[90]) == ("person", "cat", "toothbrush")


def test_scales_rise_evenly_and_squares_lie_between() -> None:
    first, second, last = anchor_layers((4, 2, 1), min_scale=0.2, max_scale=0.8)
    assert first.shapes == ((0.1, 1.0), (0.2, 2.0), (0.2, 0.5))
    assert second.shapes[:5] == tuple((0.5, ratio) for ratio in (1.0, 2.0, 0.5, 3.0, 0.3333))
    np.testing.assert_allclose(second.shapes[5], [(0.5 * 0.8) ** 0.5, 1.0])
    np.testing.assert_allclose(last.shapes[5], [0.8**0.5, 1.0])
    assert [layer.cells for layer in (first, second, last)] == [4, 2, 1]


def test_the_nets_anchors_are_those_of_opencvs_graph_description() -> None:
    """`PriorBox_0` and `PriorBox_5` of the `.pbtxt` beside the frozen graph, in pixels of 300."""
    boxes = anchors(object_detection.LAYERS) * object_detection.SIZE
    assert boxes.shape == (1917, 4)
    np.testing.assert_allclose(boxes[:3, 2], [30, 42.4264068604, 84.8528137207], atol=1e-4)
    np.testing.assert_allclose(boxes[:3, 3], [30, 84.8528137207, 42.4264068604], atol=1e-4)
    heights = [285, 201.525436401, 403.050872803, 164.544830322, 493.881469727, 292.403839111]
    np.testing.assert_allclose(boxes[-6:, 2], heights, rtol=1e-3)  # it has 0.333 for 0.3333


def test_anchors_go_by_layer_row_column_and_shape() -> None:
    expected = [
        [0.25, 0.25, 0.5, 0.5],
        [0.25, 0.75, 0.5, 0.5],
        [0.75, 0.25, 0.5, 0.5],
        [0.75, 0.75, 0.5, 0.5],
        [0.5, 0.5, 1.0, 1.0],
        [0.5, 0.5, 0.25, 1.0],
    ]
    assert anchors(LAYERS).tolist() == expected
    assert anchors(LAYERS).dtype == np.float32


def test_a_scale_is_the_square_root_of_an_area() -> None:
    shapes = ((0.4, 1.0), (0.4, 2.0), (0.4, 0.5))
    sizes = anchors([AnchorLayer(cells=1, shapes=shapes)])[:, 2:]
    np.testing.assert_allclose(sizes.prod(axis=1), 0.16, rtol=1e-6)
    np.testing.assert_allclose(sizes[1], [0.4 / sqrt(2), 0.4 * sqrt(2)], rtol=1e-6)


def small_graph() -> onnx.ModelProto:
    """Heads whose Reshapes know one picture only, and a node that nobody needs."""
    side = 2
    nodes = [helper.make_node("Transpose", [object_detection._RESIZED], ["planes"], perm=[0, 3, 1, 2])]
    constants = [numpy_helper.from_array(np.zeros(1, np.float32), "nobody's")]
    for cut, columns in ((object_detection._BOX_ENCODINGS, 4), (object_detection._CLASS_LOGITS, 91)):
        weight = np.arange(columns * 3, dtype=np.float32).reshape(columns, 3, 1, 1)
        shape = np.array([1, side * side, 1, columns], dtype=np.int64)
        constants += [
            numpy_helper.from_array(weight, f"weight {columns}"),
            numpy_helper.from_array(shape, f"shape {columns}"),
        ]
        nodes += [
            helper.make_node("Conv", ["planes", f"weight {columns}"], [f"maps {columns}"]),
            helper.make_node("Transpose", [f"maps {columns}"], [f"rows {columns}"], perm=[0, 2, 3, 1]),
            helper.make_node("Reshape", [f"rows {columns}", f"shape {columns}"], [f"head {columns}"]),
            helper.make_node("Concat", [f"head {columns}"], [cut], axis=1),
        ]
    nodes.append(helper.make_node("Relu", ["planes"], ["unread"]))
    graph = helper.make_graph(nodes, "small", [], [], constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


SIDE = 2
ANCHORS = np.array(
    [[0.4, 0.6, 0.2, 0.4], [0.5, 0.5, 1, 1], [0.1, 0.9, 0.3, 0.2], [0.7, 0.2, 0.5, 0.5]], np.float32
)


@pytest.fixture
def converted(monkeypatch: pytest.MonkeyPatch) -> onnx.ModelProto:
    monkeypatch.setattr(object_detection, "SIZE", SIDE)
    return with_boxes(with_free_batch(small_graph()), ANCHORS)


@pytest.fixture
def maskless(converted: onnx.ModelProto) -> onnx.ModelProto:
    return without_masks(converted)


def outputs(model: onnx.ModelProto, pixels: NDArray[np.float32]) -> Tensors:
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, {"pixels": pixels}), strict=True))


def decoded(encodings: NDArray[np.float64]) -> NDArray[np.float64]:
    """The boxes [batch, 4, 1, 4] of `encodings` [batch, 4, 4], as `faster_rcnn_box_coder.py` decodes them."""
    y, x, height, width = ANCHORS.T
    centre_y = encodings[..., 0] / 10 * height + y
    centre_x = encodings[..., 1] / 10 * width + x
    half_height = np.exp(encodings[..., 2] / 5) * height / 2
    half_width = np.exp(encodings[..., 3] / 5) * width / 2
    sides = (centre_y - half_height, centre_x - half_width, centre_y + half_height, centre_x + half_width)
    boxes: NDArray[np.float64] = np.stack(sides, axis=2)[:, :, None]
    return boxes


def test_any_batch_gives_boxes_and_scores_of_every_anchor(converted: onnx.ModelProto) -> None:
    pixels = np.random.default_rng(0).uniform(-0.3, 0.3, (3, SIDE, SIDE, 3)).astype(np.float32)
    found = outputs(converted, pixels)
    encodings = pixels.reshape(3, 4, 3) @ np.arange(12.0).reshape(4, 3).T
    logits = pixels.reshape(3, 4, 3) @ np.arange(273, dtype=np.float32).reshape(91, 3).T
    np.testing.assert_allclose(found["boxes"], decoded(encodings), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found["class_scores"], 0.5 + 0.5 * np.tanh(logits / 2), rtol=1e-4, atol=1e-6)


def test_an_encoding_of_zeros_is_the_anchor(converted: onnx.ModelProto) -> None:
    boxes = outputs(converted, np.zeros((1, SIDE, SIDE, 3), dtype=np.float32))["boxes"]
    np.testing.assert_allclose(boxes[0, 0, 0], [0.3, 0.4, 0.5, 0.8], atol=1e-6)
    assert decoded(np.array([[[5, -2.5, 5 * log(0.5), 5 * log(0.25)]] * 4]))[0, 0, 0] == pytest.approx(
        [0.45, 0.45, 0.55, 0.55]
    )


def declared(tensor: onnx.ValueInfoProto) -> tuple[int, list[str | int]]:
    kind = tensor.type.tensor_type
    return kind.elem_type, [dim.dim_param or dim.dim_value for dim in kind.shape.dim]


def test_inputs_and_outputs_are_declared_with_a_free_batch(converted: onnx.ModelProto) -> None:
    tensors = {tensor.name: declared(tensor) for tensor in (*converted.graph.input, *converted.graph.output)}
    assert tensors == {
        "pixels": (TensorProto.FLOAT, ["batch", SIDE, SIDE, 3]),
        "boxes": (TensorProto.FLOAT, ["batch", 4, 1, 4]),
        "class_scores": (TensorProto.FLOAT, ["batch", 4, 91]),
    }


@pytest.mark.parametrize("batch", [1, 3])
def test_a_net_without_masks_gives_none_of_them(maskless: onnx.ModelProto, batch: int) -> None:
    found = outputs(maskless, np.zeros((batch, SIDE, SIDE, 3), dtype=np.float32))
    assert found["mask_probs"].shape == (batch, 0, 1, 1)
    assert found["boxes"].shape == (batch, 4, 1, 4)


def test_the_runtime_does_not_know_how_many_masks_there_are(maskless: onnx.ModelProto) -> None:
    """It would hold what it knows against a config, which cannot say 0."""
    session = ort.InferenceSession(maskless.SerializeToString(), providers=["CPUExecutionProvider"])
    (masks,) = (output for output in session.get_outputs() if output.name == "mask_probs")
    assert [dim if isinstance(dim, int) else -1 for dim in masks.shape] == [-1, -1, 1, 1]


def test_what_nobody_reads_is_dropped(converted: onnx.ModelProto) -> None:
    assert "Relu" not in {node.op_type for node in converted.graph.node}
    assert {"nobody's", "shape 4", "shape 91"}.isdisjoint(entry.name for entry in converted.graph.initializer)
