"""Suppression by matrix steps against torchvision's greedy one."""

import pytest

torch = pytest.importorskip("torch")

from torch import Tensor  # noqa: E402
from torchvision.ops import batched_nms, nms  # noqa: E402

from export.torch_nets.suppression import kept_boxes  # noqa: E402
from export.torch_nets.two_stage import DETECTION_STEPS, PROPOSAL_STEPS  # noqa: E402

COUNT = 300


def boxes_of(seed: int, spread: float) -> Tensor:
    """Boxes in falling order of scores; the less spread, the more of them overlap."""
    random = torch.Generator().manual_seed(seed)
    corners = torch.rand((COUNT, 2), generator=random) * spread
    return torch.cat([corners, corners + 20 + torch.rand((COUNT, 2), generator=random) * 80], dim=1)


def falling(count: int) -> Tensor:
    return torch.arange(count, 0, -1, dtype=torch.float32)


def greedy(boxes: Tensor, max_overlap: float) -> Tensor:
    kept = torch.zeros(len(boxes), dtype=torch.bool)
    kept[nms(boxes, falling(len(boxes)), max_overlap)] = True
    return kept


def all_valid(boxes: Tensor) -> Tensor:
    return torch.ones(boxes.shape[:-1], dtype=torch.bool)


@pytest.mark.parametrize("steps", [DETECTION_STEPS, PROPOSAL_STEPS])
@pytest.mark.parametrize("max_overlap", [0.1, 0.3, 0.5, 0.7, 0.9])
@pytest.mark.parametrize("spread", [10.0, 100.0, 300.0, 2000.0])
def test_random_boxes_are_chosen_as_greedily(spread: float, max_overlap: float, steps: int) -> None:
    for seed in range(4):
        boxes = boxes_of(seed, spread)
        kept = kept_boxes(boxes, all_valid(boxes), max_overlap, steps)
        assert torch.equal(kept, greedy(boxes, max_overlap))


def stairs(count: int) -> Tensor:
    """Every box suppresses the next and no other: greedily, every second one stays."""
    left = torch.arange(count, dtype=torch.float32)[:, None] * 6
    return torch.cat([left, left * 0, left + 20, left * 0 + 20], dim=1)


@pytest.mark.parametrize("steps", [1, 2, 5, 10, 24])
def test_a_chain_longer_than_the_steps_is_right_as_far_as_they_reach(steps: int) -> None:
    boxes = stairs(100)
    expected = greedy(boxes, 0.5)
    assert expected.tolist() == [True, False] * 50
    kept = kept_boxes(boxes, all_valid(boxes), 0.5, steps)
    assert torch.equal(kept[: steps + 1], expected[: steps + 1])
    assert not torch.equal(kept, expected)


@pytest.mark.parametrize("steps", [2, 4, 24])
def test_after_an_even_number_of_steps_none_is_missing(steps: int) -> None:
    boxes = stairs(100)
    assert (kept_boxes(boxes, all_valid(boxes), 0.5, steps) | ~greedy(boxes, 0.5)).all()
    assert (greedy(boxes, 0.5) | ~kept_boxes(boxes, all_valid(boxes), 0.5, steps + 1)).all()


def test_the_numbers_of_steps_are_even() -> None:
    assert PROPOSAL_STEPS % 2 == DETECTION_STEPS % 2 == 0


def test_what_is_not_valid_goes_and_suppresses_none() -> None:
    boxes = boxes_of(3, 100.0)
    valid = torch.rand(COUNT, generator=torch.Generator().manual_seed(0)) < 0.5
    kept = kept_boxes(boxes, valid, 0.5, 24)
    assert not kept[~valid].any()
    assert torch.equal(kept[valid], greedy(boxes[valid], 0.5))


def test_boxes_of_no_size_are_no_division_by_zero() -> None:
    boxes = torch.zeros(4, 4)
    boxes[0] = torch.tensor([1.0, 1.0, 5.0, 5.0])
    valid = torch.tensor([True, False, False, False])
    assert kept_boxes(boxes, valid, 0.5, 4).tolist() == valid.tolist()


def test_groups_are_suppressed_by_themselves() -> None:
    boxes = boxes_of(5, 100.0)
    groups = torch.randint(0, 5, (COUNT,), generator=torch.Generator().manual_seed(1))
    expected = torch.zeros(COUNT, dtype=torch.bool)
    expected[batched_nms(boxes, falling(COUNT), groups, 0.5)] = True
    assert torch.equal(kept_boxes(boxes, all_valid(boxes), 0.5, 24, groups), expected)


def test_levels_and_pictures_are_suppressed_by_themselves() -> None:
    boxes = torch.stack([boxes_of(seed, 100.0) for seed in range(6)]).view(2, 3, COUNT, 4)
    kept = kept_boxes(boxes, all_valid(boxes), 0.5, 24)
    expected = torch.stack([greedy(one, 0.5) for one in boxes.flatten(0, 1)]).view(2, 3, COUNT)
    assert torch.equal(kept, expected)
