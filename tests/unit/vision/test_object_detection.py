"""Anchors, decoding and choice of an SSD's detections, and what its net is fed."""

from math import log, sqrt

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from tests.hazards import HAZARDS, Hazard, encode, scene
from vision.errors import NotAnImage
from vision.manifest import Manifest
from vision.object_detection import (
    AnchorLayer,
    ObjectDetectionPostprocess,
    ObjectDetectionPreprocess,
    ObjectDetectionSettings,
    anchors,
    decode_boxes,
    reduced,
)
from vision.resize import resize_bilinear_exact
from vision.tensors import Tensors

ANSWERED = [hazard for hazard in HAZARDS if hazard.code is None]
LAYERS = (
    AnchorLayer(cells=2, shapes=((0.5, 1.0),)),
    AnchorLayer(cells=1, shapes=((1.0, 1.0), (0.5, 4.0))),
)
SETTINGS = ObjectDetectionSettings(
    size=32,
    ample_side=40,
    layers=LAYERS,
    centre_scale=10.0,
    size_scale=5.0,
    class_ids=(1, 3),
    min_score=0.3,
    max_overlap=0.6,
    max_per_class=2,
    max_detections=3,
)
PERSON, UNUSED, CAR = 1, 2, 3
COLUMNS = 4
SIZE = np.array([200, 100], dtype=np.int32)


def manifest(**changes: object) -> Manifest:
    settings = msgspec.to_builtins(msgspec.structs.replace(SETTINGS, **changes))
    return Manifest(
        net="n", profile="lite", sources=(), onnx_sha256="", opset=17, recipe="",
        labels=("person", "car"), settings=settings,
    )  # fmt: skip


def answer(scores: dict[tuple[int, int], float], **changes: object) -> Tensors:
    """The answer where (anchor, column) have these scores, all others nearly none, and boxes are anchors."""
    logits = np.full((6, COLUMNS), -9, dtype=np.float32)
    for place, score in scores.items():
        logits[place] = log(score / (1 - score))
    return ObjectDetectionPostprocess(manifest(**changes))(np.zeros((6, 4), dtype=np.float32), logits, SIZE)


def payload(file: bytes) -> NDArray[np.object_]:
    return np.array([file], dtype=np.object_)


def test_anchors_go_by_layer_row_column_and_shape() -> None:
    expected = [
        [0.25, 0.25, 0.5, 0.5],
        [0.25, 0.75, 0.5, 0.5],
        [0.75, 0.25, 0.5, 0.5],
        [0.75, 0.75, 0.5, 0.5],
        [0.5, 0.5, 1.0, 1.0],
        [0.5, 0.5, 0.25, 1.0],
    ]
    assert anchors(LAYERS).tolist() == expected
    assert anchors(LAYERS).dtype == np.float32


def test_an_encoding_of_zeros_is_the_anchor() -> None:
    boxes = decode_boxes(np.zeros((6, 4), dtype=np.float32), anchors(LAYERS), 10, 5)
    assert boxes[1].tolist() == [0.0, 0.5, 0.5, 1.0]
    assert boxes[5].tolist() == [0.375, 0.0, 0.625, 1.0]
    assert boxes.dtype == np.float32


def test_encodings_move_and_stretch_the_anchor() -> None:
    encoding = np.array([[10 * 0.5, 10 * -0.25, 5 * log(0.5), 5 * log(0.25)]], dtype=np.float32)
    anchor = np.array([[0.4, 0.6, 0.2, 0.4]], dtype=np.float32)
    (box,) = decode_boxes(encoding, anchor, 10, 5)  # centre (0.5, 0.5), height 0.1, width 0.1
    np.testing.assert_allclose(box, [0.45, 0.45, 0.55, 0.55], atol=1e-6)


def test_boxes_are_clipped_to_the_picture() -> None:
    encoding = np.array([[0, 0, 5 * log(100), 0]], dtype=np.float32)
    (box,) = decode_boxes(encoding, np.array([[0.5, 0.5, 0.5, 0.5]], dtype=np.float32), 10, 5)
    assert box.tolist() == [0.0, 0.25, 1.0, 0.75]


def test_the_answer_is_in_pixels_the_surest_first() -> None:
    found = answer({(0, PERSON): 0.5, (5, CAR): 0.75})
    assert found["detection_boxes"].tolist() == [[75, 0, 125, 100], [0, 0, 100, 50]]
    np.testing.assert_allclose(found["detection_scores"], [0.75, 0.5], atol=1e-6)
    assert found["detection_classes"].tolist() == [CAR, PERSON]
    assert found["detection_class_names"].tolist() == [b"car", b"person"]
    dtypes = {name: array.dtype for name, array in found.items()}
    assert dtypes == {
        "detection_boxes": np.float32,
        "detection_scores": np.float32,
        "detection_classes": np.int32,
        "detection_class_names": np.object_,
    }


def test_background_and_unused_columns_are_no_classes() -> None:
    assert not answer({(0, 0): 0.99, (1, UNUSED): 0.99})["detection_scores"].size


def test_one_anchor_may_be_two_things() -> None:
    assert answer({(4, PERSON): 0.9, (4, CAR): 0.8})["detection_classes"].tolist() == [PERSON, CAR]


def test_only_what_is_over_the_least_score_is_answered() -> None:
    found = answer({(0, PERSON): 0.301, (3, PERSON): 0.299})
    np.testing.assert_allclose(found["detection_scores"], [0.301], atol=1e-6)


def test_nothing_is_an_answer_with_every_key() -> None:
    found = answer({})
    assert {name: array.shape for name, array in found.items()} == {
        "detection_boxes": (0, 4),
        "detection_scores": (0,),
        "detection_classes": (0,),
        "detection_class_names": (0,),
    }


@pytest.mark.parametrize(
    ("changes", "left"), [({}, 3), ({"max_per_class": 1}, 2), ({"max_detections": 1}, 1)]
)
def test_there_are_limits_of_a_class_and_of_all(changes: dict[str, object], left: int) -> None:
    everywhere = {(anchor, column): 0.9 for anchor in range(4) for column in (PERSON, CAR)}
    assert len(answer(everywhere, **changes)["detection_scores"]) == left


def test_a_box_beside_the_picture_is_not_answered() -> None:
    logits = np.full((6, COLUMNS), -9, dtype=np.float32)
    logits[0, PERSON] = 9
    encodings = np.zeros((6, 4), dtype=np.float32)
    encodings[0, 0] = -100  # ten anchors up
    found = ObjectDetectionPostprocess(manifest())(encodings, logits, SIZE)
    assert not found["detection_scores"].size


def test_names_and_class_ids_must_be_as_many() -> None:
    with pytest.raises(ValueError, match="shorter"):
        ObjectDetectionPostprocess(manifest(class_ids=(1, 2, 3)))


@pytest.mark.parametrize("hazard", ANSWERED, ids=[hazard.name for hazard in ANSWERED])
def test_every_hazard_gives_the_nets_shape_and_its_upright_size(hazard: Hazard) -> None:
    tensors = ObjectDetectionPreprocess(manifest())(payload(hazard.make()))
    assert tensors["pixels"].shape == (32, 32, 3)
    assert tensors["pixels"].dtype == np.float32
    assert tensors["picture_size"].tolist() == [hazard.upright[1], hazard.upright[0]]
    assert tensors["picture_size"].dtype == np.int32


def test_an_ordinary_picture_is_squashed_as_tensorflow_does() -> None:
    tensors = ObjectDetectionPreprocess(manifest())(payload(encode(scene(), "PNG")))
    expected = resize_bilinear_exact(np.asarray(scene()), 32, 32)
    assert np.array_equal(tensors["pixels"], expected)


def test_a_bad_picture_raises_its_error() -> None:
    with pytest.raises(NotAnImage):
        ObjectDetectionPreprocess(manifest())(payload(b"\x00\x01\x02"))


@pytest.mark.parametrize(
    ("size", "expected"),
    [((79, 79), (79, 79)), ((80, 79), (40, 79)), ((200, 120), (40, 40)), ((10, 401), (10, 41))],
)
def test_long_sides_alone_are_reduced_and_stay_ample(
    size: tuple[int, int], expected: tuple[int, int]
) -> None:
    assert reduced(Image.new("RGB", size), 40).size == expected


def test_what_lies_between_samples_is_seen_in_a_large_picture() -> None:
    pixels = np.zeros((320, 320, 3), dtype=np.uint8)
    pixels[:, 1::2] = 255  # columns that a reduction by ten, by points alone, would pass over
    seen = ObjectDetectionPreprocess(manifest())(payload(encode(Image.fromarray(pixels), "PNG")))["pixels"]
    assert 120 < seen.min() <= seen.max() < 135


def test_a_scale_is_the_square_root_of_an_area() -> None:
    shapes = ((0.4, 1.0), (0.4, 2.0), (0.4, 0.5))
    sizes = anchors([AnchorLayer(cells=1, shapes=shapes)])[:, 2:]
    np.testing.assert_allclose(sizes.prod(axis=1), 0.16, rtol=1e-6)
    np.testing.assert_allclose(sizes[1], [0.4 / sqrt(2), 0.4 * sqrt(2)], rtol=1e-6)
