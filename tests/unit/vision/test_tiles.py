"""Tiles that cover a picture, and what several searches found as one answer."""

import asyncio
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vision.tiles import CUT, LARGE, WHOLE, Found, cut_off, in_turns, merged, parts


@given(st.integers(1, 5000), st.integers(2, 700), st.integers(0, 300))
def test_stretches_cover_all_share_enough_and_are_short(length: int, most: int, shared: int) -> None:
    shared = min(shared, most - 1)
    found = parts(length, most, shared)
    assert (found[0].start, found[-1].stop) == (0, length)
    assert all(1 <= one.stop - one.start <= most for one in found)
    assert all(one.stop - two.start == shared for one, two in pairwise(found))


def test_a_box_is_cut_by_borders_inside_the_picture_alone() -> None:
    boxes = np.array([[0, 0, 9, 9], [0, 40, 9, 50], [41, 20, 50, 30], [20, 20, 30, 30]], dtype=np.float32)
    tile = (slice(0, 50), slice(0, 50))
    assert cut_off(boxes, tile, 50, 50, 2).tolist() == [False] * 4
    assert cut_off(boxes, tile, 90, 50, 2).tolist() == [False, False, True, False]
    assert cut_off(boxes, tile, 50, 90, 2).tolist() == [False, True, False, False]
    inner = (slice(0, 50), slice(20, 50))
    assert cut_off(boxes[3:], inner, 50, 50, 2).tolist() == [True]


@pytest.mark.parametrize(
    ("boxes", "ranks", "kept"),
    [
        ([[0, 0, 10, 10], [0, 0, 10, 6]], [WHOLE, CUT], [0]),  # a part of what is seen whole
        ([[0, 0, 10, 10], [0, 0, 10, 6]], [LARGE, CUT], [0]),
        ([[0, 0, 10, 10], [0, 8, 10, 20]], [WHOLE, CUT], [0, 1]),  # something else
        ([[0, 0, 10, 20], [0, 0, 10, 9], [0, 11, 10, 20]], [LARGE, WHOLE, WHOLE], [1, 2]),  # two seen as one
        ([[0, 0, 90, 90], [5, 5, 9, 9]], [LARGE, WHOLE], [0, 1]),  # a small thing before a large one
        ([[0, 0, 10, 6], [0, 4, 10, 10]], [CUT, CUT], [0, 1]),  # nobody saw more of them
    ],
)
def test_boxes_seen_whole_go_before_others(boxes: list[list[int]], ranks: list[int], kept: list[int]) -> None:
    count = len(boxes)
    scores = np.linspace(0.9, 0.8, count, dtype=np.float32)
    found = Found(np.array(boxes, dtype=np.float32), scores, np.zeros(count, dtype=np.intp), np.array(ranks))
    assert merged(found, 0.5).tolist() == kept
    apart = found._replace(classes=np.arange(count))
    assert merged(apart, 0.5).tolist() == list(range(count))


def test_no_more_are_under_way_than_may_be() -> None:
    under_way: list[int] = []
    most = 0

    async def call(item: int) -> int:
        nonlocal most
        under_way.append(item)
        most = max(most, len(under_way))
        await asyncio.sleep(0)
        under_way.remove(item)
        return item * 2

    assert asyncio.run(in_turns(call, range(7), 3)) == [0, 2, 4, 6, 8, 10, 12]
    assert most == 3
