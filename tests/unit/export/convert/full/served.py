"""What every net of the `full` profile is held against: its module, its config, TensorRT's operators."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from numpy.typing import NDArray

from backends.onnx_config import check_tensors
from export.checks import check_graph, opset_of
from tests.repository.checks import config_as_triton_hands_it_over
from vision.manifest import Profile
from vision.tensors import Picture, Tensors

LARGEST_DIFFERENCE = 1e-4
"""Relative L2 of a tensor that ONNX Runtime computed, to PyTorch's."""

PLAIN = {
    "Add", "ArgMax", "AveragePool", "BatchNormalization", "Cast", "Clip", "Concat", "Constant", "Conv",
    "ConvTranspose", "DepthToSpace", "Div", "Expand", "Flatten", "Gather", "Gemm", "GlobalAveragePool",
    "HardSigmoid", "HardSwish", "MatMul", "MaxPool", "Mod", "Mul", "Pow", "ReduceL2", "ReduceMax", "Relu",
    "Reshape", "Resize", "Shape", "Sigmoid", "Slice", "Softmax", "Split", "Squeeze", "Sub", "Tanh",
    "Transpose", "Unsqueeze",
}  # fmt: skip
"""Of TensorRT's supported operators, those that these nets need: none by which a size follows from data."""

EXPORT_WARNS = pytest.mark.filterwarnings("ignore::DeprecationWarning")
"""The mark of tests that export a net: PyTorch's own exporter uses what it calls deprecated."""

DETECTORS_EXPORT_WARNS = [
    EXPORT_WARNS,
    pytest.mark.filterwarnings("ignore:Constant folding:UserWarning"),
    pytest.mark.filterwarnings("ignore:torch.tensor results are registered"),  # of torchvision's box coder
]


def pictures(height: int, width: int, count: int = 3, seed: int = 1) -> Picture:
    """A batch of coloured squares: on plain noise all pictures look alike to a net."""
    coarse = np.random.default_rng(seed).integers(0, 256, (count, height // 8, width // 8, 3), np.uint8)
    return coarse.repeat(8, axis=1).repeat(8, axis=2)


def run(model: onnx.ModelProto, batch: Picture) -> Tensors:
    """The graph's outputs by name, from the release that serves it."""
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, {session.get_inputs()[0].name: batch}), strict=True))


def assert_same(computed: NDArray[np.float32], expected: NDArray[np.float32]) -> None:
    """Two tensors are the same but for rounding, and neither has a number that is none."""
    assert computed.shape == expected.shape
    assert np.isfinite(computed).all()
    assert np.isfinite(expected).all()
    assert expected.std() > 0, "constant, so that being the same says nothing"
    difference = np.linalg.norm(computed.astype(np.float64) - expected) / np.linalg.norm(expected)
    assert difference <= LARGEST_DIFFERENCE


def assert_rows_stand_alone(model: onnx.ModelProto, batch: Picture) -> None:
    """A picture is answered the same in a batch and alone, and differently from another."""
    together = run(model, batch)
    for index in range(len(batch)):
        for name, rows in run(model, batch[index : index + 1]).items():
            assert_same(together[name][index : index + 1], rows)
    for rows in together.values():
        assert np.abs(rows[0] - rows[1]).max() > 0


def assert_fits(net: str, model: onnx.ModelProto, side: int, opset: int = 17) -> None:
    """The graph is what its config says, and both runtimes read it."""
    assert_plain(model, side, opset)
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    config = config_as_triton_hands_it_over(net, Profile.FULL)
    check_tensors(config, session.get_inputs(), session.get_outputs())


def assert_plain(model: onnx.ModelProto, side: int, opset: int = 17) -> None:
    """Both runtimes read the graph, whose bytes are cast before anything else."""
    check_graph(model, side)
    assert opset_of(model) == opset
    assert operators(model.graph.node) <= PLAIN
    pixels = model.graph.input[0].name
    assert operators(node for node in model.graph.node if pixels in node.input) == {"Cast"}


def operators(nodes: Iterable[onnx.NodeProto]) -> set[str]:
    return {node.op_type for node in nodes}


def configured(tensors: Iterable[Any]) -> dict[str, list[str | int]]:
    """The sides of a config's inputs or outputs by name, the batch's first."""
    return {one.name: ["batch", *one.dims] for one in tensors}


def declared(tensors: Iterable[onnx.ValueInfoProto]) -> dict[str, list[str | int]]:
    """The sides of a graph's inputs or outputs by name."""
    return {
        one.name: [dim.dim_param or dim.dim_value for dim in one.type.tensor_type.shape.dim]
        for one in tensors
    }
