"""Shelf counting without a server: the choice among candidates, the crops' names, and the counts."""

import asyncio
import json
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from export.convert.shelf_settings import TILES
from modelhub_pictures.errors import NotAnImage
from tests.hazards import encode
from tests.unit.vision.stages import manifest, payload
from vision.shelf_counting import (
    ShelfClassificationSettings,
    ShelfCountingPostprocess,
    ShelfCountingPreprocess,
    product_counts,
)
from vision.shelf_detection import ShelfDetectionSettings
from vision.tensors import Picture, Tensors

SIZE, CROP, BATCH = 640, 8, 32
EXAMPLE = Path(__file__).with_name("shelf_example.json")
"""Names and counts of the published page's example."""
COLOURS = {"red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255)}

ONE_SEARCH = msgspec.structs.replace(TILES, small_product=0.0)
"""How tiles are searched, its own test says."""
DETECTION = ShelfDetectionSettings(
    size=SIZE, padding=114, min_score=0.25, max_overlap=0.45, max_detections=1000, tiles=ONE_SEARCH
)
CLASSIFICATION = ShelfClassificationSettings(size=CROP, max_crops=BATCH)
DETECTOR = manifest(DETECTION)


class Classifier:
    """Stands for the net: each channel is a class, its probability the channel's mean in the crop's middle.

    Not at its edges, into which resampling blends what is beside the box.
    """

    def __init__(self) -> None:
        self.batches: list[int] = []

    async def infer(self, net: str, tensors: Tensors) -> Tensors:
        crops = tensors["crops"]
        assert net == "classifier"
        assert crops.shape[1:] == (CROP, CROP, 3)
        assert crops.dtype == np.uint8
        self.batches.append(len(crops))
        return {"class_probs": (crops[:, 2:-2, 2:-2].mean(axis=(1, 2)) / 255).astype(np.float32)}


def count(picture: Picture, rows: list[tuple[float, ...]], classifier: Classifier | None = None) -> Tensors:
    """The answer for candidates in pixels of `picture`, by way of the letterbox that it has."""
    classifier = classifier or Classifier()
    classification = manifest(CLASSIFICATION, tuple(COLOURS), "classifier")
    working = ShelfCountingPreprocess(DETECTOR)(payload(encode(Image.fromarray(picture), "PNG")))
    y_scale, x_scale, top, left = working["geometry"]
    table = np.array(rows, dtype=np.float32).reshape(len(rows), -1 if rows else 6)
    candidates = table * ([x_scale, y_scale] * 2 + [1] * (table.shape[1] - 4))
    candidates += [left, top] + [0] * (table.shape[1] - 2)
    stage = ShelfCountingPostprocess(DETECTOR, classification)
    return asyncio.run(
        stage(candidates.astype(np.float32), working["picture"], working["geometry"], infer=classifier.infer)
    )


def names(answer: Tensors) -> list[str]:
    return [name.decode() for name in answer["detection_class_names"]]


def counts(answer: Tensors) -> dict[str, int]:
    products = [name.decode() for name in answer["product_names"]]
    return dict(zip(products, answer["product_counts"].tolist(), strict=True))


def shelf(height: int, width: int, *bottles: tuple[int, int, int, int, str]) -> Picture:
    """A grey picture with filled boxes (top, left, bottom, right) of a named colour."""
    picture = np.full((height, width, 3), 90, dtype=np.uint8)
    for top, left, bottom, right, colour in bottles:
        picture[top:bottom, left:right] = COLOURS[colour]
    return picture


def candidate(top: float, left: float, bottom: float, right: float, *scores: float) -> tuple[float, ...]:
    return ((left + right) / 2, (top + bottom) / 2, right - left, bottom - top, *scores)


def test_the_pages_example_is_counted_exactly() -> None:
    example = json.loads(EXAMPLE.read_text())
    assert len(example["detection_class_names"]) == 244
    counted = product_counts(example["detection_class_names"])
    assert list(counted.items()) == list(example["product_count"].items())
    assert len(counted) == 73


@given(st.lists(st.sampled_from("abcdef")))
def test_every_name_is_counted_once_in_order_of_appearance(found: list[str]) -> None:
    counted = product_counts(found)
    assert list(counted) == sorted(set(found), key=found.index)
    assert all(number == found.count(name) for name, number in counted.items())


def test_bottles_are_boxed_named_and_counted() -> None:
    bottles = ((10, 10, 90, 40, "red"), (10, 60, 90, 90, "blue"), (110, 10, 190, 40, "red"))
    scores = (0.9, 0.8, 0.7)
    answer = count(
        shelf(200, 100, *bottles),
        [candidate(*box, score, 1.0) for (*box, _), score in zip(bottles, scores, strict=True)],
    )
    np.testing.assert_allclose(answer["detection_boxes"], [box for *box, _ in bottles], atol=1e-3)
    np.testing.assert_allclose(answer["detection_scores"], scores, atol=0.01)
    assert names(answer) == ["red", "blue", "red"]
    assert answer["detection_classes"].tolist() == [0, 2, 0]
    assert counts(answer) == {"red": 2, "blue": 1}
    assert answer["ori_img_shape"].tolist() == [200, 100]
    assert {name: array.dtype for name, array in answer.items()} == {
        "detection_boxes": np.float32,
        "detection_scores": np.float32,
        "detection_classes": np.int32,
        "detection_class_names": np.object_,
        "product_names": np.object_,
        "product_counts": np.int32,
        "ori_img_shape": np.int32,
    }


def test_both_scores_are_combined_and_decide_the_order() -> None:
    """The surer detection is the less sure product: half of its box is grey."""
    picture = shelf(100, 100, (10, 10, 90, 40, "red"), (10, 60, 50, 90, "green"))
    picture[50:90, 60:90] = 0
    answer = count(picture, [candidate(10, 60, 90, 90, 1.0, 0.9), candidate(10, 10, 90, 40, 0.8, 1.0)])
    assert names(answer) == ["red", "green"]
    np.testing.assert_allclose(answer["detection_scores"], [0.8, 0.9 * 0.5], atol=0.02)
    assert list(counts(answer)) == ["red", "green"]


def test_a_detectors_best_class_makes_its_score() -> None:
    rows = [
        candidate(10, 10, 40, 40, 0.5, 0.4, 0.6, 0.1),  # 0.3
        candidate(50, 10, 80, 40, 0.5, 0.4, 0.4, 0.4),  # 0.2, below the threshold
    ]
    answer = count(shelf(100, 100, (0, 0, 100, 100, "blue")), rows)
    np.testing.assert_allclose(answer["detection_boxes"], [[10, 10, 40, 40]], atol=1e-3)
    np.testing.assert_allclose(answer["detection_scores"], [0.3], atol=1e-3)


def test_of_boxes_on_one_bottle_the_best_stays_whatever_their_classes() -> None:
    rows = [candidate(10, 10, 90, 40, 0.6, 1, 0), candidate(12, 11, 91, 41, 0.9, 0, 1)]
    answer = count(shelf(100, 100, (0, 0, 100, 100, "green")), rows)
    np.testing.assert_allclose(answer["detection_boxes"], [[12, 11, 91, 41]], atol=1e-3)


def test_boxes_are_clipped_and_those_on_the_padding_alone_dropped() -> None:
    rows = [candidate(-20, -10, 40, 30, 0.9, 1), candidate(-60, 10, -10, 60, 0.9, 1)]
    answer = count(shelf(100, 200, (0, 0, 100, 200, "red")), rows)
    np.testing.assert_allclose(answer["detection_boxes"], [[0, 0, 40, 30]], atol=1e-3)
    assert counts(answer) == {"red": 1}


@pytest.mark.parametrize("columns", [6, 8])
def test_none_is_an_answer(columns: int) -> None:
    classifier = Classifier()
    answer = count(shelf(30, 50), [(25.0, 15.0, 5.0, 5.0, 0.1) + (1.0,) * (columns - 5)], classifier)
    shapes = {name: array.shape for name, array in answer.items()}
    assert shapes == {
        "detection_boxes": (0, 4),
        "detection_scores": (0,),
        "detection_classes": (0,),
        "detection_class_names": (0,),
        "product_names": (0,),
        "product_counts": (0,),
        "ori_img_shape": (2,),
    }
    assert classifier.batches == []


def full_shelf(rows: int, columns: int) -> tuple[Picture, list[tuple[int, int, int, int, str]]]:
    colours = list(COLOURS)
    bottles = [
        (30 * row + 4, 12 * column + 2, 30 * row + 28, 12 * column + 10, colours[(row + column) % 3])
        for row in range(rows)
        for column in range(columns)
    ]
    return shelf(30 * rows, 12 * columns, *bottles), bottles


def test_hundreds_of_bottles_come_through_with_dozens_of_candidates_each() -> None:
    picture, bottles = full_shelf(20, 40)
    random = np.random.default_rng(1)
    rows = [
        candidate(*(np.array(box) + random.normal(0, 0.4, 4)).tolist(), 0.5 + 0.3 * random.random(), 1.0)
        for *box, _ in bottles
        for _ in range(12)
    ]
    classifier = Classifier()
    answer = count(picture, rows, classifier)
    assert len(answer["detection_boxes"]) == len(bottles) == 800
    assert classifier.batches == [BATCH] * (800 // BATCH)
    where = {tuple((box[:2] // (30, 12)).astype(int)): index for index, box in enumerate(
        answer["detection_boxes"])}  # fmt: skip
    assert len(where) == 800
    found = names(answer)
    assert [found[where[top // 30, left // 12]] for top, left, *_ in bottles] == [row[4] for row in bottles]
    assert sum(counts(answer).values()) == 800


def test_the_last_batch_is_as_short_as_it_must_be() -> None:
    picture, bottles = full_shelf(7, 10)
    classifier = Classifier()
    answer = count(picture, [candidate(*box, 0.9, 1.0) for *box, _ in bottles], classifier)
    assert len(answer["detection_scores"]) == 70
    assert sorted(classifier.batches) == [6, 32, 32]


def test_the_picture_is_kept_whole_for_the_crops() -> None:
    picture = shelf(1500, 900, (100, 100, 300, 180, "red"))
    working = ShelfCountingPreprocess(DETECTOR)(payload(encode(Image.fromarray(picture), "PNG")))
    assert np.array_equal(working["picture"], picture)
    assert working["pixels"].shape == (SIZE, SIZE, 3)
    assert working["pixels"].dtype == np.uint8
    assert working["geometry"].dtype == np.float32
    assert working["geometry"].tolist() == pytest.approx([SIZE / 1500, 384 / 900, 0, 128])


def test_what_is_no_picture_is_refused() -> None:
    with pytest.raises(NotAnImage):
        ShelfCountingPreprocess(DETECTOR)(payload(b"no picture"))
