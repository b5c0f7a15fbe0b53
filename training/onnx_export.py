"""A trained module as the graph that is committed: small, self-contained, and equal to the module."""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

OPSET = 17
SMALLEST_HALVED = 256
"""Constants of fewer elements (shapes, scales, biases of small layers) stay as they are."""
LARGEST_FILE = 16_500_000
SMALLEST_IN_BYTES = 100_000
"""Weights of as many elements are stored as bytes where a file would be larger than that otherwise."""
TOLERANCE = 1e-2
"""Largest difference between the graph with halved weights and the module, relative to the output's range."""
LOOSE_TOLERANCE = 5e-2
"""The same with the largest weights in bytes: a probability on noise may differ by so much."""


def as_stored(module: nn.Module) -> nn.Module:
    """Fold batch norms and round weights as `export_net` does: it then computes what the file computes."""
    for part in list(module.eval().modules()):
        if isinstance(part, nn.Sequential):
            for index in range(1, len(part)):
                layer, norm = part[index - 1], part[index]
                if isinstance(layer, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                    part[index - 1], part[index] = fuse_conv_bn_eval(layer, norm), nn.Identity()
    for weights in [*module.parameters(), *module.buffers()]:
        if weights.is_floating_point() and weights.numel() >= SMALLEST_HALVED:
            weights.data = weights.data.half().float()
    return module


def export_net(
    module: nn.Module, example: Tensor, input_name: str, output_names: Sequence[str], path: Path
) -> None:
    """Write `module` as ONNX: batch norms folded, any batch, weights stored as float16 and widened by a Cast.

    `example` is a batch of at least two inputs (uint8 [B, H, W, 3]). Where the file would be too large the
    largest weights are stored as bytes, each row by its own scale. Raises AssertionError if ONNX Runtime does
    not compute from the file what the module computes.
    """
    module.eval()
    names = (input_name, *output_names)
    torch.onnx.export(
        module,
        (example,),
        str(path),
        input_names=[input_name],
        output_names=list(output_names),
        dynamic_axes={name: {0: "batch"} for name in names},
        opset_version=OPSET,
        dynamo=False,
    )
    model = onnx.load(path)
    is_large = model.ByteSize() / 2 > LARGEST_FILE
    model = _halved(model, SMALLEST_IN_BYTES if is_large else math.inf)
    onnx.save(_narrowed(model), path)
    _assert_same(module, example, path, LOOSE_TOLERANCE if is_large else TOLERANCE)


def _halved(model: onnx.ModelProto, below: float) -> onnx.ModelProto:
    """Return the model with its large float constants of fewer than `below` elements stored as float16.

    Each is widened by a Cast.
    """
    casts = []
    for constant in model.graph.initializer:
        is_float = constant.data_type == TensorProto.FLOAT
        if is_float and SMALLEST_HALVED <= np.prod(constant.dims) < below:
            name = constant.name
            half = numpy_helper.to_array(constant).astype(np.float16)
            constant.CopyFrom(numpy_helper.from_array(half, f"{name}_half"))
            casts.append(helper.make_node("Cast", [f"{name}_half"], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    del model.graph.value_info[:]
    onnx.checker.check_model(model, full_check=True)
    return model


def _narrowed(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return the model with the largest weights that are still floats stored as bytes.

    They are symmetric, with a scale for each row.
    """
    nodes, scales = [], []
    for constant in model.graph.initializer:
        if constant.data_type == TensorProto.FLOAT and np.prod(constant.dims) >= SMALLEST_IN_BYTES:
            name, weights = constant.name, numpy_helper.to_array(constant)
            reach = np.abs(weights).max(axis=tuple(range(1, weights.ndim)), keepdims=True)
            scale = (reach / 127).clip(min=np.finfo(np.float32).tiny).astype(np.float32)
            rows = np.rint(weights / scale).astype(np.int8)
            constant.CopyFrom(numpy_helper.from_array(rows, f"{name}_bytes"))
            scales.append(numpy_helper.from_array(scale.ravel(), f"{name}_scale"))
            inputs = [f"{name}_bytes", f"{name}_scale"]
            nodes.append(helper.make_node("DequantizeLinear", inputs, [name], axis=0))
    model.graph.initializer.extend(scales)
    nodes.extend(model.graph.node)
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    onnx.checker.check_model(model, full_check=True)
    return model


def _assert_same(module: nn.Module, example: Tensor, path: Path, tolerance: float) -> None:
    session = ort.InferenceSession(path, providers=["CPUExecutionProvider"])
    with torch.no_grad():
        expected = module(example)
    expected = expected if isinstance(expected, tuple) else (expected,)
    got = session.run(None, {session.get_inputs()[0].name: example.numpy()})
    for ours, theirs in zip(got, expected, strict=True):
        values = theirs.numpy()
        difference = np.abs(ours - values).max()
        reach = np.abs(values).max()
        assert difference <= tolerance * max(1.0, reach), f"differs by {difference} in a range of {reach}"
