"""Run-length encoding, beside COCO's own tools."""

from collections.abc import Iterator

import numpy as np
import pytest
from pycocotools import mask as coco

from vision.mask_formats import column_counts
from vision.rle import Counts, Mask, counts_of_flips, decode, encode

CASES = 1000


def random_masks() -> Iterator[Mask]:
    """Masks of every density and of blobs, which have long runs; some are empty or full."""
    random = np.random.default_rng(11)
    for _ in range(CASES):
        height, width = random.integers(1, 40, 2)
        coarse = random.random((height, width)) < random.choice([0, 0.02, 0.3, 0.7, 1])
        yield coarse.repeat(random.integers(1, 4), axis=0).repeat(random.integers(1, 4), axis=1)


def counts_in_coco(mask: Mask) -> list[int]:
    """What COCO's tools make of a mask: their compressed string, read back by its definition."""
    text = coco.encode(np.asfortranarray(mask.astype(np.uint8)))["counts"]
    assert isinstance(text, bytes)
    counts: list[int] = []
    value = shift = 0
    for letter in text:
        value |= (letter - 48 & 0x1F) << shift
        shift += 5
        if not letter - 48 & 0x20:
            value -= (1 << shift) if letter - 48 & 0x10 else 0
            counts.append(value + (counts[-2] if len(counts) > 2 else 0))
            value = shift = 0
    return counts


def test_the_example_of_the_documentation() -> None:
    counts = encode(np.array([[True, False, False, True]]))
    assert counts.tolist() == [0, 1, 2, 1]
    assert counts.dtype == np.int32


@pytest.mark.parametrize(
    ("mask", "expected"),
    [
        (np.zeros((3, 4), dtype=bool), [12]),
        (np.ones((3, 4), dtype=bool), [0, 12]),
        (np.eye(2, dtype=bool), [0, 1, 2, 1]),
        (np.eye(3, 2, dtype=bool), [0, 1, 2, 1, 2]),
        (np.arange(12).reshape(3, 4) == 6, [6, 1, 5]),
        (np.array([[True]]), [0, 1]),
        (np.array([[False]]), [1]),
    ],
)
def test_runs_go_row_by_row_and_begin_with_false(mask: Mask, expected: list[int]) -> None:
    assert encode(mask).tolist() == expected


def test_what_is_encoded_is_decoded() -> None:
    kinds = set()
    for mask in random_masks():
        counts = encode(mask)
        assert np.array_equal(decode(counts, mask.shape), mask)
        assert counts.sum() == mask.size
        assert (counts[1:] > 0).all()
        kinds.add((bool(mask.any()), bool(mask.all())))
    assert len(kinds) == 3  # empty, full, and in between


def test_conversion_gives_what_cocos_tools_encode() -> None:
    for mask in random_masks():
        height, width = mask.shape
        assert column_counts(encode(mask), (height, width)).tolist() == counts_in_coco(mask)


def test_cocos_tools_read_the_conversion() -> None:
    for mask in random_masks():
        height, width = mask.shape
        counts = column_counts(encode(mask), (height, width)).tolist()
        encoded = coco.frPyObjects({"counts": counts, "size": [height, width]}, height, width)
        assert np.array_equal(coco.decode(encoded), mask)
        assert coco.area(encoded) == mask.sum()


def test_the_documented_line_gives_cocos_tools_the_same_mask() -> None:
    for mask in random_masks():
        counts, size = encode(mask).tolist(), list(mask.shape)
        encoded = coco.encode(
            np.asfortranarray((np.arange(len(counts)) % 2).repeat(counts).reshape(size).astype(np.uint8))
        )
        assert encoded == coco.encode(np.asfortranarray(mask.astype(np.uint8)))


@pytest.mark.parametrize("counts", [[3], [0, 5, 2], [8, -2]])
def test_counts_of_another_size_are_refused(counts: list[int]) -> None:
    with pytest.raises(ValueError, match=r"cannot reshape|negative"):
        decode(np.array(counts, dtype=np.int32), (2, 3))


@pytest.mark.parametrize(
    ("flips", "expected"),
    [
        ([], [10]),
        ([0, 10], [0, 10]),
        ([2, 4, 4, 6], [2, 4, 4]),
        ([2, 2, 5, 6], [5, 1, 4]),
        ([3, 10], [3, 7]),
        ([4, 4, 4, 8], [4, 4, 2]),
    ],
)
def test_flips_at_one_place_undo_each_other(flips: list[int], expected: list[int]) -> None:
    counts: Counts = counts_of_flips(np.array(flips, dtype=np.intp), 10)
    assert counts.tolist() == expected
