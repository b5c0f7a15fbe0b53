"""Graphs in 16-bit floats."""

import numpy as np
import onnx
from onnx import TensorProto, helper

from export.tensorrt.half import in_precision
from export.tensorrt.plan import Precision
from tests.unit.export.tensorrt.project import run_on_cpu, toy_graph

FLOAT, HALF, UINT8 = TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.UINT8


def kinds(model: onnx.ModelProto) -> list[int]:
    return [one.type.tensor_type.elem_type for one in (*model.graph.input, *model.graph.output)]


def test_single_precision_is_the_graph_itself() -> None:
    assert in_precision(toy_graph(), Precision.FP32) == toy_graph()


def test_inputs_and_outputs_keep_their_types_and_what_is_between_is_half() -> None:
    half = onnx.load_from_string(in_precision(toy_graph(), Precision.FP16))
    onnx.checker.check_model(half, full_check=True)
    assert kinds(half) == kinds(onnx.load_from_string(toy_graph())) == [UINT8, FLOAT]
    (first,) = (node for node in half.graph.node if "pixels" in node.input)
    assert helper.get_attribute_value(first.attribute[0]) == HALF
    assert {one.data_type for one in half.graph.initializer} == {HALF}


def test_it_computes_nearly_the_same() -> None:
    pixels = np.random.default_rng(3).integers(0, 256, (2, 256, 256, 3), np.uint8)
    whole, half = (
        run_on_cpu(in_precision(toy_graph(), precision))({"pixels": pixels})["alpha"]
        for precision in (Precision.FP32, Precision.FP16)
    )
    assert half.dtype == np.float32
    assert 0 < np.abs(half - whole).max() < 2e-3
