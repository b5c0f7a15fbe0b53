"""Boxes drawn as maps, and the loss, by hand."""

import pytest

torch = pytest.importorskip("torch")

from evaluation.labelled import IGNORED  # noqa: E402
from training.detector import Found  # noqa: E402
from training.semantic.net import FOUND, LEAST_SCORE, SHAPES, Head, drawn  # noqa: E402
from training.semantic.train import lack_of_overlap, loss  # noqa: E402

CAR, CAT = 6, 7
"""Columns of the detector's scores."""


def found(*things: tuple[int, float, list[float]]) -> Found:
    """One picture with a box for each (class, score, sides)."""
    scores = torch.zeros(1, len(things), FOUND)
    for row, (kind, score, _) in enumerate(things):
        scores[0, row, kind] = score
    return Found(scores, torch.tensor([[sides for *_, sides in things]]), torch.empty(0), torch.empty(0))


def test_a_box_is_drawn_over_the_cells_it_covers() -> None:
    maps = drawn(found((CAR, 0.55, [0.25, 0.5, 0.75, 0.875])), 4)
    assert maps.shape == (1, FOUND, 4, 4)
    expected = torch.zeros(4, 4)
    expected[1:3, 2] = 0.55 - LEAST_SCORE
    expected[1:3, 3] = (0.55 - LEAST_SCORE) / 2  # half a cell
    assert torch.allclose(maps[0, CAR].expm1(), expected, atol=1e-6)
    assert maps[0, :CAR].sum() == maps[0, CAR + 1 :].sum() == 0


def test_boxes_of_a_class_add_up_and_those_of_others_do_not() -> None:
    whole = [-0.5, -0.5, 1.5, 1.5]
    maps = drawn(found((CAT, 0.45, whole), (CAT, 0.35, whole), (CAR, 0.9, whole)), 2).expm1()
    assert torch.allclose(maps[0, CAT], torch.full((2, 2), 0.8 - 2 * LEAST_SCORE), atol=1e-6)
    assert torch.allclose(maps[0, CAR], torch.full((2, 2), 0.9 - LEAST_SCORE), atol=1e-6)


def test_a_box_turned_inside_out_and_one_that_is_hardly_seen_are_not_drawn() -> None:
    maps = drawn(found((CAT, 0.9, [0.8, 0.8, 0.2, 0.2]), (CAR, LEAST_SCORE / 2, [0.0, 0.0, 1.0, 1.0])), 4)
    assert maps.sum() == 0


def test_the_head_gives_logits_of_stride_8() -> None:
    maps = [torch.zeros(2, channels, 64 // stride, 64 // stride) for channels, stride in SHAPES]
    assert Head(21).eval()(*maps).shape == (2, 21, 8, 8)


def test_overlap_counts_each_class_alike_and_no_ignored_pixel() -> None:
    ids = torch.tensor([[[0, 0, 0, 1, IGNORED]]])
    sure = torch.full((1, 3, 1, 5), -50.0)
    for column, kind in enumerate([0, 0, 1, 1, 2]):
        sure[0, kind, 0, column] = 50
    lack = lack_of_overlap(sure.softmax(dim=1), ids)
    assert lack.item() == pytest.approx(1 - (2 / 3 + 1 / 2) / 2)
    right = torch.full((1, 3, 1, 5), -50.0)
    for column, kind in enumerate([0, 0, 0, 1, 2]):
        right[0, kind, 0, column] = 50
    assert loss(right, ids).item() == pytest.approx(0, abs=1e-5)
