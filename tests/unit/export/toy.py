"""Small converters, as the exporter's tests need them: no TensorFlow, a few nodes."""

import os
import signal
import time
from collections.abc import Mapping
from pathlib import Path

import msgspec
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from export.conversion import Conversion


class ToySettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    factor: float


def multiply(sources: Mapping[str, Path]) -> Conversion:
    """`x` uint8 [n, 4] times the number that the source file holds."""
    factor = float(sources["factor.txt"].read_text())
    return Conversion(_graph(factor), ToySettings(factor=factor), labels=("一", "二"))


def from_base(sources: Mapping[str, Path]) -> Conversion:
    """The graph of the base `toy`, as it is."""
    return Conversion(onnx.load(sources["toy"]), ToySettings(factor=3))


def not_a_number(sources: Mapping[str, Path]) -> Conversion:
    return Conversion(_graph(float("nan")), ToySettings(factor=1))


def too_new_opset(sources: Mapping[str, Path]) -> Conversion:
    return Conversion(_graph(2.0, opset=22), ToySettings(factor=2))


def too_new_ir(sources: Mapping[str, Path]) -> Conversion:
    return Conversion(_graph(2.0, ir_version=11), ToySettings(factor=2))


def broken(sources: Mapping[str, Path]) -> Conversion:
    raise ValueError("the checkpoint is not what this converter knows")


def killed(sources: Mapping[str, Path]) -> Conversion:
    """As by a machine that has no memory left."""
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


def slow(sources: Mapping[str, Path]) -> Conversion:
    """Tells by a file beside its source that it has begun."""
    sources["factor.txt"].with_name("begun").touch()
    time.sleep(60)
    return multiply(sources)


def random_factor(path: Path) -> None:
    """Write a source file for `multiply` with a number of nobody's choice."""
    path.write_text("7.0")


def _graph(factor: float, opset: int = 17, ir_version: int = 8) -> onnx.ModelProto:
    nodes = [
        helper.make_node("Cast", ["x"], ["x_float"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["x_float", "factor"], ["y"]),
    ]
    graph = helper.make_graph(
        nodes,
        "toy",
        [helper.make_tensor_value_info("x", TensorProto.UINT8, ["batch", 4])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", 4])],
        [numpy_helper.from_array(np.array(factor, np.float32), "factor")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=ir_version)
