"""Pasting small maps into boxes of large pictures."""

import numpy as np
import pytest
from numpy.typing import NDArray

from vision.masks import paste, pixels_within
from vision.regions import enlarged
from vision.rle import Mask, decode

SIDE = 56
THRESHOLD = 0.5

Values = NDArray[np.float64]


def box(*sides: float) -> Values:
    corners: Values = np.array(sides, dtype=np.float64)
    return corners


def bilinear(plane: NDArray[np.float32], y: Values, x: Values) -> Values:
    """Values of `plane` at rows y and columns x, by the definition, from the centres of its cells."""
    (above, down), (left, across) = (
        (np.floor(at).astype(int), at - np.floor(at)) for at in (y[:, None], x[None])
    )

    def at(rows: NDArray[np.intp], columns: NDArray[np.intp]) -> Values:
        near = plane[rows.clip(0, plane.shape[0] - 1), columns.clip(0, plane.shape[1] - 1)]
        exact: Values = near.astype(np.float64)
        return exact

    upper = at(above, left) * (1 - across) + at(above, left + 1) * across
    lower = at(above + 1, left) * (1 - across) + at(above + 1, left + 1) * across
    values: Values = upper * (1 - down) + lower * down
    return values


def looked_up(
    plane: NDArray[np.float32], region: Values, within: Values, height: int, width: int
) -> tuple[Values, Mask]:
    """For each pixel the enlarged map's value, and whether its centre lies in the box."""
    y, x = np.arange(height) + 0.5, np.arange(width) + 0.5
    top, left, bottom, right = region
    rows = (y - top) / (bottom - top) * plane.shape[0] - 0.5
    columns = (x - left) / (right - left) * plane.shape[1] - 0.5
    inside = ((y >= within[0]) & (y < within[2]))[:, None] & ((x >= within[1]) & (x < within[3]))
    return bilinear(plane, rows, columns), inside


def overlap(one: Mask, other: Mask) -> float:
    return float((one & other).sum() / (one | other).sum())


@pytest.mark.parametrize(
    ("sides", "rows", "columns"),
    [
        ((0, 0, 4, 5), (0, 4), (0, 5)),
        ((0.5, 0.49, 3.5, 4.51), (0, 3), (0, 5)),
        ((0.51, 1.6, 3.49, 4.4), (1, 3), (2, 4)),
        ((1.6, 1.6, 1.9, 1.9), (2, 2), (2, 2)),
        ((1.4, 1.4, 1.6, 1.6), (1, 2), (1, 2)),
        ((-3, -2, 99, 98), (0, 7), (0, 9)),
        ((-9, 20, -4, 30), (0, 0), (9, 9)),
    ],
)
def test_a_pixel_belongs_to_a_box_by_its_centre(
    sides: tuple[float, ...], rows: tuple[int, int], columns: tuple[int, int]
) -> None:
    assert pixels_within(box(*sides), 7, 9) == (slice(*rows), slice(*columns))


def test_a_paste_is_the_threshold_of_the_enlarged_map() -> None:
    """Boxes anywhere, also beyond the picture and of less than a pixel, maps of noise and of blobs."""
    random = np.random.default_rng(5)
    seen = 0
    for _ in range(400):
        height, width = random.integers(1, 90, 2).tolist()
        corner = random.uniform(-0.2, 0.9, 2) * (height, width)
        within = np.concatenate([corner, corner + random.uniform(0.001, 1.2, 2) * (height, width)])
        within = within.clip(0, [height, width, height, width])
        region = enlarged(within[None].astype(np.float32), random.choice([0, 0.1, 0.5]))[0].astype(float)
        if (region[2:] <= region[:2]).any():
            continue
        cells = random.integers(2, 12, 2)
        plane = random.random(cells, dtype=np.float32)
        counts = paste(plane, region, within, (height, width), THRESHOLD)
        values, inside = looked_up(plane, region, within, height, width)
        sure = np.abs(values - THRESHOLD) > 1e-9
        mask = decode(counts, (height, width))
        assert np.array_equal(mask[sure], ((values > THRESHOLD) & inside)[sure])
        assert (counts[1:] > 0).all()
        seen += bool(mask.any())
    assert seen > 200


@pytest.mark.parametrize(
    "sides", [(30.3, 41.7, 410.2, 333.3), (0, 0, 480, 640), (100.5, 0, 240.25, 77.7), (300, 500.6, 480, 640)]
)
def test_a_disc_comes_back_as_a_disc(sides: tuple[float, ...]) -> None:
    height, width = 480, 640
    within = box(*sides)
    region = enlarged(within[None].astype(np.float32), 0.1)[0].astype(float)
    middle, radii = (region[:2] + region[2:]) / 2, (within[2:] - within[:2]) * 0.47

    def is_disc(y: Values, x: Values) -> Mask:
        disc: Mask = ((y[:, None] - middle[0]) / radii[0]) ** 2 + ((x - middle[1]) / radii[1]) ** 2 < 1
        return disc

    fine = 8 * SIDE
    down, across = (
        region[axis] + (np.arange(fine) + 0.5) / fine * (region[axis + 2] - region[axis]) for axis in (0, 1)
    )
    net = is_disc(down, across).reshape(SIDE, 8, SIDE, 8).mean(axis=(1, 3)).astype(np.float32)
    mask = decode(paste(net, region, within, (height, width), THRESHOLD), (height, width))
    assert overlap(mask, is_disc(np.arange(height) + 0.5, np.arange(width) + 0.5)) > 0.98


def test_the_whole_picture_is_one_run() -> None:
    full = np.ones((SIDE, SIDE), dtype=np.float32)
    within = box(0, 0, 30, 40)
    assert paste(full, within, within, (30, 40), THRESHOLD).tolist() == [0, 1200]


def test_a_box_of_less_than_a_pixel_has_a_pixel_or_none() -> None:
    full = np.ones((SIDE, SIDE), dtype=np.float32)
    holding, between = box(3.4, 5.4, 3.6, 5.6), box(3.6, 5.6, 3.9, 5.9)
    assert paste(full, holding, holding, (10, 10), THRESHOLD).tolist() == [35, 1, 64]
    assert paste(full, between, between, (10, 10), THRESHOLD).tolist() == [100]


def test_nothing_over_the_threshold_is_an_empty_mask() -> None:
    within = box(1, 1, 9, 9)
    none = np.full((SIDE, SIDE), THRESHOLD, dtype=np.float32)
    assert paste(none, within, within, (10, 10), THRESHOLD).tolist() == [100]
