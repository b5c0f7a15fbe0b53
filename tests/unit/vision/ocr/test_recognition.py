import math

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.vision.ocr.examples import RECOGNITION
from vision.ocr.recognition import batches, fit_line, pad_lines, padded_width, piece_stride, pieces

WIDTHS = st.lists(st.integers(1, RECOGNITION.max_width), max_size=60)


@pytest.mark.parametrize(
    ("size", "width"), [((24, 100), 200), ((48, 7), 7), ((50, 101), 97), ((4, 2000), 3200), ((2000, 4), 1)]
)
def test_lines_keep_their_aspect_up_to_a_limit(size: tuple[int, int], width: int) -> None:
    line = fit_line(np.zeros((*size, 3), dtype=np.uint8), RECOGNITION.height, RECOGNITION.max_width)
    assert line.shape == (48, width, 3)


def test_padding_lies_on_the_right() -> None:
    lines = [np.full((48, width, 3), 9, dtype=np.uint8) for width in (3, 8)]
    batch = pad_lines(lines, 8, 127)
    assert batch.shape == (2, 48, 8, 3)
    assert (batch[0, :, :3] == 9).all()
    assert (batch[0, :, 3:] == 127).all()
    assert (batch[1] == 9).all()


@pytest.mark.parametrize(("width", "padded"), [(1, 320), (320, 320), (321, 328), (328, 328), (3200, 3200)])
def test_padded_width_is_the_next_step(width: int, padded: int) -> None:
    assert padded_width(width, RECOGNITION) == padded


@given(WIDTHS)
def test_every_line_is_in_one_batch_of_its_own_width(widths: list[int]) -> None:
    parts = list(batches(widths, RECOGNITION))
    assert sorted(index for _, members in parts for index in members) == list(range(len(widths)))
    assert all(
        padded_width(widths[index], RECOGNITION) == width for width, members in parts for index in members
    )


@given(WIDTHS)
def test_batches_are_bounded(widths: list[int]) -> None:
    for width, members in batches(widths, RECOGNITION):
        assert len(members) <= RECOGNITION.max_lines
        assert len(members) == 1 or len(members) * width <= RECOGNITION.max_columns


def test_lines_of_one_width_fill_batches() -> None:
    sizes = [len(members) for _, members in batches([100] * 10, RECOGNITION)]
    assert sizes == [4, 4, 2]
    wide = msgspec.structs.replace(RECOGNITION, max_lines=99)
    assert len(list(batches([1000] * 10, wide))) == math.ceil(10 / (1600 // 1000))


@given(st.integers(1, 40_000))
def test_long_lines_are_read_in_overlapping_pieces(width: int) -> None:
    line = np.broadcast_to(np.arange(width)[None, :, None], (1, width, 3))
    parts = pieces(line, RECOGNITION)
    if width <= RECOGNITION.max_width:
        assert [part.shape[1] for part in parts] == [width]
        return
    starts = [int(part[0, 0, 0]) for part in parts]
    stride = RECOGNITION.step_width * piece_stride(RECOGNITION)
    assert starts == list(range(0, stride * len(parts), stride))
    assert starts[-1] + parts[-1].shape[1] == width
    assert all(part.shape[1] == RECOGNITION.piece_width for part in parts[:-1])
    assert parts[-1].shape[1] > RECOGNITION.piece_overlap
