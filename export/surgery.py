"""What converters do to graphs, whatever the net. Runs in the conversion environment."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from export.checks import NEWEST_IR

TFLITE_OPSET = 17

_WIDENING = ("Cast", "DequantizeLinear")
"""What makes floats of stored weights."""

_AMPLE = 1_000_000
"""More than any output has along an axis."""


def from_tflite(path: Path) -> onnx.ModelProto:
    """Return the graph of a TensorFlow Lite file, as tf2onnx translates it."""
    import tf2onnx.convert  # noqa: PLC0415 - brings TensorFlow, which tests of converters do without

    model, _ = tf2onnx.convert.from_tflite(str(path), opset=TFLITE_OPSET)
    assert isinstance(model, onnx.ModelProto)
    return model


def from_trained(path: Path) -> onnx.ModelProto:
    """Return the graph of a net of our own, its weights widened from the float16 or bytes of the file."""
    model = onnx.load(path)
    constants = {constant.name: constant for constant in model.graph.initializer}
    kept = []
    for node in model.graph.node:
        if node.op_type in _WIDENING and node.input[0] in constants:
            wide = _widened(node, constants)
            constants[node.input[0]].CopyFrom(numpy_helper.from_array(wide, node.output[0]))
        else:
            kept.append(node)
    set_nodes(model, kept)
    return finished(model)


def _widened(node: onnx.NodeProto, constants: Mapping[str, onnx.TensorProto]) -> NDArray[np.float32]:
    """Return what a node of `_WIDENING` makes of its constants; bytes have a scale for each of their rows."""
    values, *scales = (numpy_helper.to_array(constants[name]) for name in node.input)
    wide: NDArray[np.float32] = values.astype(np.float32)
    for scale in scales:
        wide *= scale.reshape(-1, *[1] * (wide.ndim - 1))
    return wide


def only(model: onnx.ModelProto, operator: str) -> tuple[int, onnx.NodeProto]:
    """Return the position of the only node of this operator, and the node."""
    ((position, node),) = (
        (position, node) for position, node in enumerate(model.graph.node) if node.op_type == operator
    )
    return position, node


def set_nodes(model: onnx.ModelProto, nodes: Sequence[onnx.NodeProto]) -> None:
    """Replace all nodes."""
    nodes = list(nodes)
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def set_input(model: onnx.ModelProto, name: str, kind: int, shape: Sequence[int | str]) -> None:
    """Replace the declared inputs by one; the nodes that read it are the caller's affair."""
    del model.graph.input[:]
    model.graph.input.append(helper.make_tensor_value_info(name, kind, shape))


def set_outputs(model: onnx.ModelProto, **outputs: tuple[int, list[int | str]]) -> None:
    """Replace the declared outputs; the nodes that write them are the caller's affair."""
    del model.graph.output[:]
    model.graph.output.extend(
        helper.make_tensor_value_info(name, kind, shape) for name, (kind, shape) in outputs.items()
    )


def rename_output(model: onnx.ModelProto, name: str) -> str:
    """Give the tensor behind the graph's only output a name of ours, and return that name."""
    (old,) = model.graph.output
    for node in model.graph.node:
        node.output[:] = [name if output == old.name else output for output in node.output]
        node.input[:] = [name if entry == old.name else entry for entry in node.input]
    return name


def finished(model: onnx.ModelProto) -> onnx.ModelProto:
    """Drop what only the source needed, and check the graph."""
    _drop_identities(model)
    drop_unused_constants(model)
    del model.graph.value_info[:]  # shapes under the source's own names for dimensions
    del model.metadata_props[:]
    model.ir_version = min(model.ir_version, NEWEST_IR)
    onnx.checker.check_model(model, full_check=True)
    return model


def _drop_identities(model: onnx.ModelProto) -> None:
    """Join what Identity nodes keep apart, except where they give an output its name."""
    outputs = {output.name for output in model.graph.output}
    source: dict[str, str] = {}
    kept = []
    for node in model.graph.node:
        node.input[:] = [source.get(name, name) for name in node.input]
        if node.op_type == "Identity" and node.output[0] not in outputs:
            source[node.output[0]] = node.input[0]
        else:
            kept.append(node)
    set_nodes(model, kept)


def drop_unused_constants(model: onnx.ModelProto) -> None:
    """Drop the constants that no node reads."""
    used = {name for node in model.graph.node for name in node.input}
    kept = [constant for constant in model.graph.initializer if constant.name in used]
    del model.graph.initializer[:]
    model.graph.initializer.extend(kept)


def opened(model: onnx.ModelProto) -> onnx.ModelProto:
    """Let pictures have any sides, and the only output any dimensions beside its batch; the graph is changed.

    One `config.pbtxt` then serves nets of any size, which each net's manifest says. For the output it is not
    enough to declare it: the runtime infers dimensions and holds them against the config. Here each is cut to
    no less than it has, at a number that follows from the picture's height, which the runtime cannot know.
    """
    (entry,), (output,) = model.graph.input, model.graph.output
    cast = next(node for node in model.graph.node if entry.name in node.input)
    axes = list(range(1, len(output.type.tensor_type.shape.dim)))
    for node in model.graph.node:
        node.input[:] = ["uncut" if name == output.name else name for name in node.input]
        node.output[:] = ["uncut" if name == output.name else name for name in node.output]
    constants = {
        "none": [0] * len(axes),
        "ample_a_row": [_AMPLE] * len(axes),
        "cut_axes": axes,
        "height": [1],
    }
    model.graph.initializer.extend(
        numpy_helper.from_array(np.array(value, dtype=np.int64), name) for name, value in constants.items()
    )
    model.graph.node.extend(
        [
            helper.make_node("Shape", [cast.output[0]], ["picture_shape"]),
            helper.make_node("Gather", ["picture_shape", "height"], ["rows_of_picture"]),
            helper.make_node("Mul", ["rows_of_picture", "ample_a_row"], ["ample"]),
            helper.make_node("Slice", ["uncut", "none", "ample", "cut_axes"], [output.name]),
        ]
    )
    for tensor, open_axes in ((entry, (1, 2)), (output, axes)):
        for axis in open_axes:
            tensor.type.tensor_type.shape.dim[axis].dim_param = f"{tensor.name}_{axis}"
    return model
