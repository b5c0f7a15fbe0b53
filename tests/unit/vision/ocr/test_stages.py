import asyncio
from typing import Any

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

DETECTOR, ANGLES, READER = "detector", "angles", "reader"
LABELS = ("", "a", "b", "c", "d", " ")
HEAD, INK = 200, 250
"""Greys of a line that stands on its head, and of what the detector finds."""
OUTPUTS = {
    "detection_boxes": ("float32", (4,)),
    "detection_scores": ("float32", ()),
    "detection_classes": ("int32", ()),
    "detection_class_names": ("object", ()),
    "detection_keypoints": ("float32", (4, 2)),
    "detection_texts": ("object", ()),
    "detection_texts_scores": ("float32", ()),
}


DETECTION_NET = manifest(DETECTION, net=DETECTOR)
MANIFESTS = (DETECTION_NET, manifest(ANGLE, net=ANGLES), manifest(RECOGNITION, LABELS, READER))
POSTPROCESS = OcrPostprocess(*MANIFESTS)


class Nets:
    """Stands for Triton: the grey of a line's first pixel is its text.

    One that begins with HEAD is held for upside down, and read badly.
    """

    def __init__(self, score: float = 0.95) -> None:
        self.score = score
        self.batches: list[tuple[str, tuple[int, ...]]] = []
        self.running = self.most_running = 0

    async def __call__(self, net: str, tensors: Tensors) -> Tensors:
        (pixels,) = tensors.values()
        self.batches.append((net, pixels.shape))
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        await asyncio.sleep(0)
        self.running -= 1
        return {DETECTOR: self._map, ANGLES: self._angles, READER: self._texts}[net](pixels)

    def _map(self, pixels: NDArray[np.uint8]) -> Tensors:
        return {"text_map": (pixels[..., 0] == INK).astype(np.float32)}

    def _angles(self, lines: NDArray[np.uint8]) -> Tensors:
        down = np.where(lines[:, 0, 0, 0] == HEAD, 0.99, 0.2)
        return {"angle_probs": np.stack([1 - down, down], axis=1).astype(np.float32)}

    def _texts(self, lines: NDArray[np.uint8]) -> Tensors:
        first = lines[:, 0, 0, 0].astype(np.int32)
        ids = np.zeros((len(lines), lines.shape[2] // RECOGNITION.step_width), dtype=np.int32)
        ids[:, 0:12:2] = np.where(first < len(LABELS), first, 1)[:, None]
        scores = np.where(first == HEAD, 0.6, self.score)[:, None]
        return {"char_ids": ids, "char_probs": np.broadcast_to(scores, ids.shape).astype(np.float32)}


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


@pytest.mark.parametrize(("ink", "paper"), [("black", 255), ("white", 0)])
def test_text_on_a_transparent_ground_is_laid_on_what_it_can_be_seen_on(ink: str, paper: int) -> None:
    label = Image.new("RGBA", (200, 100))
    label.paste(ink, (50, 40, 150, 60))
    picture = OcrPreprocess(DETECTION_NET)(payload(encode(label, "PNG")))["picture"]
    assert np.unique(picture[:30]).tolist() == [paper]
    assert np.unique(picture[45:55, 60:140]).tolist() == [255 - paper]


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
    assert tensors["detection_texts"].tolist() == [b"aaaaaa", b"bbbbbb", b"cccccc"]
    assert tensors["detection_texts_ids"].tolist() == [[1] * 6, [2] * 6, [3] * 6]
    assert tensors["detection_texts_scores"] == pytest.approx([0.95] * 3)
    assert tensors["detection_classes"].tolist() == [1, 1, 1]
    assert tensors["detection_class_names"].tolist() == [b"text"] * 3
    for name, (dtype, shape) in OUTPUTS.items():
        assert kind(tensors[name]) == (dtype, (3, *shape)), name


async def test_rows_keep_their_order_whatever_their_width() -> None:
    tensors = await answer(((10, 40, 310, 48, 1), (40, 110, 80, 120, 2), (10, 180, 310, 188, 3)), Nets())
    assert tensors["detection_texts"].tolist() == [b"aaaaaa", b"bbbbbb", b"cccccc"]


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


async def on_its_head(nets: Nets) -> tuple[Tensors, Tensors]:
    """The answers for a line that ends with b and for one that begins with HEAD, too."""
    answers = []
    for grey in (1, HEAD):
        text_map, picture = scene((40, 42, 110, 52, grey))
        picture[:, 75:] = 2
        geometry = np.array([240, 320, 1, 1, 0, 0], dtype=np.float32)
        answers.append(await POSTPROCESS(text_map, picture, geometry, nets))
    return answers[0], answers[1]


async def test_upside_down_lines_are_read_turned_and_start_at_the_far_corner() -> None:
    upright, turned = await on_its_head(Nets())
    assert upright["detection_texts"].tolist() == [b"aaaaaa"]
    assert turned["detection_texts"].tolist() == [b"bbbbbb"]
    assert np.array_equal(
        turned["detection_keypoints"][0], np.roll(upright["detection_keypoints"][0], -2, axis=0)
    )
    assert np.array_equal(turned["detection_boxes"], upright["detection_boxes"])


async def test_columns_start_at_the_top_right() -> None:
    tensors = await answer(((100, 60, 110, 180, 1),), Nets())
    top, _, _, right = tensors["detection_boxes"][0].tolist()
    assert tensors["detection_keypoints"][0, 0].tolist() == [top, right]


async def test_blank_lines_and_weak_lines_are_left_out() -> None:
    tensors = await answer(((40, 40, 110, 50, 5), (40, 140, 110, 150, 0), (180, 140, 260, 150, 4)), Nets())
    assert tensors["detection_texts"].tolist() == [b"dddddd"]
    assert len(tensors["detection_boxes"]) == len(tensors["detection_scores"]) == 1


async def test_unsure_lines_are_left_out() -> None:
    assert len((await answer(((40, 40, 110, 50, 1),), Nets(score=0.51)))["detection_boxes"]) == 1
    assert len((await answer(((40, 40, 110, 50, 1),), Nets(score=0.49)))["detection_boxes"]) == 0


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


def tall() -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """A tall picture of lines that its first map does not show apart, and that map."""
    picture = np.full((6000, 500, 3), 4, dtype=np.uint8)
    for top in range(100, 5900, 60):
        picture[top : top + 8, 40:200] = INK
        picture[top - 8 : top + 16, 20:230, 1:] = 1
    first = np.zeros((2944, 256), dtype=np.float32)
    first[50:2900, 30:90] = np.where(np.arange(2850) % 30 < 4, 0.9, 0)[:, None]
    return picture, first


async def test_lines_of_a_large_picture_are_found_in_tiles_and_cut_from_it() -> None:
    picture, first = tall()
    nets = Nets()
    geometry = np.array([6000, 500, 1, 1, 0, 0], dtype=np.float32)
    tensors = await POSTPROCESS(first, picture, geometry, nets)
    tiles = [shape for net, shape in nets.batches if net == DETECTOR]
    assert len(tiles) > 1
    assert all(side % 32 == 0 for shape in tiles for side in shape[1:3])
    tops = tensors["detection_boxes"][:, 0]
    assert len(tops) == len(range(100, 5900, 60))  # those on a seam once
    assert (np.diff(tops) > 50).all()


async def test_what_the_first_search_shows_well_is_not_searched_again() -> None:
    picture, first = tall()
    first[:] = 0
    first[60:90, 30:200] = 0.9
    nets = Nets()
    tensors = await POSTPROCESS(first, picture, np.array([6000, 500, 1, 1, 0, 0], dtype=np.float32), nets)
    assert [net for net, _ in nets.batches if net == DETECTOR] == []
    assert len(tensors["detection_boxes"]) == 1


async def test_a_long_line_is_read_in_pieces() -> None:
    picture = np.full((128, 9000, 3), 1, dtype=np.uint8)
    first = np.zeros((96, 5888), dtype=np.float32)
    first[40:56, 20:5860] = 0.9
    nets = Nets()
    tensors = await POSTPROCESS(first, picture, np.array([128, 9000, 1, 1, 0, 0], dtype=np.float32), nets)
    assert len(tensors["detection_texts"]) == 1
    widths = [shape[2] for net, shape in nets.batches if net == READER]
    assert len(widths) > 3
    assert max(widths) <= RECOGNITION.piece_width
