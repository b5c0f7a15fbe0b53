import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vision.ocr.ctc import BLANK, Steps, decode_line, join_pieces, stack_ids

LABELS = ("", "a", "b", "文", " ")


def steps(ids: list[int], probs: list[float] | None = None) -> Steps:
    return Steps(np.array(ids, dtype=np.int32), np.array(probs or [1.0] * len(ids), dtype=np.float32))


def decode(ids: list[int], probs: list[float] | None = None) -> tuple[str, list[int], float]:
    line = decode_line(steps(ids, probs), LABELS)
    return line.text, line.ids.tolist(), line.score


@pytest.mark.parametrize(
    ("ids", "text"),
    [
        ([], ""),
        ([0, 0, 0], ""),
        ([1, 1, 2, 2], "ab"),
        ([1, 0, 1], "aa"),
        ([0, 3, 4, 4, 0, 4, 2], "文  b"),
    ],
)
def test_repeats_collapse_and_blanks_part(ids: list[int], text: str) -> None:
    assert decode(ids)[0] == text


def test_score_is_the_mean_of_the_first_of_each_run() -> None:
    text, ids, score = decode([0, 1, 1, 0, 3], [0.1, 0.5, 0.9, 0.2, 1.0])
    assert (text, ids) == ("a文", [1, 3])
    assert score == pytest.approx(0.75)


def test_nothing_read_scores_zero() -> None:
    assert decode([0, 0]) == ("", [], 0.0)


@given(st.lists(st.integers(0, 4), max_size=40))
def test_it_is_what_the_definition_says(ids: list[int]) -> None:
    expected = []
    previous = BLANK
    for index in ids:
        if index not in (previous, BLANK):
            expected.append(index)
        previous = index
    text, kept, _ = decode(ids)
    assert kept == expected
    assert text == "".join(LABELS[index] for index in expected)


def test_ids_are_padded_with_the_blank() -> None:
    stacked = stack_ids([np.array([3, 1], dtype=np.int32), np.array([], dtype=np.int32)])
    assert stacked.tolist() == [[3, 1], [0, 0]]
    assert stacked.dtype == np.int32


def test_no_lines_have_no_ids() -> None:
    assert stack_ids([]).shape == (0, 0)


def test_a_line_read_whole_is_itself() -> None:
    whole = steps([0, 1, 0, 2])
    assert join_pieces([whole], 9) is whole


@given(st.lists(st.sampled_from([[1, 0], [2, 2, 0], [3, 0, 0], [4, 0]]), min_size=1, max_size=40))
def test_pieces_join_to_what_was_cut(characters: list[list[int]]) -> None:
    whole = sum(characters, [0])
    parts = [steps(whole[start : start + 24]) for start in range(0, max(1, len(whole) - 8), 16)]
    assert join_pieces(parts, 16).ids.tolist() == whole


def test_what_the_ends_of_pieces_misread_is_taken_from_the_other() -> None:
    before = [0, 1, 0, 2, 0, 3, 0, 1, 0, 4]  # the last character is cut, and misread
    after = [2, 0, 1, 0, 2, 0, 1, 0]  # so is the first
    read = join_pieces([steps(before, [0.9] * 10), steps(after, [0.8] * 8)], 5)
    assert read.ids.tolist() == [0, 1, 0, 2, 0, 3, 0, 1, 0, 2, 0, 1, 0]


def test_a_character_that_moved_by_a_step_is_counted_once() -> None:
    before = [0, 1, 0, 2, 0, 0, 3, 0, 0, 1, 0]
    after = [0, 0, 0, 3, 0, 1, 0, 2, 0]  # begins at step 4: its first character is one step late
    assert decode_line(join_pieces([steps(before), steps(after)], 4), LABELS).text == "ab文ab"
