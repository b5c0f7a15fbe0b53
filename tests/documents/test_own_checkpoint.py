"""docs/own-checkpoint.md, done: a graph and labels of one's own in a copied repository, served by Triton."""

import io
import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from embedded.paths import REPOSITORY, ROOT
from embedded.repository import Scope
from embedded.system import System
from export.paths import Paths
from export.sources import Net
from export.state import Condition, Origin, State, net_state
from modelhub import ModelHub
from tests.conftest import free_settings
from tests.documents.blocks import blocks
from tests.documents.running import environment, run
from vision.manifest import Profile

PAGE = "docs/own-checkpoint.md"
NAMES = ("poppy", "fern", "bluebell")
SIDE = 224


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder with a repository whose nets are not exported, and the two files that the page begins with."""
    shutil.copytree(
        REPOSITORY,
        tmp_path / "model_repository",
        ignore=shutil.ignore_patterns("model.onnx", "manifest.json", "model.plan", "plan.json", ".staging"),
    )
    (tmp_path / "flowers.txt").write_text("\n".join(NAMES) + "\n")
    onnx.save(redder_greener_bluer(), tmp_path / "flowers.onnx")
    return tmp_path


def redder_greener_bluer() -> onnx.ModelProto:
    """`pixels` uint8 [batch, 224, 224, 3] to `probs`: of three classes, by the picture's mean colour."""
    nodes = [
        helper.make_node("Cast", ["pixels"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["floats"], ["means"], axes=[1, 2], keepdims=0),
        helper.make_node("Div", ["means", "scale"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["probs"], axis=1),
    ]
    graph = helper.make_graph(
        nodes,
        "flowers",
        [helper.make_tensor_value_info("pixels", TensorProto.UINT8, ["batch", SIDE, SIDE, 3])],
        [helper.make_tensor_value_info("probs", TensorProto.FLOAT, ["batch", len(NAMES)])],
        [numpy_helper.from_array(np.array(64, dtype=np.float32), "scale")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


def coloured(colour: tuple[int, int, int]) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (300, 200), colour).save(file, "PNG")
    return file.getvalue()


def test_a_graph_and_labels_of_ones_own_are_served(
    launcher: None, checkout: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    steps = [block for block in blocks(PAGE, (ROOT / PAGE).read_text()) if block.language in ("sh", "python")]
    assert [block.language for block in steps] == ["sh", "python"]
    for step in steps:
        run(step.language, step.text, checkout, environment(ROOT, None))
    net = Net("image_classification_net", "image_classification", Profile.LITE, "export.convert:nothing")
    assert net_state(net, Paths(checkout, checkout / "cache")) == State(Condition.READY, Origin.YOURS)
    scope = Scope(checkout / "model_repository", partial=True)
    with System(free_settings(), scope, tmp_path_factory.mktemp("own")) as system:
        system.start(report=lambda line: None)
        with ModelHub(system.gateway_url()) as hub:
            for index, name in enumerate(NAMES):
                colour = [40, 40, 40]
                colour[index] = 220
                answer = hub.answer("image_classification", coloured((colour[0], colour[1], colour[2])))
                assert (answer["class"], answer["class_name"]) == (index, name)
                assert list(answer["class_probs"]) == list(NAMES)
