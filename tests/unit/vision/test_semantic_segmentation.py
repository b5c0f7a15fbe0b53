"""From a coarse grid of class probabilities to the class of every pixel."""

import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter

from modelhub_pictures.errors import NotAnImage
from tests.hazards import Hazard, encode, every_answered, scene
from tests.unit.vision.stages import manifest, payload
from vision.resize import enlarge_in_tiles
from vision.semantic_segmentation import (
    SemanticSegmentationPostprocess,
    SemanticSegmentationPreprocess,
    SemanticSegmentationSettings,
    can_win,
    most_probable,
)

SIDE = 32
LABELS = ("background", "aeroplane", "bicycle", "bird")
NET = manifest(SemanticSegmentationSettings(size=SIDE), LABELS)
SHAPES = [((9, 7), (41, 83)), ((8, 8), (300, 1200)), ((1, 1), (5, 6)), ((6, 5), (1, 1)), ((12, 3), (7, 2))]

Map = NDArray[np.float32]
Kind = Callable[[np.random.Generator, tuple[int, int]], Map]


def softmax(logits: NDArray[np.float64]) -> Map:
    powers: NDArray[np.float64] = np.exp(logits - logits.max(axis=2, keepdims=True))
    powers /= powers.sum(axis=2, keepdims=True)
    return powers.astype(np.float32)


def noise(random: np.random.Generator, shape: tuple[int, int], classes: int = 21) -> Map:
    return softmax(random.standard_normal((*shape, classes)) * 2)


def blobs(random: np.random.Generator, shape: tuple[int, int], classes: int = 21) -> Map:
    smooth: NDArray[np.float64] = gaussian_filter(random.standard_normal((*shape, classes)), (2, 2, 0))
    return softmax(smooth * 60)


def ties(random: np.random.Generator, shape: tuple[int, int], classes: int = 21) -> Map:
    return random.choice([0.25, 0.5], (*shape, classes)).astype(np.float32)


def plain(class_probs: Map, height: int, width: int) -> tuple[Map, NDArray[np.intp]]:
    """All classes enlarged to the full size, then the largest."""
    whole = np.empty((height, width, class_probs.shape[2]), dtype=np.float32)
    for one in range(class_probs.shape[2]):
        for rows, columns, values in enlarge_in_tiles(
            np.ascontiguousarray(class_probs[..., one]), height, width
        ):
            whole[rows, columns, one] = values
    return whole.max(axis=2), whole.argmax(axis=2)


@pytest.mark.parametrize("kind", [noise, blobs, ties])
@pytest.mark.parametrize(("grid", "size"), SHAPES)
def test_the_answer_is_that_of_enlarging_every_class(
    kind: Kind, grid: tuple[int, int], size: tuple[int, int]
) -> None:
    random = np.random.default_rng(3)
    for _ in range(4):
        class_probs = kind(random, grid)
        probs, preds = most_probable(class_probs, *size)
        values, classes = plain(class_probs, *size)
        assert np.array_equal(preds, classes)
        assert np.array_equal(probs, np.round(values, 4))


def test_few_classes_are_enlarged_where_few_can_win() -> None:
    class_probs = blobs(np.random.default_rng(0), (40, 40))
    possible = can_win(class_probs)
    assert possible.any(axis=2).all()
    assert possible.sum(axis=2).mean() < 3
    corner = np.zeros((2, 2, 3), dtype=np.float32)
    corner[..., 0], corner[0, 0] = 0.9, (0.1, 0.6, 0.3)
    assert can_win(corner)[0, 0].tolist() == [True, True, True]
    assert can_win(corner)[1, 1].tolist() == [True, False, False]


def test_what_cannot_win_anywhere_may_be_probable_everywhere() -> None:
    class_probs = np.full((4, 4, 2), 0.6, dtype=np.float32)
    class_probs[..., 0] = 0.4
    probs, preds = most_probable(class_probs, 10, 10)
    assert (preds == 1).all()
    assert (probs == np.float32(0.6)).all()


def test_twelve_megapixels_take_little_more_memory_than_the_answer() -> None:
    class_probs = blobs(np.random.default_rng(0), (80, 80))
    tracemalloc.start()
    try:
        probs, preds = most_probable(class_probs, 3000, 4000)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1.3 * (probs.nbytes + preds.nbytes)


def test_the_answer_has_the_pictures_size_and_the_contracts_types() -> None:
    class_probs = noise(np.random.default_rng(1), (8, 8), len(LABELS))
    answer = SemanticSegmentationPostprocess(NET)(class_probs, np.array([30, 50], dtype=np.int32))
    assert {name: (array.shape, array.dtype.name) for name, array in answer.items()} == {
        "probs": ((30, 50), "float32"),
        "preds": ((30, 50), "uint8"),
    }
    assert set(np.unique(answer["preds"])) == {0, 1, 2, 3}
    assert 1 / len(LABELS) <= answer["probs"].min() <= answer["probs"].max() <= 1


def test_probabilities_read_back_from_four_decimals_as_they_are() -> None:
    class_probs = noise(np.random.default_rng(2), (8, 8), len(LABELS))
    probs = SemanticSegmentationPostprocess(NET)(class_probs, np.array([40, 40]))["probs"]
    texts = [f"{value:.4f}" for value in probs.ravel().tolist()]
    assert np.array_equal(np.array([float(text) for text in texts], dtype=np.float32), probs.ravel())


def test_a_net_of_other_classes_is_refused() -> None:
    class_probs = noise(np.random.default_rng(1), (8, 8), 21)
    with pytest.raises(ValueError, match="21 classes, 4 labels"):
        SemanticSegmentationPostprocess(NET)(class_probs, np.array([30, 50], dtype=np.int32))


@every_answered
def test_every_hazard_gives_the_nets_shape_and_its_upright_size(hazard: Hazard) -> None:
    tensors = SemanticSegmentationPreprocess(NET)(payload(hazard.make()))
    assert tensors["pixels"].shape == (SIDE, SIDE, 3)
    assert tensors["pixels"].dtype == np.uint8
    assert tensors["picture_size"].tolist() == list(hazard.upright[::-1])
    assert tensors["picture_size"].dtype == np.int32


def test_a_picture_is_squashed_with_antialiasing() -> None:
    tensors = SemanticSegmentationPreprocess(NET)(payload(encode(scene(), "PNG")))
    expected = scene().resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    assert np.array_equal(tensors["pixels"], np.asarray(expected))


def test_a_bad_picture_raises_its_error() -> None:
    with pytest.raises(NotAnImage):
        SemanticSegmentationPreprocess(NET)(payload(b"\x00\x01\x02"))
