"""A trained module as the graph that is committed: small, self-contained, and equal to the module."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

OPSET = 17
SMALLEST_HALVED = 256
"""Constants of fewer elements (shapes, scales, biases of small layers) stay as they are."""
TOLERANCE = 2e-3
"""Largest difference between the graph with halved weights and the module, relative to the output's range."""


def export_net(
    module: nn.Module, example: Tensor, input_name: str, output_names: Sequence[str], path: Path
) -> None:
    """Write `module` as ONNX: batch norms folded, any batch, weights stored as float16 and widened by a Cast.

    `example` is a batch of at least two inputs (uint8 [B, H, W, 3]). Raises AssertionError if ONNX
    Runtime does not compute from the file what the module computes.
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
    onnx.save(_halved(onnx.load(path)), path)
    _assert_same(module, example, path)


def _halved(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return the model with its large float constants stored as float16, each widened by a Cast."""
    casts = []
    for constant in model.graph.initializer:
        if constant.data_type == TensorProto.FLOAT and np.prod(constant.dims) >= SMALLEST_HALVED:
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


def _assert_same(module: nn.Module, example: Tensor, path: Path) -> None:
    session = ort.InferenceSession(path, providers=["CPUExecutionProvider"])
    with torch.no_grad():
        expected = module(example)
    expected = expected if isinstance(expected, tuple) else (expected,)
    got = session.run(None, {session.get_inputs()[0].name: example.numpy()})
    for ours, theirs in zip(got, expected, strict=True):
        values = theirs.numpy()
        difference = np.abs(ours - values).max()
        reach = np.abs(values).max()
        assert difference <= TOLERANCE * max(1.0, reach), f"differs by {difference} in a range of {reach}"
