"""The two nets of shelf counting in the layouts that users bring, with random weights."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torchvision.models import resnet50  # noqa: E402
from torchvision.transforms import functional  # noqa: E402

from export.conversion import Conversion  # noqa: E402
from export.convert.full import shelf_counting  # noqa: E402
from export.convert.full.shelf_counting import (  # noqa: E402
    CLASSIFICATION_FILE,
    DETECTION_FILE,
    LABELS_FILE,
)
from export.convert.shelf_settings import TILES  # noqa: E402
from export.own.defaults import CROP_SIZE, SIZE  # noqa: E402
from export.own.plans import read_classifier, read_detector  # noqa: E402
from export.torch_nets.yolov5 import SIZES, ServedYoloV5, YoloV5  # noqa: E402
from tests.unit.export.convert.full import served  # noqa: E402
from tests.unit.export.convert.full.conftest import Published, Seeds  # noqa: E402
from vision.shelf_counting import ShelfClassificationSettings  # noqa: E402
from vision.shelf_detection import ShelfDetectionSettings  # noqa: E402

pytestmark = served.EXPORT_WARNS

PRODUCTS = 171


@dataclass(frozen=True)
class Converted:
    files: dict[str, Path]
    detection: Conversion
    classification: Conversion


@pytest.fixture(scope="module")
def converted(published: Published) -> Converted:
    seeds: Seeds = {
        DETECTION_FILE: shelf_counting.random_detection,
        CLASSIFICATION_FILE: shelf_counting.random_classification,
        LABELS_FILE: shelf_counting.random_products,
    }
    files = published(seeds)
    return Converted(files, shelf_counting.detection(files), shelf_counting.classification(files))


def test_the_files_are_a_yolov5s_and_a_resnet_50(converted: Converted) -> None:
    plan, state, _ = read_detector(converted.files[DETECTION_FILE])
    assert (plan.width, plan.classes, len(state)) == (SIZES["s"].width, 1, 349)
    with torch.device("meta"):
        theirs = YoloV5(*SIZES["s"], classes=1).state_dict()
    assert {name: array.shape for name, array in state.items()} == {
        name: tuple(value.shape) for name, value in theirs.items()
    }
    found, weights = read_classifier(converted.files[CLASSIFICATION_FILE])
    assert (found.name, found.classes, len(weights)) == ("ResNet-50", PRODUCTS, 320)


def test_the_graphs_fit_their_configs_and_are_of_plain_operators(converted: Converted) -> None:
    served.assert_fits("shelf_counting_detection_net", converted.detection.model, SIZE)
    served.assert_fits("shelf_counting_classification_net", converted.classification.model, CROP_SIZE)


def test_the_detector_computes_what_its_module_computes(converted: Converted) -> None:
    stored = torch.load(converted.files[DETECTION_FILE], weights_only=True)["model"]
    net = YoloV5(*SIZES["s"], classes=1)
    net.load_state_dict(stored)
    batch = served.pictures(SIZE, SIZE, count=2)
    with torch.no_grad():
        expected = ServedYoloV5(net).eval()(torch.from_numpy(batch)).numpy()
    computed = served.run(converted.detection.model, batch)["candidates"]
    assert computed.shape == (2, 25200, 6)
    for columns in (slice(0, 4), slice(4, 5), slice(5, 6)):  # pixels would drown scores
        served.assert_same(computed[..., columns], expected[..., columns])


def test_the_classifier_computes_what_torchvisions_module_computes(converted: Converted) -> None:
    net = resnet50(num_classes=PRODUCTS)
    net.load_state_dict(torch.load(converted.files[CLASSIFICATION_FILE], weights_only=True))
    batch = served.pictures(CROP_SIZE, CROP_SIZE)
    scaled = torch.from_numpy(batch).permute(0, 3, 1, 2) / 255
    fed = functional.normalize(scaled, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    with torch.no_grad():
        expected = net.eval()(fed).softmax(dim=1).numpy()
    served.assert_same(served.run(converted.classification.model, batch)["class_probs"], expected)


def test_a_picture_is_answered_the_same_in_a_batch_and_alone(converted: Converted) -> None:
    served.assert_rows_stand_alone(converted.detection.model, served.pictures(SIZE, SIZE, count=2))
    served.assert_rows_stand_alone(converted.classification.model, served.pictures(CROP_SIZE, CROP_SIZE))


def test_few_random_candidates_are_answered(converted: Converted) -> None:
    """Each that is costs a run of the classifier: a server of random nets must still answer in time."""
    settings = converted.detection.settings
    assert isinstance(settings, ShelfDetectionSettings)
    candidates = served.run(converted.detection.model, served.pictures(SIZE, SIZE, count=2))["candidates"]
    answered = (candidates[..., 4] * candidates[..., 5] > settings.min_score).sum(axis=1)
    assert 0 < answered.max() <= 300


def test_the_settings_are_those_of_the_command_for_ones_own(converted: Converted) -> None:
    settings = ShelfDetectionSettings(
        size=640, padding=114, min_score=0.25, max_overlap=0.45, max_detections=1000, tiles=TILES
    )
    assert converted.detection.settings == settings
    assert converted.classification.settings == ShelfClassificationSettings(size=224, max_crops=32)
    assert len(set(converted.classification.labels)) == PRODUCTS


def test_candidates_are_sound_on_no_picture_at_all(converted: Converted) -> None:
    empty = np.zeros((1, SIZE, SIZE, 3), dtype=np.uint8)
    assert np.isfinite(served.run(converted.detection.model, empty)["candidates"]).all()
