"""DeOldify from a file of the published layout with random weights, at a side that tests have time for."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import pytest

torch = pytest.importorskip("torch")

from export.conversion import Conversion  # noqa: E402
from export.convert.full import image_colorization as converter  # noqa: E402
from export.convert.full.image_colorization import (  # noqa: E402
    FILE,
    SIZE,
    image_colorization,
    random_deoldify,
)
from export.own.checkpoint import read_checkpoint  # noqa: E402
from export.torch_nets.deoldify import DeOldify, ServedDeOldify  # noqa: E402
from export.torch_nets.loading import load  # noqa: E402
from tests.repository.checks import REPOSITORIES  # noqa: E402
from tests.unit.export.convert.full import served  # noqa: E402
from tests.unit.export.convert.full.conftest import Published  # noqa: E402
from vision.image_colorization import ColorizationSettings  # noqa: E402
from vision.manifest import Profile  # noqa: E402
from vision.tensors import Picture  # noqa: E402

pytestmark = served.EXPORT_WARNS

SIDE = 96


@pytest.fixture(scope="module")
def file(published: Published) -> Path:
    return published({FILE: random_deoldify})[FILE]


@pytest.fixture(scope="module")
def conversion(file: Path) -> Iterator[Conversion]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(converter, "SIZE", SIDE)
        yield image_colorization({FILE: file})


def grey_pictures(count: int) -> Picture:
    return served.pictures(SIDE, SIDE, count)[..., :1].repeat(3, axis=3)


def test_the_graph_computes_what_the_net_computes(file: Path, model: onnx.ModelProto) -> None:
    """The net as it was trained, its normalisations not folded."""
    net = DeOldify()
    load(net, read_checkpoint(file).state)
    batch = grey_pictures(2)
    with torch.no_grad():
        expected = ServedDeOldify(net).eval()(torch.from_numpy(batch)).numpy()
    chroma = served.run(model, batch)["chroma"]
    served.assert_same(chroma, expected)
    assert -128 <= chroma.min() < chroma.max() <= 127
    assert chroma.std(axis=(0, 1, 2)).min() > 1  # both channels say something


def test_a_picture_of_a_batch_is_the_picture_alone(model: onnx.ModelProto) -> None:
    served.assert_rows_stand_alone(model, grey_pictures(3))


def test_both_runtimes_read_the_graph(model: onnx.ModelProto) -> None:
    served.assert_plain(model, SIDE)


def test_the_normalisations_of_kernels_are_folded(model: onnx.ModelProto) -> None:
    """Nothing of the graph but attention multiplies matrices, and no kernel is computed."""
    kernels = {node.input[1] for node in model.graph.node if node.op_type == "Conv"}
    assert kernels <= {constant.name for constant in model.graph.initializer}
    assert sum(node.op_type == "MatMul" for node in model.graph.node) == 2


def test_the_config_is_the_nets(model: onnx.ModelProto) -> None:
    config = REPOSITORIES[Profile.FULL].nets["image_colorization_net"]
    for ours, entries in ((model.graph.input, config.input), (model.graph.output, config.output)):
        sides = served.declared(ours).items()
        full_size = {name: [batch, SIZE, SIZE, planes] for name, (batch, *_, planes) in sides}
        assert full_size == served.configured(entries)


def test_how_it_is_fed(conversion: Conversion) -> None:
    assert conversion.settings == ColorizationSettings(size=SIDE)
    assert not conversion.labels
    assert SIZE % 32 == 0
    assert 21 * 16 <= SIZE <= 35 * 16


def test_the_state_dict_is_the_model_of_fastais_file(file: Path) -> None:
    saved = torch.load(file, weights_only=False)
    assert set(saved) == {"model", "opt"}
    state = read_checkpoint(file).state
    assert list(state) == list(saved["model"])
    np.testing.assert_array_equal(state["layers.11.0.weight_u"], saved["model"]["layers.11.0.weight_u"])


@pytest.mark.parametrize("name", ["layers.8.conv.0.weight_g", "layers.3.0.0.weight_v"])
def test_a_file_that_lacks_a_weight_is_refused_by_its_name(file: Path, tmp_path: Path, name: str) -> None:
    saved = torch.load(file, weights_only=False)
    del saved["model"][name]
    torch.save(saved, tmp_path / FILE)
    with pytest.raises(RuntimeError, match=name):
        image_colorization({FILE: tmp_path / FILE})
    (tmp_path / FILE).unlink()
