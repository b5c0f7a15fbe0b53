"""Rows of two computations, paired whatever their order."""

import numpy as np
from numpy.typing import NDArray

from export.ranked_rows import nearest_rows, unpaired_share

RANDOM = np.random.default_rng(4)
BOXES, SCORES = RANDOM.random((50, 3, 4), np.float32), RANDOM.random((50, 3), np.float32)


def test_another_order_is_no_difference() -> None:
    order = RANDOM.permutation(50)
    nearest, distances = nearest_rows((BOXES[order], SCORES[order]), (BOXES, SCORES))
    assert np.array_equal(nearest, order)
    assert distances.max() == 0
    assert unpaired_share((BOXES[order], SCORES[order]), (BOXES, SCORES), 1e-6) == 0


def test_distances_are_relative_to_the_whole_row() -> None:
    _, distances = nearest_rows((BOXES * np.float32(1.001), SCORES * np.float32(1.001)), (BOXES, SCORES))
    np.testing.assert_allclose(distances, 0.001, rtol=1e-3)


def test_a_row_that_only_one_side_has_is_found_on_either_side() -> None:
    def without(array: NDArray[np.float32]) -> NDArray[np.float32]:
        changed = array.copy()
        changed[7] = array[8]
        return changed

    fewer = (without(BOXES), without(SCORES))
    assert unpaired_share(fewer, (BOXES, SCORES), 1e-4) == 1 / 50
    assert unpaired_share((BOXES, SCORES), fewer, 1e-4) == 1 / 50


def test_rows_of_nothing_are_alike() -> None:
    nothing = np.zeros((50, 3), dtype=np.float32)
    assert unpaired_share((nothing,), (nothing,), 1e-4) == 0
    assert unpaired_share((SCORES,), (nothing,), 1e-4) == 1
