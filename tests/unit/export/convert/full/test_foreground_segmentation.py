"""Robust Video Matting from a file of the published layout with random weights."""

from pathlib import Path

import onnx
import pytest

torch = pytest.importorskip("torch")

from export.conversion import Conversion  # noqa: E402
from export.convert.full.foreground_segmentation import (  # noqa: E402
    FILE,
    SIZE,
    foreground_segmentation,
    random_rvm_mobilenetv3,
)
from export.own.checkpoint import read_checkpoint  # noqa: E402
from export.torch_nets.loading import load  # noqa: E402
from export.torch_nets.robust_video_matting import RobustVideoMatting, ServedMatting  # noqa: E402
from tests.repository.checks import REPOSITORIES  # noqa: E402
from tests.unit.export.convert.full import served  # noqa: E402
from tests.unit.export.convert.full.conftest import Published  # noqa: E402
from vision.foreground_segmentation import ForegroundSettings  # noqa: E402
from vision.manifest import Profile  # noqa: E402

pytestmark = served.EXPORT_WARNS


@pytest.fixture(scope="module")
def file(published: Published) -> Path:
    return published({FILE: random_rvm_mobilenetv3})[FILE]


@pytest.fixture(scope="module")
def conversion(file: Path) -> Conversion:
    return foreground_segmentation({FILE: file})


def test_the_graph_computes_what_the_net_computes(file: Path, model: onnx.ModelProto) -> None:
    net = RobustVideoMatting()
    load(net, read_checkpoint(file).state)
    batch = served.pictures(SIZE, SIZE, count=2)
    with torch.no_grad():
        expected = ServedMatting(net).eval()(torch.from_numpy(batch)).numpy()
    alpha = served.run(model, batch)["alpha"]
    served.assert_same(alpha, expected)
    assert 0 <= alpha.min() < alpha.max() <= 1
    assert ((alpha > 0) & (alpha < 1)).mean() > 0.5  # random weights that are not clipped away


def test_a_picture_of_a_batch_is_the_picture_alone(model: onnx.ModelProto) -> None:
    served.assert_rows_stand_alone(model, served.pictures(SIZE, SIZE, count=2))


def test_both_runtimes_read_the_graph(model: onnx.ModelProto) -> None:
    served.assert_plain(model, SIZE)


def test_the_config_is_the_nets(model: onnx.ModelProto) -> None:
    config = REPOSITORIES[Profile.FULL].nets["foreground_segmentation_net"]
    assert served.declared(model.graph.input) == served.configured(config.input)
    assert served.declared(model.graph.output) == served.configured(config.output)


def test_how_it_is_fed(conversion: Conversion) -> None:
    assert conversion.settings == ForegroundSettings(size=512, threshold=0.5)
    assert not conversion.labels


@pytest.mark.parametrize("name", ["refiner.box_filter.weight", "decoder.decode4.gru.ih.0.bias"])
def test_a_file_that_lacks_a_weight_is_refused_by_its_name(file: Path, tmp_path: Path, name: str) -> None:
    """Also one that is not served: what lacks it is another net's."""
    state = torch.load(file)
    del state[name]
    torch.save(state, tmp_path / FILE)
    with pytest.raises(RuntimeError, match=name):
        foreground_segmentation({FILE: tmp_path / FILE})
