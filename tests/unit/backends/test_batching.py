"""Rows of several requests: joined, split by request, one bad request failing alone."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.batching import run_batched, split_rows
from vision.tensors import Tensors


def double(tensors: Tensors) -> Tensors:
    return {"y": tensors["x"] * 2, "first": tensors["x"][:, 0]}


@given(st.lists(st.integers(1, 5), min_size=1, max_size=6))
def test_every_request_gets_its_own_rows(rows: list[int]) -> None:
    total = np.arange(3 * sum(rows), dtype=np.float32).reshape(-1, 3)
    parts = np.split(total, np.cumsum(rows)[:-1])
    results = run_batched(double, [{"x": part} for part in parts])
    for part, result in zip(parts, results, strict=True):
        assert isinstance(result, dict)
        assert (result["y"] == part * 2).all()
        assert (result["first"] == part[:, 0]).all()


def test_a_bad_request_fails_alone() -> None:
    def refuse_negative(tensors: Tensors) -> Tensors:
        if (tensors["x"] < 0).any():
            raise RuntimeError("negative")
        return double(tensors)

    values = [1.0, -1.0, 3.0]
    good, bad, other = run_batched(refuse_negative, [{"x": np.full((1, 3), value)} for value in values])
    assert isinstance(bad, RuntimeError)
    assert isinstance(good, dict)
    assert isinstance(other, dict)
    assert good["y"][0, 0] == 2
    assert other["y"][0, 0] == 6


def test_requests_of_different_shapes_run_alone() -> None:
    results = run_batched(double, [{"x": np.ones((1, 2))}, {"x": np.ones((1, 3))}])
    assert [result["y"].shape for result in results if isinstance(result, dict)] == [(1, 2), (1, 3)]


def test_outputs_with_missing_rows_are_never_shared_out() -> None:
    with pytest.raises(ValueError, match="output y has 2 rows for 3 rows of input"):
        split_rows({"y": np.zeros((2, 1))}, [1, 2])
