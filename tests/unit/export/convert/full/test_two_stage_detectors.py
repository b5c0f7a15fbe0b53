"""Faster R-CNN and Mask R-CNN from files of the published layout with random weights, for a small square."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import onnx
import pytest

torch = pytest.importorskip("torch")

from export.checks import check_graph, opset_of  # noqa: E402
from export.conversion import Conversion  # noqa: E402
from export.convert.coco import COCO_CLASSES  # noqa: E402
from export.convert.full import instance_segmentation, object_detection  # noqa: E402
from export.convert.object_tiles import TILES  # noqa: E402
from tests.repository.checks import REPOSITORIES  # noqa: E402
from tests.unit.export.convert.full import served  # noqa: E402
from tests.unit.export.convert.full.conftest import Published  # noqa: E402
from vision.manifest import Profile  # noqa: E402
from vision.object_detection import ObjectDetectionSettings  # noqa: E402

pytestmark = served.DETECTORS_EXPORT_WARNS

SIDE = 128


@dataclass(frozen=True)
class Case:
    net: str
    module: ModuleType
    convert: Callable[[Mapping[str, Path]], Conversion]
    seed: Callable[[Path], None]
    mask_threshold: float | None


CASES = (
    Case(
        "object_detection_net",
        object_detection,
        object_detection.object_detection,
        object_detection.random_fasterrcnn_resnet50_fpn_coco,
        None,
    ),
    Case(
        "instance_segmentation_detection_net",
        instance_segmentation,
        instance_segmentation.detection,
        instance_segmentation.random_maskrcnn_resnet50_fpn_coco,
        0.5,
    ),
)


@pytest.fixture(scope="module", params=CASES, ids=lambda case: case.net)
def case(request: pytest.FixtureRequest) -> Case:
    found: Case = request.param
    return found


@pytest.fixture(scope="module")
def file(case: Case, published: Published) -> Path:
    return published({case.module.FILE: case.seed})[case.module.FILE]


@pytest.fixture(scope="module")
def conversion(case: Case, file: Path) -> Conversion:
    torch.set_num_threads(2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(case.module, "SIZE", SIDE)
        return case.convert({file.name: file})


def test_the_graph_runs_and_has_the_configs_outputs(case: Case, model: onnx.ModelProto) -> None:
    check_graph(model)
    assert opset_of(model) == 17
    config = REPOSITORIES[Profile.FULL].nets[case.net]
    assert served.configured(config.input) == {"pixels": ["batch", 1024, 1024, 3]}
    assert served.declared(model.graph.input) == {"pixels": ["batch", SIDE, SIDE, 3]}
    assert served.declared(model.graph.output) == served.configured(config.output)


def test_how_the_net_is_fed_and_what_is_answered(case: Case, conversion: Conversion) -> None:
    assert conversion.labels == tuple(COCO_CLASSES.values())
    assert conversion.settings == ObjectDetectionSettings(
        size=1024,
        ample_side=1024,
        fit="padded",
        class_ids=tuple(COCO_CLASSES),
        min_score=0.3,
        max_overlap=0.5,
        max_per_class=100,
        max_detections=100,
        tiles=TILES,
        mask_threshold=case.mask_threshold,
    )


def test_the_file_is_a_state_dict_and_the_same_every_time(case: Case, file: Path, tmp_path: Path) -> None:
    case.seed(tmp_path / "again")
    one, other = (torch.load(path, weights_only=True) for path in (file, tmp_path / "again"))
    assert list(one) == list(other)
    assert all(torch.equal(value, other[name]) for name, value in one.items())


@pytest.mark.parametrize("fault", ["missing", "unknown", "shape"])
def test_a_file_that_is_not_the_published_one_is_refused_by_the_key(
    case: Case, file: Path, tmp_path: Path, fault: str
) -> None:
    state = torch.load(file, weights_only=True)
    key = "rpn.head.bbox_pred.weight"
    if fault == "missing":
        del state[key]
    elif fault == "unknown":
        state["rpn.head.bbox_pred.scale"] = state[key]
    else:
        state[key] = state[key][:-1]
    path = tmp_path / file.name
    torch.save(state, path)
    with pytest.raises(RuntimeError, match=r"rpn\.head\.bbox_pred\."):
        case.convert({path.name: path})
    path.unlink()
