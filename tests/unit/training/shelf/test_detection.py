"""The detector's loss and its first weights."""

import math

import pytest

torch = pytest.importorskip("torch")

from export.torch_nets.yolov5 import SIZES, YoloV5  # noqa: E402
from training.shelf.detection import begun  # noqa: E402
from training.shelf.detection_loss import complete_iou, detection_loss, matches  # noqa: E402

ANCHORS = torch.tensor([[[2.0, 5.0], [3.0, 6.0]], [[2.0, 4.0], [2.0, 5.0]], [[1.0, 2.0], [1.5, 3.0]]])
"""In cells of 8, 16 and 32 pixels."""


def test_a_box_is_answered_for_by_three_cells_of_the_anchors_like_it() -> None:
    targets = torch.tensor([[1.0, 8 * 4.25, 8 * 6.75, 8 * 2.5, 8 * 5.5]])
    found = matches(targets, torch.tensor([[2.0, 5.0], [9.0, 9.0]]), 8, 10, 12)
    image, anchor, rows, columns = (part.tolist() for part in found.where)
    assert image == [1, 1, 1]
    assert anchor == [0, 0, 0]
    assert set(zip(rows, columns, strict=True)) == {(6, 4), (6, 3), (7, 4)}
    for row, column, box in zip(rows, columns, found.boxes.tolist(), strict=True):
        assert box == pytest.approx([4.25 - column, 6.75 - row, 2.5, 5.5])


def test_cells_outside_the_map_do_not_answer() -> None:
    targets = torch.tensor([[0.0, 8 * 0.25, 8 * 9.75, 8 * 2.0, 8 * 5.0]])
    found = matches(targets, ANCHORS[0, :1], 8, 10, 12)
    assert [part.tolist() for part in found.where[2:]] == [[9], [0]]


def test_complete_iou_of_boxes() -> None:
    box = torch.tensor([[5.0, 5.0, 4.0, 8.0]])
    assert complete_iou(box, box).item() == pytest.approx(1.0, abs=1e-5)
    # Half of either beside the other: IoU 1/3, 2 apart in an outer box of 6 by 8.
    moved = torch.tensor([[7.0, 5.0, 4.0, 8.0]])
    assert complete_iou(box, moved).item() == pytest.approx(1 / 3 - 4 / 100, abs=1e-5)
    # The same centre, turned: IoU 16 / 48, and a shape that differs.
    turned = complete_iou(box, torch.tensor([[5.0, 5.0, 8.0, 4.0]])).item()
    shape = 4 / math.pi**2 * (math.atan(2) - math.atan(0.5)) ** 2
    assert turned == pytest.approx(1 / 3 - shape**2 / (2 / 3 + shape), abs=1e-5)


def test_maps_that_say_what_is_there_have_next_to_no_loss() -> None:
    targets = torch.tensor([[0.0, 100.0, 84.0, 20.0, 44.0], [0.0, 37.0, 200.0, 24.0, 50.0]])
    sides = (32, 16, 8)
    blank = [torch.full((1, 2, side, side, 6), -12.0) for side in sides]
    right = [one.clone() for one in blank]
    for logits, anchors, stride in zip(right, ANCHORS, (8, 16, 32), strict=True):
        found = matches(targets, anchors, stride, *logits.shape[2:4])
        share = torch.cat(
            ((found.boxes[:, :2] + 0.5) / 2, (found.boxes[:, 2:] / found.anchors) ** 0.5 / 2), dim=1
        )
        values = logits[found.where]
        values[:, :4], values[:, 4] = torch.logit(share), 12.0
        logits[found.where] = values
    boxes, objects = detection_loss(right, targets, ANCHORS)
    assert boxes.item() < 1e-3
    assert objects.item() < 1e-3
    assert detection_loss(blank, targets, ANCHORS)[0].item() > 0.1
    for logits in right:
        logits[..., 4] = -12.0
    assert detection_loss(right, targets, ANCHORS)[1].item() > 0.01


def test_an_empty_square_has_a_loss_of_objectness_only() -> None:
    maps = [torch.zeros(1, 2, side, side, 6) for side in (4, 2, 1)]
    boxes, objects = detection_loss(maps, torch.zeros(0, 5), ANCHORS)
    assert boxes.item() == 0
    assert objects.item() == pytest.approx((4 + 1 + 0.4) * math.log(2), rel=1e-5)


def test_the_only_class_is_always_right_and_drinks_are_rare_at_first() -> None:
    torch.manual_seed(0)
    net = begun(YoloV5(*SIZES["n"], classes=1)).eval()
    with torch.no_grad():
        candidates = net.decode(net(torch.rand(1, 3, 64, 64)))
    assert candidates[..., 5].min().item() > 0.9999
    assert candidates[..., 4].mean().item() < 0.05
