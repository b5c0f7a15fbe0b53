import asyncio
from typing import Any

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from modelhub_pictures.errors import PictureError
from tests.hazards import encode
from tests.unit.vision.ocr.examples import ANGLE, DETECTION, RECOGNITION
from tests.unit.vision.stages import manifest, payload
from vision.ocr.stages import OcrPostprocess, OcrPreprocess
from vision.tensors import Tensors

ANGLES, READER = "angles", "reader"
LABELS = ("", "a", "b", "c", "d", " ")
OUTPUTS = {
    "detection_boxes": ("float32", (4,)),
    "detection_scores": ("float32", ()),
    "detection_classes": ("int32", ()),
    "detection_class_names": ("object", ()),
    "detection_keypoints": ("float32", (4, 2)),
    "detection_texts": ("object", ()),
    "detection_texts_scores": ("float32", ()),
}


DETECTION_NET = manifest(DETECTION)
MANIFESTS = (DETECTION_NET, manifest(ANGLE, net=ANGLES), manifest(RECOGNITION, LABELS, READER))
POSTPROCESS = OcrPostprocess(*MANIFESTS)


class Nets:
    """Stands for Triton: the grey of a line's first pixel is its text; 200 is upside down."""

    def __init__(self, *, sure: float = 0.99) -> None:
        self.sure = sure
        self.batches: list[tuple[str, tuple[int, ...]]] = []
        self.running = self.most_running = 0

    async def __call__(self, net: str, tensors: Tensors) -> Tensors:
        lines = tensors["lines"]
        self.batches.append((net, lines.shape))
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        await asyncio.sleep(0)
        self.running -= 1
        return self._angles(lines) if net == ANGLES else self._texts(lines)

    def _angles(self, lines: NDArray[np.uint8]) -> Tensors:
        down = np.where(lines[:, 0, 0, 0] == 200, self.sure, 0.2)
        return {"angle_probs": np.stack([1 - down, down], axis=1).astype(np.float32)}

    def _texts(self, lines: NDArray[np.uint8]) -> Tensors:
        first = lines[:, 0, 0, 0].astype(np.int32)
        ids = np.zeros((len(lines), 5), dtype=np.int32)
        ids[:, 0] = ids[:, 2] = np.where(first < len(LABELS), first, 1)
        return {"char_ids": ids, "char_probs": np.full(ids.shape, 0.8, dtype=np.float32)}


def kind(array: NDArray[Any]) -> tuple[str, tuple[int, ...]]:
    return str(array.dtype), array.shape


def scene(*boxes: tuple[int, int, int, int, int]) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """A text map and a picture of the same size; boxes are left, top, right, bottom, grey of the picture."""
    text_map, picture = np.zeros((240, 320), dtype=np.float32), np.zeros((240, 320, 3), dtype=np.uint8)
    for left, top, right, bottom, grey in boxes:
        text_map[top:bottom, left:right] = 1
        picture[max(0, top - 30) : bottom + 30, max(0, left - 30) : right + 30] = grey
    return text_map, picture


async def answer(
    boxes: tuple[tuple[int, int, int, int, int], ...],
    nets: Nets,
    geometry: tuple[float, ...] = (240, 320, 1, 1, 0, 0),
) -> Tensors:
    text_map, picture = scene(*boxes)
    return await POSTPROCESS(text_map, picture, np.array(geometry, dtype=np.float32), nets)


def test_preprocess_gives_what_the_detector_and_the_cropper_need() -> None:
    tensors = OcrPreprocess(DETECTION_NET)(payload(encode(Image.new("RGB", (200, 100)), "PNG")))
    assert {name: kind(array) for name, array in tensors.items()} == {
        "pixels": ("uint8", (736, 1472, 3)),
        "picture": ("uint8", (100, 200, 3)),
        "geometry": ("float32", (6,)),
    }
    assert tensors["geometry"].tolist() == [100, 200, 1, 1, 0, 0]


def test_what_is_no_picture_is_the_callers_fault() -> None:
    with pytest.raises(PictureError):
        OcrPreprocess(DETECTION_NET)(payload(b"\x00\x01\x02 no picture"))


async def test_no_text_gives_zero_rows_of_every_tensor_and_runs_no_net() -> None:
    nets = Nets()
    tensors = await answer((), nets)
    assert nets.batches == []
    assert tensors.keys() == {*OUTPUTS, "detection_texts_ids"}
    for name, (dtype, shape) in OUTPUTS.items():
        assert kind(tensors[name]) == (dtype, (0, *shape)), name
    assert kind(tensors["detection_texts_ids"]) == ("int32", (0, 0))


async def test_lines_become_rows_in_reading_order() -> None:
    tensors = await answer(((180, 40, 260, 50, 2), (40, 42, 110, 52, 1), (40, 140, 260, 154, 3)), Nets())
    assert tensors["detection_texts"].tolist() == [b"aa", b"bb", b"cc"]
    assert tensors["detection_texts_ids"].tolist() == [[1, 1], [2, 2], [3, 3]]
    assert tensors["detection_texts_scores"] == pytest.approx([0.8] * 3)
    assert tensors["detection_classes"].tolist() == [1, 1, 1]
    assert tensors["detection_class_names"].tolist() == [b"text"] * 3
    for name, (dtype, shape) in OUTPUTS.items():
        assert kind(tensors[name]) == (dtype, (3, *shape)), name


async def test_rows_keep_their_order_whatever_their_width() -> None:
    tensors = await answer(((10, 40, 310, 48, 1), (40, 110, 80, 120, 2), (10, 180, 310, 188, 3)), Nets())
    assert tensors["detection_texts"].tolist() == [b"aa", b"bb", b"cc"]


async def test_boxes_are_top_left_bottom_right_round_the_keypoints() -> None:
    tensors = await answer(((40, 42, 110, 52, 1),), Nets())
    (box,), (points,) = tensors["detection_boxes"], tensors["detection_keypoints"]
    top, left, bottom, right = box.tolist()
    assert points.tolist() == [[top, left], [top, right], [bottom, right], [bottom, left]]
    assert (top < 42, left < 40, bottom > 52, right > 110) == (True,) * 4


async def test_coordinates_are_those_of_the_input_picture() -> None:
    plain = await answer(((40, 42, 110, 52, 1),), Nets())
    scaled = await answer(((40, 42, 110, 52, 1),), Nets(), (500, 700, 3, 2, 10, 0))
    expected = (plain["detection_keypoints"] - (10, 0)) * (3, 2)
    assert np.allclose(scaled["detection_keypoints"], expected)


async def test_coordinates_stay_inside_the_input_picture() -> None:
    tensors = await answer(((0, 0, 320, 240, 1),), Nets(), (100, 90, 1, 1, 0, 0))
    assert tensors["detection_boxes"].tolist() == [[0, 0, 100, 90]]


async def test_upside_down_lines_are_turned_and_start_at_the_far_corner() -> None:
    upright = await answer(((40, 42, 110, 52, 1),), Nets())
    turned = await answer(((40, 42, 110, 52, 200),), Nets())
    assert np.array_equal(
        turned["detection_keypoints"][0], np.roll(upright["detection_keypoints"][0], -2, axis=0)
    )
    assert np.array_equal(turned["detection_boxes"], upright["detection_boxes"])


async def test_upside_down_lines_are_read_turned() -> None:
    text_map, picture = scene((40, 42, 110, 52, 200))
    picture[:, 75:] = 3  # what comes first once the line is turned
    geometry = np.array([240, 320, 1, 1, 0, 0], dtype=np.float32)
    nets = Nets()
    assert (await POSTPROCESS(text_map, picture, geometry, nets))["detection_texts"].tolist() == [b"cc"]
    picture[:47, 75:] = 4  # the row at the bottom comes first
    assert (await POSTPROCESS(text_map, picture, geometry, nets))["detection_texts"].tolist() == [b"cc"]


async def test_the_angle_net_must_be_sure() -> None:
    upright = await answer(((40, 42, 110, 52, 1),), Nets())
    unsure = await answer(((40, 42, 110, 52, 200),), Nets(sure=0.75))
    assert np.array_equal(unsure["detection_keypoints"], upright["detection_keypoints"])


async def test_columns_start_at_the_top_right() -> None:
    tensors = await answer(((100, 60, 110, 180, 1),), Nets())
    top, _, _, right = tensors["detection_boxes"][0].tolist()
    assert tensors["detection_keypoints"][0, 0].tolist() == [top, right]


async def test_blank_lines_and_weak_lines_are_left_out() -> None:
    tensors = await answer(((40, 40, 110, 50, 5), (40, 140, 110, 150, 0), (180, 140, 260, 150, 4)), Nets())
    assert tensors["detection_texts"].tolist() == [b"dd"]
    assert len(tensors["detection_boxes"]) == len(tensors["detection_scores"]) == 1


async def test_unsure_lines_are_left_out() -> None:
    strict = manifest(msgspec.structs.replace(RECOGNITION, min_score=0.81), LABELS, READER)
    text_map, picture = scene((40, 40, 110, 50, 1))
    geometry = np.array([240, 320, 1, 1, 0, 0], dtype=np.float32)
    tensors = await OcrPostprocess(*MANIFESTS[:2], strict)(text_map, picture, geometry, Nets())
    assert len(tensors["detection_boxes"]) == 0


async def test_batches_keep_the_limits_and_run_together() -> None:
    nets = Nets()
    boxes = tuple(
        (20 + 100 * (i % 3), 20 + 44 * (i // 3), 80 + 100 * (i % 3), 28 + 44 * (i // 3), 1) for i in range(15)
    )
    tensors = await answer(boxes, nets)
    assert len(tensors["detection_texts"]) == 15
    angles = [shape for net, shape in nets.batches if net == ANGLES]
    assert [shape[0] for shape in angles] == [4, 4, 4, 3]
    assert {shape[1:] for shape in angles} == {(48, 192, 3)}
    assert all(shape[0] <= 4 and shape[1] == 48 for net, shape in nets.batches if net == READER)
    assert nets.most_running >= 4


async def test_a_failing_net_fails_the_request() -> None:
    async def broken(net: str, tensors: Tensors) -> Tensors:
        raise RuntimeError(net)

    text_map, picture = scene((40, 40, 110, 50, 1))
    with pytest.raises(RuntimeError, match=ANGLES):
        await POSTPROCESS(text_map, picture, np.zeros(6, dtype=np.float32), broken)
