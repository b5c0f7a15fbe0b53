"""MediaPipe's selfie segmentation (MobileNetV3, float, TensorFlow Lite) to a net that takes any batch.

Source: mediapipe 0.10.21. The net reads RGB pictures of 256 x 256 with values from 0 to 1.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from export.checks import coloured_squares
from export.conversion import Conversion
from export.surgery import finished, from_tflite, only, rename_output, set_input, set_nodes, set_outputs
from vision.foreground_segmentation import ForegroundSettings

TFLITE_FILE = "selfie_segmentation.tflite"

SIZE = 256

_THRESHOLD = 0.5  # the net gives probabilities; MediaPipe leaves the choice to its callers
_SQUARE = 16  # in some pictures of such squares the net sees people
_ENLARGEMENT = 2  # of the last layer: its kernel and its stride
_TOLERANCE = 2e-3  # the order of float sums matters to this net: two builds of TensorFlow Lite differ by 5e-4


def foreground_segmentation(sources: Mapping[str, Path]) -> Conversion:
    """`pixels` uint8 RGB [batch, 256, 256, 3] to `alpha` float32 [batch, 256, 256].

    `alpha` is the probability that a pixel belongs to a person.
    """
    source = sources[TFLITE_FILE]
    model = from_tflite(source)
    _use_plain_convolution(model)
    _free_batch(model)
    _read_bytes(model)
    rename_output(model, "alpha")
    set_outputs(model, alpha=(TensorProto.FLOAT, ["batch", SIZE, SIZE]))
    finished(model)
    _assert_same(source, model)
    return Conversion(model, ForegroundSettings(size=SIZE, threshold=_THRESHOLD))


def _use_plain_convolution(model: onnx.ModelProto) -> None:
    """Replace MediaPipe's own last layer, which tf2onnx does not know, by the standard operator.

    It reads [1, h, w, channels] and writes [1, 2h, 2w, 1]. Its kernel is as wide as its stride, so that no
    padding is in question. The channel axis, of one, is dropped here.
    """
    position, layer = only(model, "TFL_Convolution2DTransposeBias")
    _, weights, bias = layer.input
    _transpose_weights(model, weights)
    nodes = [
        helper.make_node("Transpose", [layer.input[0]], ["last_planes"], perm=[0, 3, 1, 2]),
        helper.make_node(
            "ConvTranspose", ["last_planes", weights, bias], ["large_plane"], strides=[_ENLARGEMENT] * 2
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


def _read_bytes(model: onnx.ModelProto) -> None:
    """Replace the graph's only input, float32 in [0, 1], by uint8 `pixels`."""
    (old,) = model.graph.input
    model.graph.initializer.append(
        numpy_helper.from_array(np.array(1 / 255, dtype=np.float32), "pixel_scale")
    )
    nodes = [
        helper.make_node("Cast", ["pixels"], ["pixels_float"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["pixels_float", "pixel_scale"], [old.name]),
    ]
    set_nodes(model, [*nodes, *model.graph.node])
    set_input(model, "pixels", TensorProto.UINT8, ["batch", SIZE, SIZE, 3])


def _assert_same(source: Path, model: onnx.ModelProto) -> None:
    """A batch through `model` gives the maps that the source gives one by one."""
    pictures = coloured_squares(4, SIZE, _SQUARE)
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    (together,) = session.run(["alpha"], {"pixels": pictures})
    np.testing.assert_allclose(together, _interpreted(source, pictures), atol=_TOLERANCE, rtol=0)


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
