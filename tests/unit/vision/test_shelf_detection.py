"""Products that one search sees too small are found in tiles, once each."""

import asyncio

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from export.convert.shelf_settings import DETECTION
from tests.unit.vision.stages import manifest
from vision.letterbox import letterbox
from vision.shelf_detection import ShelfDetection
from vision.tensors import Picture, Tensors

GREY, LEAST = 114, 10
WIDTH, HEIGHT = 40, 90
"""Of a product, pixels."""


class Net:
    """Finds what is bright, unless its shorter side has fewer than LEAST pixels, and counts its calls."""

    def __init__(self) -> None:
        self.calls = 0

    def candidates(self, pixels: Picture) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
        self.calls += 1
        labels, _ = ndimage.label(pixels[..., 0] > (GREY + 255) // 2)
        rows = [
            ((left.start + left.stop) / 2, (top.start + top.stop) / 2, width, height, 0.9, 1.0)
            for top, left in ndimage.find_objects(labels)
            if min(height := top.stop - top.start, width := left.stop - left.start) >= LEAST
        ]
        return np.array(rows, dtype=np.float32).reshape(-1, 6)

    async def infer(self, net: str, tensors: Tensors) -> Tensors:
        assert net == "net"
        (pixels,) = tensors["pixels"]
        return {"candidates": self.candidates(pixels)[None]}


def shelf(rows: int, columns: int) -> tuple[Picture, list[tuple[int, int, int, int]]]:
    """Products in rows on grey, and where they stand."""
    picture = np.full((rows * (HEIGHT + 20), columns * (WIDTH + 15), 3), GREY, dtype=np.uint8)
    boxes = [
        (top, left, top + HEIGHT, left + WIDTH)
        for top in range(10, picture.shape[0], HEIGHT + 20)
        for left in range(8, picture.shape[1], WIDTH + 15)
    ]
    for top, left, bottom, right in boxes:
        picture[top:bottom, left:right] = 255
    return picture, boxes


def found(picture: Picture, net: Net) -> list[tuple[int, ...]]:
    pixels, place = letterbox(Image.fromarray(picture), DETECTION.size, DETECTION.padding)
    stage = ShelfDetection(manifest(DETECTION))
    boxes, scores = asyncio.run(stage(net.candidates(pixels), picture, place, net.infer))
    assert len(boxes) == len(scores)
    return sorted(tuple(box) for box in boxes.round().astype(int).tolist())


def assert_all_once(picture: Picture, boxes: list[tuple[int, int, int, int]], net: Net) -> None:
    ours = np.array(found(picture, net))
    assert len(ours) == len(boxes)
    assert np.abs(ours - np.array(sorted(boxes))).max() <= 5


def test_an_ordinary_shelf_takes_one_search() -> None:
    net = Net()
    assert_all_once(*shelf(8, 16), net)
    assert net.calls == 1


@pytest.mark.parametrize(
    ("rows", "columns"),
    [(3, 16), (40, 8), (20, 34), (30, 60)],
    ids=["wide", "tall", "small", "too small to be seen at once"],
)
def test_products_of_large_shelves_are_found_once_each(rows: int, columns: int) -> None:
    net = Net()
    assert_all_once(*shelf(rows, columns), net)
    assert 1 < net.calls <= DETECTION.tiles.most + 1


def test_a_picture_without_products_costs_a_few_looks_at_its_middle() -> None:
    net = Net()
    assert found(np.full((3000, 4000, 3), GREY, dtype=np.uint8), net) == []
    assert net.calls == 3


def test_the_number_of_tiles_is_bounded() -> None:
    net = Net()
    picture = np.full((64, 20_000, 3), GREY, dtype=np.uint8)
    picture[10:50, 100:120] = 255
    assert len(found(picture, net)) == 1
    assert net.calls <= DETECTION.tiles.most + 1


def test_a_product_larger_than_tiles_share_is_found_in_the_whole_picture() -> None:
    picture, boxes = shelf(20, 34)
    picture[:, :933] = GREY
    picture[200:2000, 60:860] = 255
    boxes = [box for box in boxes if box[1] >= 933]
    assert_all_once(picture, [*boxes, (200, 60, 2000, 860)], Net())
