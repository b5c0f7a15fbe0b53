"""Nets of our own: small files, each with its card, each used; their weights widened exactly."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from export.catalogue import NETS
from export.paths import TRAINED
from export.sources import Own
from export.surgery import from_trained

OWN = [own for net in NETS for own in net.own]
GRAPHS = [own for own in OWN if own.path.suffix == ".onnx"]
LARGEST, LARGEST_TOGETHER = 16_500_000, 50_000_000
CARD = ("## Data", "## Method", "## Figures", "## Limits", "## Licence")
LABELLED_BY = {
    "semantic_segmentation_net": "People labelled",
    "instance_segmentation_mask_net": "People outlined",
}


def names(own: Own) -> str:
    return own.name


def test_every_file_there_is_used() -> None:
    cards = {own.path.with_suffix(".md").name for own in GRAPHS}
    assert {path.name for path in TRAINED.iterdir()} == {own.name for own in OWN} | cards


@pytest.mark.parametrize("own", GRAPHS, ids=names)
def test_graphs_are_small_and_have_cards(own: Own) -> None:
    card = own.path.with_suffix(".md").read_text(encoding="utf-8")
    assert [part for part in CARD if part not in card] == []
    assert own.size <= LARGEST


def test_all_together_are_small() -> None:
    assert sum(own.size for own in OWN) <= LARGEST_TOGETHER


@pytest.mark.parametrize("net", LABELLED_BY)
def test_cards_say_where_labels_came_from(net: str) -> None:
    card = (TRAINED / f"{net}.md").read_text(encoding="utf-8")
    assert LABELLED_BY[net] in card


@pytest.mark.parametrize("own", GRAPHS, ids=names)
def test_weights_are_kept_small_and_widened(own: Own) -> None:
    assert _large_types(onnx.load(own.path)) == {TensorProto.FLOAT16}
    assert _large_types(from_trained(own.path)) == {TensorProto.FLOAT}


def _large_types(model: onnx.ModelProto) -> set[int]:
    constants = model.graph.initializer
    kinds = {TensorProto.FLOAT, TensorProto.FLOAT16}
    return {one.data_type for one in constants if one.data_type in kinds and np.prod(one.dims) >= 4096}


RANDOM = np.random.default_rng(3)
STORED: dict[str, tuple[onnx.NodeProto, dict[str, NDArray[Any]]]] = {
    "halves": (
        helper.make_node("Cast", ["stored"], ["weights"], to=TensorProto.FLOAT),
        {"stored": RANDOM.normal(size=(5, 7)).astype(np.float16)},
    ),
    "bytes": (
        helper.make_node("DequantizeLinear", ["stored", "scale"], ["weights"], axis=0),
        {
            "stored": RANDOM.integers(-127, 128, (5, 7), np.int8),
            "scale": RANDOM.uniform(0.001, 0.1, 5).astype(np.float32),
        },
    ),
}


@pytest.mark.parametrize("stored", STORED)
def test_widening_changes_nothing(tmp_path: Path, stored: str) -> None:
    """A small graph as the trainings write them, against itself as the exporter serves it."""
    widening, constants = STORED[stored]
    nodes = [
        widening,
        helper.make_node("Cast", ["pixels"], ["numbers"], to=TensorProto.FLOAT),
        helper.make_node("MatMul", ["numbers", "weights"], ["products"]),
    ]
    graph = helper.make_graph(
        nodes,
        "toy",
        [helper.make_tensor_value_info("pixels", TensorProto.UINT8, ["batch", 5])],
        [helper.make_tensor_value_info("products", TensorProto.FLOAT, ["batch", 7])],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    path = tmp_path / "toy.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    widened = from_trained(path)
    assert [node.op_type for node in widened.graph.node] == ["Cast", "MatMul"]
    pixels = np.random.default_rng(4).integers(0, 256, (3, 5), np.uint8)
    before, after = (
        ort.InferenceSession(model, providers=["CPUExecutionProvider"]).run(None, {"pixels": pixels})[0]
        for model in (path, widened.SerializeToString())
    )
    np.testing.assert_array_equal(before, after)
