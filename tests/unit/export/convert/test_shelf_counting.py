"""The nets of shelf counting with stand-ins for the trained graphs, as the serving runtime sees them."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper, numpy_helper

from backends.onnx_config import check_tensors
from evaluation.shelves.products import names
from export.checks import check_graph
from export.conversion import Conversion
from export.convert import shelf_counting
from export.convert.shelf_counting import CLASSIFICATION_FILE, DETECTION_FILE, LABELS_FILE, PRODUCTS
from export.convert.shelf_settings import CLASSIFICATION, DETECTION
from export.errors import UnfitCheckpoint
from tests.repository.checks import config_as_triton_hands_it_over

SIDE, CROP = DETECTION.size, CLASSIFICATION.size


def trained(path: Path, entry: str, side: int, columns: int, *nodes: onnx.NodeProto) -> None:
    """Write a graph of fixed sides, its weights kept in float16, as the trainings write them."""
    weights = np.random.default_rng(0).normal(size=(3, columns)).astype(np.float16)
    output = nodes[-1].output[0]
    rank = [columns] if output == "class_probs" else [side * side, columns]
    graph = helper.make_graph(
        [
            helper.make_node("Cast", ["weights_half"], ["weights"], to=TensorProto.FLOAT),
            helper.make_node("Cast", [entry], ["pixels_float"], to=TensorProto.FLOAT),
            *nodes,
        ],
        "stand_in",
        [helper.make_tensor_value_info(entry, TensorProto.UINT8, ["batch", side, side, 3])],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, ["batch", *rank])],
        [
            numpy_helper.from_array(weights, "weights_half"),
            numpy_helper.from_array(np.array([0, side * side, 3], dtype=np.int64), "rows"),
            numpy_helper.from_array(np.array([1, 2], dtype=np.int64), "sides"),
        ],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)


@pytest.fixture
def sources(tmp_path: Path) -> dict[str, Path]:
    files = {name: tmp_path / name for name in (DETECTION_FILE, CLASSIFICATION_FILE, LABELS_FILE)}
    flat = [
        helper.make_node("Reshape", ["pixels_float", "rows"], ["flat"]),
        helper.make_node("MatMul", ["flat", "weights"], ["candidates"]),
    ]
    pooled = [
        helper.make_node("ReduceMean", ["pixels_float"], ["mean"], axes=[1, 2], keepdims=0),
        helper.make_node("MatMul", ["mean", "weights"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["class_probs"], axis=1),
    ]
    trained(files[DETECTION_FILE], "pixels", SIDE, 6, *flat)
    trained(files[CLASSIFICATION_FILE], "crops", CROP, PRODUCTS, *pooled)
    files[LABELS_FILE].write_text("\n".join(names()) + "\n")
    return files


def converted(name: str, sources: dict[str, Path]) -> Conversion:
    conversion: Conversion = getattr(shelf_counting, name)(sources)
    return conversion


@pytest.mark.parametrize(("name", "side"), [("detection", SIDE), ("classification", CROP)])
def test_a_net_fits_its_config_and_computes_what_was_trained(
    name: str, side: int, sources: dict[str, Path]
) -> None:
    model = converted(name, sources).model
    check_graph(model, side)
    config = config_as_triton_hands_it_over(f"shelf_counting_{name}_net")
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    check_tensors(config, session.get_inputs(), session.get_outputs())
    source = ort.InferenceSession(sources[f"shelf_counting_{name}_net.onnx"])
    feed = {
        session.get_inputs()[0].name: np.random.default_rng(1).integers(0, 256, (2, side, side, 3), np.uint8)
    }
    (ours,), (theirs,) = session.run(None, feed), source.run(None, feed)
    assert ours.shape == theirs.shape
    np.testing.assert_allclose(ours, theirs, rtol=1e-5)


def test_the_settings_are_those_that_the_training_was_measured_with(sources: dict[str, Path]) -> None:
    assert converted("detection", sources).settings == DETECTION
    assert converted("classification", sources).settings == CLASSIFICATION


def test_the_labels_are_the_products(sources: dict[str, Path]) -> None:
    assert converted("classification", sources).labels == names()
    sources[LABELS_FILE].write_text("only one\n")
    with pytest.raises(UnfitCheckpoint, match="1 names, but the classifier has 171 classes"):
        converted("classification", sources)
