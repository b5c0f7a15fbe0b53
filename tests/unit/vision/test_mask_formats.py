"""Every form says the same pixels: COCO's own tools, Pillow and Shapely are asked what they see."""

import base64
import io
from itertools import islice
from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image
from pycocotools import mask as coco
from scipy.ndimage import label

from tests.unit.vision.test_rle import random_masks
from vision.mask_formats import (
    MASK_FORMATS,
    coco_rle,
    coco_text,
    column_counts,
    png,
    polygon,
    regions,
)
from vision.outlines import rings
from vision.rle import Counts, Mask, encode

HAZARDS = {
    "empty": np.zeros((3, 4), dtype=bool),
    "full": np.ones((3, 4), dtype=bool),
    "one pixel": np.ones((1, 1), dtype=bool),
    "no pixel": np.zeros((1, 1), dtype=bool),
    "a row": np.array([[1, 0, 1, 1]], dtype=bool),
    "a column": np.array([[1], [0], [1]], dtype=bool),
    "touching as the net's squares do": np.eye(2, dtype=bool),
    "touching the other way": np.eye(2, dtype=bool)[:, ::-1],
    "chessboard": np.indices((7, 8)).sum(axis=0) % 2 == 0,
    "a hole": np.pad(np.zeros((2, 3), dtype=bool), 1, constant_values=True),
    "an island in a hole": np.pad(np.pad(np.ones((1, 1), dtype=bool), 1), 1, constant_values=True),
    "a hole that touches the outside": np.array([[1, 1, 1], [1, 0, 1], [1, 1, 0]], dtype=bool),
    "runs over the ends of rows": np.array([[0, 0, 1], [1, 1, 1], [1, 0, 0]], dtype=bool),
}

named = pytest.mark.parametrize("mask", HAZARDS.values(), ids=HAZARDS)


def runs(mask: Mask) -> tuple[Counts, tuple[int, int]]:
    height, width = mask.shape
    return encode(mask), (height, width)


def from_coco(value: Any) -> Mask:  # noqa: ANN401 - what COCO's tools call a mask
    pixels: Mask = coco.decode(value).astype(bool)
    return pixels


def from_png(text: str) -> Mask:
    with Image.open(io.BytesIO(base64.b64decode(text))) as image:
        assert image.format == "PNG"
        assert image.mode == "1"
        return np.asarray(image)


def from_polygon(value: dict[str, Any]) -> Mask:
    """By definition: the centres that lie within an odd number of rings."""
    height, width = value["size"]
    y, x = np.mgrid[:height, :width] + 0.5
    within = np.zeros((height, width), dtype=int)
    for ring in value["rings"]:
        within += shapely.contains_xy(shapely.Polygon(ring[:, ::-1]), x, y)
    inside: Mask = within % 2 == 1
    return inside


def assert_alike(mask: Mask) -> None:
    counts, size = runs(mask)
    assert np.array_equal(from_coco(coco_rle(counts, size)), mask)
    assert np.array_equal(from_png(png(counts, size)), mask)
    assert np.array_equal(from_polygon(polygon(counts, size)), mask)
    assert column_counts(counts, size).tolist() == encode(mask.T).tolist()
    assert (
        coco_rle(counts, size)["counts"].encode()
        == coco.encode(np.asfortranarray(mask.astype(np.uint8)))["counts"]
    )


@named
def test_every_form_of_a_hazard_is_read_as_the_same_mask(mask: Mask) -> None:
    assert_alike(mask)


def test_every_form_of_a_random_mask_is_read_as_the_same_mask() -> None:
    for mask in islice(random_masks(), 250):
        assert_alike(mask)


def assert_well_formed(found: list[NDArray[np.int32]], mask: Mask) -> None:
    """Rings are as documented: closed, turning at every point, begun and ordered, the mask at the right."""
    framed = np.pad(mask, 1)
    firsts = [tuple(ring[0].tolist()) for ring in found]
    assert firsts == sorted(firsts)
    for ring in found:
        assert tuple(ring[0].tolist()) == min(map(tuple, ring.tolist()))
        steps = np.roll(ring, -1, axis=0) - ring
        assert ((steps == 0).sum(axis=1) == 1).all()
        assert ((steps[:, 0] == 0) != (np.roll(steps, 1, axis=0)[:, 0] == 0)).all()
        heading = np.sign(steps)
        right = np.stack([heading[:, 1], -heading[:, 0]], axis=1)
        at_right = np.floor(ring + heading / 2 + right / 2).astype(int) + 1
        at_left = np.floor(ring + heading / 2 - right / 2).astype(int) + 1
        assert framed[tuple(at_right.T)].all()
        assert not framed[tuple(at_left.T)].any()


@named
def test_rings_of_a_hazard_are_well_formed(mask: Mask) -> None:
    assert_well_formed(rings(*runs(mask)), mask)


def test_rings_of_a_random_mask_are_well_formed_and_as_many_as_it_has_parts_and_holes() -> None:
    sides = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]])
    for mask in islice(random_masks(), 250):
        found = rings(*runs(mask))
        assert_well_formed(found, mask)
        parts = label(mask, sides)[1]
        outside_and_holes = label(np.pad(~mask, 1, constant_values=True), np.ones((3, 3)))[1]
        assert len(found) == parts + outside_and_holes - 1


def test_a_square_with_a_hole_is_two_rings() -> None:
    value = polygon(encode(HAZARDS["a hole"]), (4, 5))
    assert [ring.tolist() for ring in value["rings"]] == [
        [[0, 0], [0, 5], [4, 5], [4, 0]],
        [[1, 1], [3, 1], [3, 4], [1, 4]],
    ]
    assert value["size"] == [4, 5]


@given(st.lists(st.integers(0, 2**31 - 1), min_size=1, max_size=12))
def test_cocos_text_of_any_counts_is_that_of_its_own_tools(counts: list[int]) -> None:
    assert coco_text(np.array(counts, dtype=np.int32)) == literal_coco_text(counts)


def literal_coco_text(counts: list[int]) -> str:
    """`rleToString` of maskApi.c, line by line; its own front end checks that counts make up a picture."""
    text = ""
    for index, count in enumerate(counts):
        x = count - counts[index - 2] if index > 2 else count
        more = True
        while more:
            c = x & 0x1F
            x >>= 5
            more = x != -1 if c & 0x10 else x != 0
            text += chr((c | 0x20 if more else c) + 48)
    return text


def test_a_large_mask_with_long_runs() -> None:
    mask = np.zeros((3000, 4000), dtype=bool)
    y, x = np.ogrid[:3000, :4000]
    mask |= (y - 1500) ** 2 + (x - 2000) ** 2 < 1200**2
    mask &= (y - 1400) ** 2 + (x - 2100) ** 2 > 300**2
    counts, size = encode(mask), (3000, 4000)
    assert np.array_equal(from_coco(coco_rle(counts, size)), mask)
    assert np.array_equal(from_png(png(counts, size)), mask)
    outer, inner = rings(counts, size)
    area = shapely.Polygon(outer).area - shapely.Polygon(inner).area
    assert area == mask.sum()


def test_regions_are_the_classes_that_are_present() -> None:
    random = np.random.default_rng(3)
    for _ in range(100):
        height, width = random.integers(1, 30, 2)
        preds = random.choice([0, 3, 15, 20], (height, width)).astype(np.uint8)
        probs = random.random((height, width)).astype(np.float32)
        found = regions(preds, probs)
        assert [region.class_id for region in found] == np.unique(preds).tolist()
        for region in found:
            mask = preds == region.class_id
            assert region.counts.tolist() == encode(mask).tolist()
            assert region.mean_prob == pytest.approx(probs[mask].mean(dtype=np.float64), rel=1e-9)


def test_a_mean_over_millions_of_pixels_is_not_lost_in_rounding() -> None:
    preds = np.zeros((4000, 5000), dtype=np.uint8)
    probs = np.full(preds.shape, 0.9, dtype=np.float32)
    (region,) = regions(preds, probs)
    assert region.mean_prob == pytest.approx(float(np.float32(0.9)), abs=1e-12)


def test_the_forms_are_those_of_the_documentation() -> None:
    assert tuple(MASK_FORMATS) == ("rle", "coco_rle", "png", "polygon")
