"""The pure parts of the detector's converter, on a small graph with two heads of each kind."""

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper, numpy_helper

from export.convert import object_detection
from export.convert.coco import COCO_CLASSES
from export.convert.object_detection import anchor_layers
from vision.object_detection import anchors

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
    boxes = anchors(object_detection._SETTINGS.layers) * object_detection.SIZE
    assert boxes.shape == (object_detection.ANCHORS, 4)
    np.testing.assert_allclose(boxes[:3, 2], [30, 42.4264068604, 84.8528137207], atol=1e-4)
    np.testing.assert_allclose(boxes[:3, 3], [30, 84.8528137207, 42.4264068604], atol=1e-4)
    heights = [285, 201.525436401, 403.050872803, 164.544830322, 493.881469727, 292.403839111]
    np.testing.assert_allclose(boxes[-6:, 2], heights, rtol=1e-3)  # it has 0.333 for 0.3333


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


@pytest.fixture
def converted(monkeypatch: pytest.MonkeyPatch) -> onnx.ModelProto:
    monkeypatch.setattr(object_detection, "SIZE", 2)
    monkeypatch.setattr(object_detection, "ANCHORS", 4)
    return object_detection.with_free_batch(small_graph())


def test_any_batch_gives_rows_of_anchors(converted: onnx.ModelProto) -> None:
    pixels = np.random.default_rng(0).random((3, 2, 2, 3), np.float32)
    session = ort.InferenceSession(converted.SerializeToString(), providers=["CPUExecutionProvider"])
    encodings, logits = session.run(["box_encodings", "class_logits"], {"pixels": pixels})
    weight = np.arange(12, dtype=np.float32).reshape(4, 3)
    np.testing.assert_allclose(encodings, pixels.reshape(3, 4, 3) @ weight.T, rtol=1e-5)
    assert logits.shape == (3, 4, 91)


def test_inputs_and_outputs_are_declared_with_a_free_batch(converted: onnx.ModelProto) -> None:
    def declared(tensor: onnx.ValueInfoProto) -> tuple[int, list[str | int]]:
        kind = tensor.type.tensor_type
        return kind.elem_type, [dim.dim_param or dim.dim_value for dim in kind.shape.dim]

    tensors = {tensor.name: declared(tensor) for tensor in (*converted.graph.input, *converted.graph.output)}
    assert tensors == {
        "pixels": (TensorProto.FLOAT, ["batch", 2, 2, 3]),
        "box_encodings": (TensorProto.FLOAT, ["batch", 4, 4]),
        "class_logits": (TensorProto.FLOAT, ["batch", 4, 91]),
    }


def test_what_nobody_reads_is_dropped(converted: onnx.ModelProto) -> None:
    assert "Relu" not in {node.op_type for node in converted.graph.node}
    assert {"nobody's", "shape 4", "shape 91"}.isdisjoint(entry.name for entry in converted.graph.initializer)
