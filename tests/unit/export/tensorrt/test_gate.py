"""The accuracy gate on arrays: what passes, and each way of failing by name."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from export.tensorrt.errors import UnfaithfulPlan
from export.tensorrt.gate import TOLERANCES, Tolerance, batches_of, judge
from export.tensorrt.plan import Precision, Score
from vision.tensors import Tensors

RANDOM = np.random.default_rng(7)
FLOATS = RANDOM.normal(size=(3, 5)).astype(np.float32)
TOLERANCE = Tolerance(relative_l2=0.01, agreement=0.99)


def score(expected: NDArray[np.generic], actual: NDArray[np.generic], classes: int = 0) -> Score:
    batch = {"pixels": np.zeros((len(expected), 1), dtype=np.uint8)}
    return judge([batch], lambda _: {"out": expected}, lambda _: {"out": actual}, classes, TOLERANCE)["out"]


def test_equal_outputs_pass() -> None:
    assert score(FLOATS, FLOATS.copy()) == Score(0.0, None)


def test_the_score_is_the_relative_l2() -> None:
    actual = (FLOATS * np.float32(1.005)).astype(np.float32)
    assert score(FLOATS, actual).relative_l2 == pytest.approx(0.005, rel=1e-3)


def test_outputs_that_should_be_all_zero_may_be() -> None:
    assert score(np.zeros_like(FLOATS), np.zeros_like(FLOATS)) == Score(0.0, None)


def poisoned(value: float) -> NDArray[np.float32]:
    array = FLOATS.copy()
    array[1, 2] = value
    return array


FAILURES: dict[str, tuple[NDArray[np.generic], NDArray[np.generic], str]] = {
    "NaN": (FLOATS, poisoned(math.nan), r"its out is NaN or infinite in 1 of 15 places"),
    "infinity": (FLOATS, poisoned(-math.inf), r"its out is NaN or infinite in 1 of 15"),
    "NaN in both": (poisoned(math.nan), poisoned(math.nan), r"its out is NaN"),
    "NaN in the reference": (poisoned(math.nan), FLOATS, r"ONNX Runtime's out is NaN"),
    "another shape": (FLOATS, FLOATS[:, :4], r"float32 \[3, 4\], ONNX Runtime's float32 \[3, 5\]"),
    "a shape that broadcasts": (FLOATS, FLOATS[:1], r"float32 \[1, 5\]"),
    "another type": (FLOATS, FLOATS.astype(np.float16), r"its out is float16"),
    "other values": (FLOATS, FLOATS * np.float32(1.02), r"differs from ONNX Runtime's by 0.02"),
    "zeros": (FLOATS, np.zeros_like(FLOATS), r"by 1 \(relative L2\)"),
    "something for nothing": (np.zeros_like(FLOATS), FLOATS, r"by inf"),
    "other integers": (np.arange(50), np.arange(50)[::-1], r"agrees with ONNX Runtime's in 0.000"),
}


@pytest.mark.parametrize("name", FAILURES)
def test_a_wrong_output_is_named(name: str) -> None:
    expected, actual, message = FAILURES[name]
    with pytest.raises(UnfaithfulPlan, match=message) as caught:
        score(expected, actual)
    assert "\n" not in str(caught.value)


def test_a_missing_output_is_named() -> None:
    batch = {"pixels": np.zeros((1, 1), dtype=np.uint8)}
    with pytest.raises(UnfaithfulPlan, match=r"output out is missing; it has \['other'\]"):
        judge([batch], lambda _: {"out": FLOATS}, lambda _: {"other": FLOATS}, 0, TOLERANCE)


def test_nothing_to_run_is_no_success() -> None:
    with pytest.raises(UnfaithfulPlan, match="no sample picture gives it an input"):
        judge([], lambda _: {}, lambda _: {}, 0, TOLERANCE)


def one_hot(classes: list[int], count: int = 100) -> NDArray[np.float32]:
    return np.eye(count, dtype=np.float32)[classes]


def test_another_best_class_fails_even_where_the_difference_is_small() -> None:
    expected = np.full((50, 100), 10.0, dtype=np.float32) + one_hot([3] * 50)
    actual = np.full((50, 100), 10.0, dtype=np.float32) + one_hot([3] * 49 + [4])
    assert score(expected, actual).agreement is None
    with pytest.raises(UnfaithfulPlan, match=r"agrees with ONNX Runtime's in 0.980"):
        score(expected, actual, classes=100)


def test_of_two_equally_likely_classes_either_is_right() -> None:
    expected = np.array([[0.5, 0.4999, 0.0001]], dtype=np.float32)
    actual = np.array([[0.4999, 0.5, 0.0001]], dtype=np.float32)
    assert score(expected, actual, classes=3).agreement == 1


def test_one_bad_batch_among_many_shows() -> None:
    """The largest batch may take another kernel than the others."""
    batches = [{"pixels": np.full((2, 1), index, dtype=np.uint8)} for index in range(20)]

    def plan(batch: Tensors) -> Tensors:
        return {"out": np.zeros_like(FLOATS) if batch["pixels"][0, 0] == 7 else FLOATS}

    with pytest.raises(UnfaithfulPlan, match=r"by 0.22"):
        judge(batches, lambda _: {"out": FLOATS}, plan, 0, TOLERANCE)


BOXES = RANDOM.random((2, 50, 1, 4)).astype(np.float32)
SCORES = RANDOM.random((2, 50, 7)).astype(np.float32)


def ranked(order: NDArray[np.intp], boxes: NDArray[np.float32] = BOXES) -> Tensors:
    """Rows of the second of two pictures in another order; a mask output that has no rows."""
    shown, scores = boxes.copy(), SCORES.copy()
    shown[1], scores[1] = shown[1][order], scores[1][order]
    return {"boxes": shown, "class_scores": scores, "mask_probs": np.zeros((2, 0, 28, 28), np.float32)}


def judge_rows(actual: Tensors) -> Score:
    batch = {"pixels": np.zeros((2, 1), dtype=np.float32)}
    return judge([batch], lambda _: ranked(np.arange(50)), lambda _: actual, 7, TOLERANCE)["boxes"]


def test_rows_that_swap_places_are_the_same() -> None:
    assert judge_rows(ranked(RANDOM.permutation(50))) == Score(None, 1.0)


def test_rows_that_are_not_the_same_show() -> None:
    boxes = BOXES.copy()
    boxes[1, :4] = 1 - boxes[1, :4]
    with pytest.raises(
        UnfaithfulPlan, match=r"its boxes agrees with ONNX Runtime's in 0\.960, less than 0\.98"
    ):
        judge_rows(ranked(RANDOM.permutation(50), boxes))


def test_a_row_that_is_none_shows_whatever_the_order() -> None:
    boxes = BOXES.copy()
    boxes[1, 3] = math.nan
    with pytest.raises(UnfaithfulPlan, match="its boxes is NaN"):
        judge_rows(ranked(RANDOM.permutation(50), boxes))


def test_every_precision_has_its_tolerance() -> None:
    assert set(TOLERANCES) == set(Precision)
    assert TOLERANCES[Precision.FP32].relative_l2 < TOLERANCES[Precision.FP16].relative_l2


@given(
    calls=st.lists(st.tuples(st.integers(1, 5), st.sampled_from([32, 64])), max_size=8),
    size=st.integers(1, 6),
    most=st.integers(1, 12),
)
def test_batches_hold_every_row_once_and_first_rows_alone(
    calls: list[tuple[int, int]], size: int, most: int
) -> None:
    batches = list(batches_of(numbered(calls), size, most))
    assert all(1 <= len(batch["pixels"]) <= size for batch in batches)
    for width in (32, 64):
        mine = [batch["pixels"] for batch in batches if batch["pixels"].shape[1] == width]
        rows = [number for number, one in identified(calls) if one == width][:most]
        sent = [int(row[0]) for batch in mine for row in batch]
        assert sent == ([rows[0], *rows] if len(rows) > 1 else rows)
        assert not mine or len(mine[0]) == 1


def identified(calls: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Number and width of every row."""
    widths = [width for count, width in calls for _ in range(count)]
    return list(enumerate(widths))


def numbered(calls: list[tuple[int, int]]) -> list[Tensors]:
    rows = iter(identified(calls))
    return [
        {"pixels": np.stack([np.full(width, next(rows)[0], dtype=np.int64) for _ in range(count)])}
        for count, width in calls
    ]
