"""Large tables as JSON of fixed width: exact, or not written so at all."""

import json
import tracemalloc
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from gateway import big_lists
from gateway.big_lists import big_list

SHAPES = [(1, 1), (1, 7), (7, 1), (3, 4), (40, 30), (500, 1), (1, 500), (64, 64)]
GRID = (np.arange(10_001) / 10_000).astype(np.float32)


def written(values: NDArray[Any]) -> str:
    made = big_list(values)
    assert made is not None
    text = b"".join(made.pieces())
    assert len(text) == made.size
    return text.decode("ascii")


@pytest.fixture(params=[1, 100, 1 << 19])
def any_piece(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pieces of one number, of part of a row or of few rows, and of all."""
    monkeypatch.setattr(big_lists, "PIECE_BYTES", request.param)


@pytest.mark.usefixtures("any_piece")
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("highest", [1, 9, 10, 20, 99, 100, 255])
def test_integers_are_read_back_as_they_were(shape: tuple[int, int], highest: int) -> None:
    values = np.random.default_rng(1).integers(0, highest + 1, shape).astype(np.uint8)
    values.flat[0] = highest
    assert json.loads(written(values)) == values.tolist()


@pytest.mark.usefixtures("any_piece")
@pytest.mark.parametrize("shape", SHAPES)
def test_probabilities_are_read_back_as_they_were(shape: tuple[int, int]) -> None:
    values = np.random.default_rng(2).choice(GRID, shape)
    back = json.loads(written(values))
    assert np.array_equal(np.array(back, dtype=np.float32), values)
    assert all(isinstance(value, float) for row in back for value in row)


def test_every_probability_of_four_decimals_and_every_byte_can_be_written() -> None:
    assert json.loads(written(GRID[None])) == [[number / 10_000 for number in range(10_001)]]
    assert json.loads(written(np.arange(256, dtype=np.uint8)[:, None])) == [[number] for number in range(256)]


def test_a_part_of_an_array_is_written_as_a_copy_of_it_is() -> None:
    values = np.random.default_rng(3).integers(0, 21, (30, 40)).astype(np.uint8)
    assert json.loads(written(values[::3, ::-2])) == values[::3, ::-2].tolist()


@pytest.mark.parametrize(
    "value",
    [0.12345, 1.0001, -0.0001, 1e-10, np.nextafter(np.float32(0.5), np.float32(1)), 3e38, np.inf, np.nan],
)
def test_a_number_that_would_be_altered_is_refused(value: float) -> None:
    values = np.full((9, 9), 0.25, dtype=np.float32)
    assert big_list(values) is not None
    values[8, 3] = value
    assert big_list(values) is None


@pytest.mark.parametrize(
    "values",
    [
        np.zeros((3, 3), dtype=np.float64),
        np.zeros((3, 3), dtype=np.int32),
        np.zeros((3, 3), dtype=bool),
        np.zeros(9, dtype=np.uint8),
        np.zeros((2, 2, 2), dtype=np.float32),
        np.zeros((0, 4), dtype=np.uint8),
        np.zeros((4, 0), dtype=np.float32),
    ],
)
def test_other_types_and_shapes_are_refused(values: NDArray[Any]) -> None:
    assert big_list(values) is None


@pytest.mark.parametrize("shape", [(2000, 2000), (1, 4_000_000), (4_000_000, 1)])
def test_no_copy_of_the_text_is_kept(shape: tuple[int, int]) -> None:
    values = np.random.default_rng(4).choice(GRID, shape)
    tracemalloc.start()
    try:
        made = big_list(values)
        assert made is not None
        total = sum(len(piece) for piece in made.pieces())
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert total == made.size
    assert peak < values.nbytes
