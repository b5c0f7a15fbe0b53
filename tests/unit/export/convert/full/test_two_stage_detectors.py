"""Faster R-CNN and Mask R-CNN from files of the published layout with random weights, for a small square."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import onnx
import pytest

torch = pytest.importorskip("torch")

from export.checks import check_graph, opset_of  # noqa: E402
from export.conversion import Conversion  # noqa: E402
from export.convert.coco import COCO_CLASSES  # noqa: E402
from export.convert.full import instance_segmentation, object_detection  # noqa: E402
from tests.repository.checks import REPOSITORIES  # noqa: E402
from vision.manifest import Profile  # noqa: E402
from vision.object_detection import ObjectDetectionSettings  # noqa: E402

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # of PyTorch's own exporter
    pytest.mark.filterwarnings("ignore:Constant folding:UserWarning"),
    pytest.mark.filterwarnings("ignore:torch.tensor results are registered"),  # of torchvision's box coder
]

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
        object_detection.seeded_fasterrcnn_resnet50_fpn_coco,
        None,
    ),
    Case(
        "instance_segmentation_detection_net",
        instance_segmentation,
        instance_segmentation.detection,
        instance_segmentation.seeded_maskrcnn_resnet50_fpn_coco,
        0.5,
    ),
)


@dataclass(frozen=True)
class Converted:
    case: Case
    path: Path
    conversion: Conversion


@pytest.fixture(scope="module", params=CASES, ids=lambda case: case.net)
def converted(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Converted]:
    case: Case = request.param
    path = tmp_path_factory.mktemp(case.net) / case.module.FILE
    torch.set_num_threads(2)
    case.seed(path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(case.module, "SIZE", SIDE)
        conversion = case.convert({path.name: path})
    yield Converted(case, path, conversion)
    path.unlink()


def test_the_graph_runs_and_has_the_configs_outputs(converted: Converted) -> None:
    model = converted.conversion.model
    check_graph(model)
    assert opset_of(model) == 17
    config = REPOSITORIES[Profile.FULL].nets[converted.case.net]
    assert configured(config.input) == {"pixels": ["batch", 1024, 1024, 3]}
    assert declared(model.graph.input) == {"pixels": ["batch", SIDE, SIDE, 3]}
    assert declared(model.graph.output) == configured(config.output)


def configured(tensors: Iterable[Any]) -> dict[str, list[str | int]]:
    return {one.name: ["batch", *one.dims] for one in tensors}


def declared(tensors: Iterable[onnx.ValueInfoProto]) -> dict[str, list[str | int]]:
    return {
        one.name: [dim.dim_param or dim.dim_value for dim in one.type.tensor_type.shape.dim]
        for one in tensors
    }


def test_how_the_net_is_fed_and_what_is_answered(converted: Converted) -> None:
    assert converted.conversion.labels == tuple(COCO_CLASSES.values())
    assert converted.conversion.settings == ObjectDetectionSettings(
        size=1024,
        ample_side=1024,
        fit="padded",
        class_ids=tuple(COCO_CLASSES),
        min_score=0.3,
        max_overlap=0.5,
        max_per_class=100,
        max_detections=100,
        mask_threshold=converted.case.mask_threshold,
    )


def test_the_file_is_a_state_dict_and_the_same_every_time(converted: Converted, tmp_path: Path) -> None:
    converted.case.seed(tmp_path / "again")
    one, other = (torch.load(path, weights_only=True) for path in (converted.path, tmp_path / "again"))
    assert list(one) == list(other)
    assert all(torch.equal(value, other[name]) for name, value in one.items())


@pytest.mark.parametrize("fault", ["missing", "unknown", "shape"])
def test_a_file_that_is_not_the_published_one_is_refused_by_the_key(
    converted: Converted, tmp_path: Path, fault: str
) -> None:
    state = torch.load(converted.path, weights_only=True)
    key = "rpn.head.bbox_pred.weight"
    if fault == "missing":
        del state[key]
    elif fault == "unknown":
        state["rpn.head.bbox_pred.scale"] = state[key]
    else:
        state[key] = state[key][:-1]
    path = tmp_path / converted.path.name
    torch.save(state, path)
    with pytest.raises(RuntimeError, match=r"rpn\.head\.bbox_pred\."):
        converted.case.convert({path.name: path})
    path.unlink()
