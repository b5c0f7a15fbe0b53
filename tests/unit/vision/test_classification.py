"""Crop, batch and naming of image classification."""

import numpy as np
import pytest
from PIL import Image

from modelhub_pictures.errors import NotAnImage
from tests.hazards import Hazard, encode, every_answered, scene
from tests.unit.vision.stages import manifest
from vision.classification import (
    ClassificationPostprocess,
    ClassificationPreprocess,
    ClassificationSettings,
    ScenePostprocess,
    central_square,
)

SETTINGS = ClassificationSettings(size=32, central_fraction=0.5)
NET = manifest(SETTINGS, ("tench", "crane (bird)", "鹤"))


def payloads(*files: bytes) -> np.ndarray[tuple[int, int], np.dtype[np.object_]]:
    rows = np.empty((len(files), 1), dtype=np.object_)
    rows[:, 0] = files
    return rows


def test_the_central_part_of_the_shorter_side_is_seen() -> None:
    image = Image.new("RGB", (200, 100), "red")
    image.paste("blue", (75, 25, 125, 75))  # the central half of the shorter side
    assert (central_square(image, 10, 0.5)[1:-1, 1:-1] == (0, 0, 255)).all()
    assert (central_square(image, 10, 1.0)[0, 0] == (255, 0, 0)).all()


@every_answered
def test_every_hazard_gives_the_nets_shape(hazard: Hazard) -> None:
    pixels = ClassificationPreprocess(NET)(payloads(hazard.make()))["pixels"]
    assert pixels.shape == (1, 32, 32, 3)
    assert pixels.dtype == np.uint8


def test_a_row_in_a_batch_equals_the_row_alone() -> None:
    stage = ClassificationPreprocess(NET)
    files = [encode(scene(), "PNG"), encode(scene().rotate(90, expand=True), "PNG")]
    together = stage(payloads(*files))["pixels"]
    assert (together == np.concatenate([stage(payloads(file))["pixels"] for file in files])).all()


def test_a_bad_picture_raises_its_error() -> None:
    with pytest.raises(NotAnImage):
        ClassificationPreprocess(NET)(payloads(b"\x00\x01\x02"))


def test_the_best_class_is_named_and_all_are_listed() -> None:
    probs = np.array([[0.1, 0.2, 0.7], [0.5, 0.3, 0.2]], dtype=np.float32)
    answer = ClassificationPostprocess(NET)(probs)
    assert answer["class"].tolist() == [[2], [0]]
    assert answer["class"].dtype == np.int32
    assert [name.decode() for name in answer["class_name"].ravel()] == ["鹤", "tench"]
    assert (answer["class_probs"] == probs).all()
    assert answer["class_labels"][1, 0].decode().split("\n") == ["tench", "crane (bird)", "鹤"]


def test_the_five_best_scenes_come_best_first() -> None:
    labels = ("a", "b", "c", "d", "e", "f", "g")
    probs = np.array([[0.05, 0.3, 0.1, 0.2, 0.05, 0.25, 0.05]], dtype=np.float32)
    answer = ScenePostprocess(manifest(SETTINGS, labels))(probs)
    assert answer["class"].tolist() == [[1, 5, 3, 2, 0]]  # of equal ones the first
    assert [name.decode() for name in answer["class_name"][0]] == ["b", "f", "d", "c", "a"]
    assert answer["class_probs"].shape == (1, 7)
    assert answer["class_labels"].shape == (1, 1)
