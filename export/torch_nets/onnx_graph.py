"""A PyTorch module as an ONNX graph, checked against the module."""

import io

import numpy as np
import onnx
import onnxruntime as ort
import torch
from torch import Tensor, nn

OPSET = 17
TOLERANCE = 1e-4
"""Largest difference from the module, relative to the output's range."""


def onnx_graph(module: nn.Module, example: Tensor, input_name: str, output_name: str) -> onnx.ModelProto:
    """Return `module` as a graph of one input and one output for any batch, its normalisations folded.

    `example` is a batch of inputs, uint8 [B, height, width, 3], whose sides the graph is for. Raises
    AssertionError unless ONNX Runtime computes of it what the module computes.
    """
    module.eval()
    buffer = io.BytesIO()
    torch.onnx.export(
        module,
        (example,),
        buffer,
        input_names=[input_name],
        output_names=[output_name],
        dynamic_axes={input_name: {0: "batch"}, output_name: {0: "batch"}},
        opset_version=OPSET,
        dynamo=False,
    )
    session = ort.InferenceSession(buffer.getvalue(), providers=["CPUExecutionProvider"])
    with torch.no_grad():
        expected = module(example).numpy()
    (computed,) = session.run([output_name], {input_name: example.numpy()})
    difference = np.abs(computed - expected).max() / max(1.0, np.abs(expected).max())
    assert difference <= TOLERANCE, f"ONNX Runtime differs from PyTorch by {difference}"
    return onnx.load_from_string(buffer.getvalue())
