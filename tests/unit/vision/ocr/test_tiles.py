import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.unit.vision.ocr.examples import DETECTION
from vision.ocr.tiles import refined, tiles
from vision.tensors import Tensors

PICTURE = np.zeros((8000, 640, 3), dtype=np.uint8)


class Detector:
    """Sees text where red is above 99."""

    def __init__(self) -> None:
        self.seen: list[tuple[int, ...]] = []

    async def __call__(self, net: str, tensors: Tensors) -> Tensors:
        assert net == "detector"
        pixels = tensors["pixels"]
        self.seen.append(pixels.shape[1:3])
        return {"text_map": (pixels[..., 0] > 99).astype(np.float32)}


def first_map(rows: int, columns: int = 100) -> NDArray[np.float32]:
    """A map of a quarter of the picture's size with one line of `rows` and `columns`."""
    text_map = np.zeros((2000, 160), dtype=np.float32)
    text_map[800 : 800 + rows, 25 : 25 + columns] = 0.9
    return text_map


@pytest.mark.parametrize(("rows", "columns", "scale"), [(5, 100, 1), (6, 40, 0.5)])
async def test_small_lines_are_searched_at_twice_the_scale_and_tiny_ones_as_they_are(
    rows: int, columns: int, scale: float
) -> None:
    detector = Detector()
    picture = PICTURE.copy()
    right = 100 + 4 * columns
    picture[3204:3216, 100:right] = 200
    found = await refined(first_map(rows, columns), picture, DETECTION, "detector", detector)
    assert found.shape == picture.shape[:2]
    ((height, width),) = detector.seen
    assert height < 300 * scale  # what is empty is not searched
    assert width == pytest.approx(scale * (4 * columns + 200), abs=32)
    ys, xs = np.nonzero(found > 0.5)
    assert (ys.min(), ys.max() + 1, xs.min(), xs.max() + 1) == pytest.approx((3204, 3216, 100, right), abs=1)


async def test_what_was_seen_well_stays_as_it_was() -> None:
    first = first_map(9)
    first[850:854, 25:125] = 0.9
    detector = Detector()
    picture = PICTURE.copy()
    picture[3200:3236:4] = 200  # the large line, torn
    found = await refined(first, picture, DETECTION, "detector", detector)
    assert detector.seen
    assert (found[3204:3232, 104:496] > 0.8).all()


async def test_where_all_is_seen_well_the_first_map_is_the_answer() -> None:
    first = first_map(9)
    assert await refined(first, PICTURE, DETECTION, "detector", Detector()) is first


async def test_a_line_across_a_seam_is_one() -> None:
    picture = np.zeros((128, 9000, 3), dtype=np.uint8)
    picture[50:70, 40:8900] = 200
    first = np.zeros((96, 5888), dtype=np.float32)
    first[38:42, 30:5820] = 0.9
    detector = Detector()
    found = await refined(first, picture, DETECTION, "detector", detector)
    assert len(detector.seen) > 3
    assert (found[50:70, 40:8900] == 1).all()


@given(
    height=st.integers(1, 6000),
    width=st.integers(1, 6000),
    marks=st.lists(st.tuples(st.floats(0, 0.999), st.floats(0, 0.999)), max_size=5),
)
def test_tiles_hold_all_marks_and_are_bounded(
    height: int, width: int, marks: list[tuple[float, float]]
) -> None:
    small = np.zeros((max(1, height // 3), max(1, width // 3)), dtype=bool)
    for down, across in marks:
        small[int(down * small.shape[0]), int(across * small.shape[1])] = True
    covered = np.zeros((height, width), dtype=bool)
    for rows, columns in tiles(small, height, width, DETECTION):
        covered[rows, columns] = True
        assert max(rows.stop - rows.start, columns.stop - columns.start) <= DETECTION.tile_side + 3 + 64
    for y, x in np.argwhere(small):
        own = slice(y * height // small.shape[0], (y + 1) * height // small.shape[0])
        assert covered[own, x * width // small.shape[1]].all()
