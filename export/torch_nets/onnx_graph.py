"""A PyTorch module as an ONNX graph, checked against the module."""

import io
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from export.ranked_rows import unpaired_share

OPSET = 17
TOLERANCE = 1e-4
"""Largest difference from the module, relative to the output's range; of rows, their relative L2."""
MAX_UNPAIRED = 0.01
"""Share of rows that rounding may have put in another's place."""

Outputs = Sequence[NDArray[np.float32]]
"""What one run computed, in the order of the names."""


def assert_close(expected: Outputs, computed: Outputs) -> None:
    """Raise AssertionError unless every output is finite and the same within `TOLERANCE`."""
    for number, (one, other) in enumerate(zip(expected, computed, strict=True)):
        assert np.isfinite(one).all(), f"PyTorch computes an output {number} that is not finite"
        difference = np.abs(other - one).max() / max(1.0, np.abs(one).max())
        assert difference <= TOLERANCE, f"ONNX Runtime differs from PyTorch by {difference} (output {number})"


def assert_rows_alike(expected: Outputs, computed: Outputs) -> None:
    """Raise AssertionError unless nearly every row of either side is one of the other within `TOLERANCE`.

    For nets that rank (`export.ranked_rows`); all outputs are [B, n, ...].
    """
    assert all(np.isfinite(output).all() for output in expected), "PyTorch computes what is not finite"
    for picture in range(len(expected[0])):
        ours, theirs = ([output[picture] for output in outputs] for outputs in (computed, expected))
        share = unpaired_share(ours, theirs, TOLERANCE)
        assert share <= MAX_UNPAIRED, f"ONNX Runtime and PyTorch differ in {share:.1%} of the rows"


def onnx_graph(
    module: nn.Module,
    example: Tensor,
    input_name: str,
    *output_names: str,
    check: Callable[[Outputs, Outputs], None] = assert_close,
) -> onnx.ModelProto:
    """Return `module` as a graph of one input and its outputs for any batch, its normalisations folded.

    `example` is a batch of inputs, [B, height, width, 3], whose sides the graph is for. Raises what `check`
    raises unless ONNX Runtime computes of it what the module computes.
    """
    module.eval()
    buffer = io.BytesIO()
    with torch.no_grad():
        torch.onnx.export(
            module,
            (example,),
            buffer,
            input_names=[input_name],
            output_names=list(output_names),
            dynamic_axes={name: {0: "batch"} for name in (input_name, *output_names)},
            opset_version=OPSET,
            dynamo=False,
        )
        outputs = module(example)
    expected = [one.numpy() for one in (outputs if isinstance(outputs, tuple) else (outputs,))]
    session = ort.InferenceSession(buffer.getvalue(), providers=["CPUExecutionProvider"])
    check(expected, session.run(list(output_names), {input_name: example.numpy()}))
    return onnx.load_from_string(buffer.getvalue())


def folded(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return the graph with all that follows from constants computed, and normalisations in the convolutions.

    ONNX Runtime does it; operators remain the standard's.
    """
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_BASIC
    with tempfile.TemporaryDirectory() as folder:
        options.optimized_model_filepath = str(Path(folder, "folded.onnx"))
        ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        return onnx.load(options.optimized_model_filepath)
