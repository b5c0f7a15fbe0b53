"""Masks read as arrays, in every form that the gateway gives them in."""

import base64
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.typing import NDArray

from modelhub.masks import coco_counts, decode, decoded, inside
from vision.mask_formats import MASK_FORMATS, coco_text
from vision.rle import encode

masks = arrays(np.bool_, array_shapes(min_dims=2, max_dims=2, max_side=12))
every_form = pytest.mark.parametrize("form", MASK_FORMATS)


def sent(value: object) -> Any:  # noqa: ANN401 - JSON
    """The value as a caller parses it."""
    return json.loads(orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY))


def written(form: str, mask: NDArray[np.bool_]) -> object:
    height, width = mask.shape
    return sent(MASK_FORMATS[form](encode(mask), (height, width)))


def same(value: object, mask: NDArray[np.bool_]) -> None:
    read = decoded(value)
    assert read.dtype == np.bool_
    np.testing.assert_array_equal(read, mask)


@every_form
@given(mask=masks)
def test_masks_are_read_as_they_were_written(form: str, mask: NDArray[np.bool_]) -> None:
    same(written(form, mask), mask)


@given(mask=masks)
def test_lists_of_rows_are_read(mask: NDArray[np.bool_]) -> None:
    same(mask.astype(int).tolist(), mask)
    same(mask.astype(np.uint8), mask)


HAZARDS: dict[str, Callable[[], NDArray[np.bool_]]] = {
    "one pixel": lambda: np.ones((1, 1), dtype=np.bool_),
    "nothing": lambda: np.zeros((3, 5), dtype=np.bool_),
    "everything": lambda: np.ones((3, 5), dtype=np.bool_),
    "squares that touch at corners": lambda: np.indices((6, 7)).sum(axis=0) % 2 == 0,
    "a hole with an island": lambda: np.pad(np.pad([[True]], 1), 1, constant_values=True),
    "one row": lambda: np.arange(4000)[None, :] % 3 == 0,
    "one column": lambda: np.arange(4000)[:, None] % 3 == 0,
    "runs of many digits": lambda: np.arange(600 * 1700).reshape(600, 1700) > 800_000,
}


@every_form
@pytest.mark.parametrize("name", HAZARDS)
def test_hazards_are_read_as_they_were_written(form: str, name: str) -> None:
    mask = HAZARDS[name]()
    same(written(form, mask), mask)


def test_run_lengths_of_the_contracts_example() -> None:
    assert decode([0, 1, 2, 1], [2, 2]).tolist() == [[True, False], [False, True]]


@given(st.lists(st.integers(0, 2**31 - 1), max_size=9))
def test_cocos_text_is_read_as_it_was_written(counts: list[int]) -> None:
    assert coco_counts(coco_text(np.array(counts, dtype=np.int32))) == counts


@pytest.mark.parametrize("text", ["P", "01P", "\x1f", "é", "\x7f"])
def test_what_is_no_text_of_cocos_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"COCO|ascii"):
        coco_counts(text)


@pytest.mark.parametrize("corner", [[3, 0], [0, 3], [-1, 0], [0, -1]])
def test_corners_beyond_the_picture_are_refused(corner: list[int]) -> None:
    with pytest.raises(ValueError, match="invalid entry"):
        inside([[[0, 0], corner]], (2, 2))


def test_lengths_that_do_not_add_up_are_refused() -> None:
    with pytest.raises(ValueError, match="reshape"):
        decoded({"counts": [1, 2], "size": [2, 2]})


def test_a_file_that_is_no_png_is_refused() -> None:
    with pytest.raises(OSError, match="cannot identify"):
        decoded(base64.b64encode(b"GIF89a").decode())
