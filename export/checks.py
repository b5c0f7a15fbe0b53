"""What every converted graph must pass before it is put in place. Runs in the conversion environment."""

from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
from numpy.typing import NDArray

from vision.tensors import Tensors

NEWEST_OPSET = 21
NEWEST_IR = 10
"""The newest that ONNX Runtime 1.19, the serving release, reads."""

FREE_SIDE = 64
"""Pixels, a multiple of every net's stride."""

_BATCH = 2


class UnfitGraph(ValueError):  # noqa: N818 - reads as what it says
    """A graph that the server could not load or that does not compute."""


def opset_of(model: onnx.ModelProto) -> int:
    """Return the version of the standard operators that the graph uses."""
    return next(int(entry.version) for entry in model.opset_import if entry.domain in ("", "ai.onnx"))


def check_graph(model: onnx.ModelProto, side: int = FREE_SIDE) -> None:
    """Raise UnfitGraph, or the error of the checker or the runtime, unless the serving runtime can run it.

    It is tried on pictures of `side` pixels where its own dimensions are open.
    """
    onnx.checker.check_model(model, full_check=True)
    if opset_of(model) > NEWEST_OPSET:
        raise UnfitGraph(f"opset {opset_of(model)}: ONNX Runtime 1.19 reads up to {NEWEST_OPSET}")
    if model.ir_version > NEWEST_IR:
        raise UnfitGraph(f"IR version {model.ir_version}: ONNX Runtime 1.19 reads up to {NEWEST_IR}")
    for name, values in run_on_noise(model.SerializeToString(), side).items():
        if not np.isfinite(values).all():
            raise UnfitGraph(f"output {name} is not finite on random input")


def run_on_noise(model: bytes, side: int = FREE_SIDE) -> Tensors:
    """Run the graph once in ONNX Runtime on random input; open dimensions are `side`, the batch is of two."""
    session = ort.InferenceSession(model, providers=["CPUExecutionProvider"])
    random = np.random.default_rng(0)
    feed = {
        entry.name: _noise(random, entry.type, _concrete(entry.shape, side), entry.name)
        for entry in session.get_inputs()
    }
    names = [entry.name for entry in session.get_outputs()]
    return dict(zip(names, session.run(names, feed), strict=True))


def coloured_squares(count: int, side: int, square: int) -> NDArray[np.uint8]:
    """Return pictures of coloured squares, uint8 [count, side, side, 3]; always the same.

    What converters compare nets on: in plain noise a net sees nothing, or the same in every picture.
    """
    cells = side // square
    coarse = np.random.default_rng(0).integers(0, 256, (count, cells, cells, 3), np.uint8)
    return coarse.repeat(square, axis=1).repeat(square, axis=2)


def _concrete(shape: list[int | str | None], side: int) -> tuple[int, ...]:
    free = [_BATCH] + [side] * (len(shape) - 1)
    return tuple(side if isinstance(side, int) else filler for side, filler in zip(shape, free, strict=True))


def _noise(random: np.random.Generator, kind: str, shape: tuple[int, ...], name: str) -> NDArray[Any]:
    if kind == "tensor(uint8)":
        return random.integers(0, 256, shape, np.uint8)
    if kind == "tensor(float)":
        return random.random(shape, np.float32)
    raise UnfitGraph(f"input {name} is a {kind}; nets take uint8 or float")
