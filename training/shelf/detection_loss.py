"""YOLOv5's loss for one class: which anchors answer for a box, and how far off they are.

Source: `utils/loss.py` of YOLOv5 7.0 (anchors by the ratio of sides, three cells a box, CIoU, objectness that
aims at the IoU). With one class there is no loss of classes, as there.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from export.torch_nets.yolov5 import STRIDES

WORST_RATIO = 2.0
"""An anchor answers for boxes whose sides are less than this many times its own, or its own theirs.

Published is 4. Drinks stand closer than a cell of the coarsest map is wide, and differ less in size.
"""
BALANCE = (4.0, 1.0, 0.4)
"""Weight of each map's objectness, finest first."""
BOX_WEIGHT = 0.1
"""Weight of the boxes beside objectness. Published is 0.05, for trainings that are a hundred times longer."""


class Matches(NamedTuple):
    """Which cells of one map answer for which boxes; every field has one row a match.

    `where`: image, anchor, row, column. `boxes` float [n, 4]: centre x and y from the cell's corner, width,
    height; `anchors` float [n, 2]; both in cells.
    """

    where: tuple[Tensor, Tensor, Tensor, Tensor]
    boxes: Tensor
    anchors: Tensor


def detection_loss(maps: Sequence[Tensor], targets: Tensor, anchors: Tensor) -> tuple[Tensor, Tensor]:
    """Return the losses of boxes and of objectness.

    `maps` are logits [B, anchors, h, w, 6] of each stride; `targets` [n, 5] are image, cx, cy, width, height
    in pixels; `anchors` [3, anchors, 2] are in cells.
    """
    box_loss, object_loss = maps[0].new_zeros(()), maps[0].new_zeros(())
    for logits, level, stride, balance in zip(maps, anchors, STRIDES, BALANCE, strict=True):
        found = matches(targets, level, stride, logits.shape[2], logits.shape[3])
        aim = torch.zeros_like(logits[..., 4])
        if len(found.boxes):
            values = logits[found.where].sigmoid()
            sizes = (values[:, 2:4] * 2) ** 2 * found.anchors
            overlap = complete_iou(torch.cat((values[:, :2] * 2 - 0.5, sizes), dim=1), found.boxes)
            box_loss = box_loss + (1 - overlap).mean()
            aim[found.where] = overlap.detach().clamp(0)
        object_loss = object_loss + balance * binary_cross_entropy_with_logits(logits[..., 4], aim)
    return BOX_WEIGHT * box_loss, object_loss


def matches(targets: Tensor, anchors: Tensor, stride: int, rows: int, columns: int) -> Matches:
    """Return which cells of a map answer for `targets` [n, 5]; its `anchors` [a, 2] are in cells.

    The cell that a centre lies in answers, and of its neighbours the nearer one beside and the nearer one
    above or below.
    """
    boxes = targets[:, 1:] / stride
    ratios = boxes[None, :, 2:] / anchors[:, None]
    anchor, box = torch.nonzero(torch.maximum(ratios, 1 / ratios).amax(dim=2) < WORST_RATIO, as_tuple=True)
    centres, sides = boxes[box, :2], torch.tensor([columns, rows])
    part = centres - centres.floor()
    before = (part < 0.5) & (centres > 1)
    after = (part >= 0.5) & (sides - centres > 1)
    steps = torch.tensor([[0, 0], [-1, 0], [0, -1], [1, 0], [0, 1]])
    taken = torch.stack((torch.ones_like(before[:, 0]), *before.unbind(1), *after.unbind(1)))
    step, match = torch.nonzero(taken, as_tuple=True)
    cells = centres[match].long() + steps[step]
    chosen = box[match]
    relative = torch.cat((centres[match] - cells, boxes[chosen, 2:]), dim=1)
    where = (targets[chosen, 0].long(), anchor[match], cells[:, 1], cells[:, 0])
    return Matches(where, relative, anchors[anchor[match]])


def complete_iou(ours: Tensor, theirs: Tensor) -> Tensor:
    """Return CIoU [n] of boxes [n, 4] of (cx, cy, width, height); source: arXiv:1911.08287."""
    low = torch.maximum(ours[:, :2] - ours[:, 2:] / 2, theirs[:, :2] - theirs[:, 2:] / 2)
    high = torch.minimum(ours[:, :2] + ours[:, 2:] / 2, theirs[:, :2] + theirs[:, 2:] / 2)
    both = (high - low).clamp(0).prod(dim=1)
    overlap = both / (ours[:, 2:].prod(dim=1) + theirs[:, 2:].prod(dim=1) - both + 1e-7)
    apart = ((ours[:, :2] - theirs[:, :2]) ** 2).sum(dim=1)
    outer_low = torch.minimum(ours[:, :2] - ours[:, 2:] / 2, theirs[:, :2] - theirs[:, 2:] / 2)
    outer_high = torch.maximum(ours[:, :2] + ours[:, 2:] / 2, theirs[:, :2] + theirs[:, 2:] / 2)
    diagonal = ((outer_high - outer_low) ** 2).sum(dim=1) + 1e-7
    turn = torch.atan(theirs[:, 2] / theirs[:, 3]) - torch.atan(ours[:, 2] / (ours[:, 3] + 1e-7))
    shape = 4 / math.pi**2 * turn**2
    with torch.no_grad():
        weight = shape / (1 - overlap + shape + 1e-7)
    return overlap - apart / diagonal - weight * shape
