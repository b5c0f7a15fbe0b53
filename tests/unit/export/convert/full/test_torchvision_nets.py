"""The nets whose modules torchvision ships, from files of the published layout with random weights."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

torch = pytest.importorskip("torch")

from torch import Tensor  # noqa: E402
from torch.nn import Module  # noqa: E402
from torchvision.models import resnet50  # noqa: E402
from torchvision.models.segmentation import deeplabv3_resnet50  # noqa: E402
from torchvision.transforms import functional  # noqa: E402

from export.conversion import Conversion  # noqa: E402
from export.convert.classification import CLASSES, LABELS_FILE, short_labels  # noqa: E402
from export.convert.full.image_classification import image_classification, random_resnet50  # noqa: E402
from export.convert.full.image_similarity import image_similarity  # noqa: E402
from export.convert.full.places365 import PLACES365  # noqa: E402
from export.convert.full.scene_classification import (  # noqa: E402
    random_resnet50_places365,
    scene_classification,
)
from export.convert.full.semantic_segmentation import (  # noqa: E402
    random_deeplabv3_resnet50_coco,
    semantic_segmentation,
)
from modelhub_pictures.voc import VOC_CLASSES  # noqa: E402
from tests.unit.export.convert.full import served  # noqa: E402
from tests.unit.export.convert.full.conftest import Published  # noqa: E402
from vision.classification import ClassificationSettings  # noqa: E402
from vision.semantic_segmentation import SemanticSegmentationSettings  # noqa: E402
from vision.similarity import SimilaritySettings  # noqa: E402
from vision.tensors import Picture  # noqa: E402

pytestmark = served.EXPORT_WARNS

State = dict[str, Tensor]
Answer = Callable[[Module, Tensor], Tensor]

LINES = [f"name {index}, Genus {index}" for index in range(CLASSES)]
MEAN, DEVIATION = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]


def classifier(net: Module, pixels: Tensor) -> Tensor:
    return net(pixels).softmax(dim=1)


def features(net: Module, pixels: Tensor) -> Tensor:
    net.fc = torch.nn.Identity()
    return torch.nn.functional.normalize(net(pixels), dim=1)


def segmentation(net: Module, pixels: Tensor) -> Tensor:
    """Before torchvision's `forward` enlarges it."""
    return net.classifier(net.backbone(pixels)["out"]).softmax(dim=1).permute(0, 2, 3, 1)


def deeplab() -> Module:
    return deeplabv3_resnet50(weights=None, weights_backbone=None, num_classes=21, aux_loss=True)


@dataclass(frozen=True)
class Case:
    net: str
    convert: Callable[[Mapping[str, Path]], Conversion]
    file: str
    seed: Callable[[Path], None]
    module: Callable[[], Module]
    answer: Answer
    output: str
    side: int
    keys: int
    """In the published file."""


CASES = (
    Case(
        "image_classification_net", image_classification, "resnet50-11ad3fa6.pth", random_resnet50,
        resnet50, classifier, "probs", 224, 320,
    ),
    Case(
        "image_similarity_net", image_similarity, "resnet50-11ad3fa6.pth", random_resnet50,
        resnet50, features, "features", 224, 320,
    ),
    Case(
        "scene_classification_net", scene_classification, "resnet50_places365.pth.tar",
        random_resnet50_places365, lambda: resnet50(num_classes=365), classifier, "probs", 224, 267,
    ),
    Case(
        "semantic_segmentation_net", semantic_segmentation, "deeplabv3_resnet50_coco-cd0a2569.pth",
        random_deeplabv3_resnet50_coco, deeplab, segmentation, "class_probs", 520, 370,
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Converted:
    case: Case
    state: State
    conversion: Conversion


@pytest.fixture(scope="module", params=CASES, ids=lambda case: case.net)
def converted(request: pytest.FixtureRequest, published: Published) -> Converted:
    case: Case = request.param
    torch.set_num_threads(2)
    files = published({case.file: case.seed, LABELS_FILE: write_labels})
    return Converted(case, stored(files[case.file]), case.convert(files))


def write_labels(path: Path) -> None:
    path.write_text("\n".join(LINES))


def stored(path: Path) -> State:
    """As PyTorch reads the file: nothing of ours."""
    found = torch.load(path, weights_only=True)
    return dict(found.get("state_dict", found))


def test_the_file_has_every_key_and_shape_of_torchvisions_module(converted: Converted) -> None:
    ours = {name.removeprefix("module."): tuple(value.shape) for name, value in converted.state.items()}
    theirs = {name: tuple(value.shape) for name, value in converted.case.module().state_dict().items()}
    assert len(converted.state) == converted.case.keys
    assert ours == {name: shape for name, shape in theirs.items() if name in ours}
    assert all(name.endswith("num_batches_tracked") for name in theirs.keys() - ours.keys())


def test_places365_was_saved_from_several_gpus_before_batches_were_counted(tmp_path: Path) -> None:
    random_resnet50_places365(tmp_path / "a")
    whole = torch.load(tmp_path / "a", weights_only=True)
    assert set(whole) == {"epoch", "arch", "state_dict", "best_prec1"}
    assert all(name.startswith("module.") for name in whole["state_dict"])
    assert not any(name.endswith("num_batches_tracked") for name in whole["state_dict"])


def test_seeded_weights_are_the_same_every_time(converted: Converted, tmp_path: Path) -> None:
    converted.case.seed(tmp_path / "again")
    again = stored(tmp_path / "again")
    assert all(torch.equal(value, again[name]) for name, value in converted.state.items())


def test_the_graph_fits_its_config_and_is_of_plain_operators(converted: Converted) -> None:
    served.assert_fits(converted.case.net, converted.conversion.model, converted.case.side)


def expected(case: Case, state: State, batch: Picture) -> NDArray[np.float32]:
    """torchvision's own module, loaded by PyTorch and fed as torchvision feeds it."""
    module = case.module()
    module.load_state_dict({name.removeprefix("module."): value for name, value in state.items()})
    scaled = torch.from_numpy(batch).permute(0, 3, 1, 2) / 255
    with torch.no_grad():
        answer = case.answer(module.eval(), functional.normalize(scaled, MEAN, DEVIATION))
    values: NDArray[np.float32] = answer.numpy()
    return values


def test_it_computes_what_torchvisions_module_computes(converted: Converted) -> None:
    batch = served.pictures(converted.case.side, converted.case.side)
    computed = served.run(converted.conversion.model, batch)
    assert list(computed) == [converted.case.output]
    served.assert_same(computed[converted.case.output], expected(converted.case, converted.state, batch))


def test_a_picture_is_answered_the_same_in_a_batch_and_alone(converted: Converted) -> None:
    served.assert_rows_stand_alone(
        converted.conversion.model, served.pictures(converted.case.side, converted.case.side)
    )


@pytest.mark.parametrize("fault", ["missing", "unknown", "shape"])
def test_a_file_that_is_not_the_published_one_is_refused_by_the_key(
    converted: Converted, tmp_path: Path, fault: str
) -> None:
    state = dict(converted.state)
    key = next(name for name in state if name.endswith("layer1.0.conv1.weight"))
    if fault == "missing":
        del state[key]
    elif fault == "unknown":
        state[key.replace("conv1", "conv9")] = state[key]
    else:
        state[key] = state[key][:-1]
    files = {name: tmp_path / name for name in (converted.case.file, LABELS_FILE)}
    torch.save({"state_dict": state}, files[converted.case.file])
    write_labels(files[LABELS_FILE])
    with pytest.raises(RuntimeError, match=r"layer1\.0\.conv[19]\.weight"):
        converted.case.convert(files)


def test_probabilities_sum_to_one_and_features_are_of_unit_length(converted: Converted) -> None:
    batch = served.pictures(converted.case.side, converted.case.side, count=1)
    (values,) = served.run(converted.conversion.model, batch).values()
    if converted.case.output == "features":
        assert values.min() >= 0
        np.testing.assert_allclose(np.linalg.norm(values, axis=1), 1, rtol=1e-5)
    else:
        np.testing.assert_allclose(values.sum(axis=-1), 1, rtol=1e-5)


def test_pictures_without_features_are_alike_and_no_division_by_zero(tmp_path: Path) -> None:
    """Where every activation is 0, the vector is 0 too."""
    net = resnet50()
    torch.nn.init.zeros_(net.layer4[2].bn3.weight)
    torch.nn.init.constant_(net.layer4[2].bn3.bias, -1e9)
    torch.save(net.state_dict(), tmp_path / "resnet50-11ad3fa6.pth")
    model = image_similarity({"resnet50-11ad3fa6.pth": tmp_path / "resnet50-11ad3fa6.pth"}).model
    assert not served.run(model, served.pictures(224, 224))["features"].any()


def test_how_the_nets_are_fed_and_what_they_call_their_classes(converted: Converted) -> None:
    settings, labels = converted.conversion.settings, converted.conversion.labels
    match converted.case.net:
        case "image_classification_net":
            assert settings == ClassificationSettings(224, 224 / 232, "bilinear")
            assert labels == short_labels(LINES)
        case "scene_classification_net":
            assert settings == ClassificationSettings(224, 224 / 256, "bilinear")
            assert labels == PLACES365
        case "image_similarity_net":
            assert isinstance(settings, SimilaritySettings)
            assert (settings.size, settings.kernel) == (224, "bilinear")
            assert settings.fitted_on.startswith("not fitted")
            assert not labels
        case _:
            assert settings == SemanticSegmentationSettings(520)
            assert labels == VOC_CLASSES
