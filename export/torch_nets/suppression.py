"""Greedy non-maximum suppression as matrix steps of fixed number and shape.

Source: Cluster-NMS (Zheng et al., 2020, "Enhancing Geometric Factors in Model Learning and Inference for
Object Detection and Instance Segmentation"). Let X[i, j] say that box i is better than box j and overlaps it
too much. All boxes stay at first; then, in every step, exactly those that no box which stayed the step before
suppresses.

What is true of it, F being a step and G what greedy suppression keeps:

- F(G) = G, and G is the only such set: the best box stays in it, and each box follows from the better ones.
- A box whose longest chain of suppressors (each X of the next) has k boxes is decided from step k on.
- F turns inclusions round. All boxes include G, so after an even number of steps the result includes it, and
  after an odd one it is included. With an even number, a chain longer than the steps may leave a box that
  greedy suppression drops, and never drops one that it keeps.
"""

import torch
from torch import Tensor

_LEAST_AREA = 1e-12
"""Of two boxes together, square pixels; none that is valid comes near."""


def kept_boxes(
    boxes: Tensor, valid: Tensor, max_overlap: float, steps: int, groups: Tensor | None = None
) -> Tensor:
    """Return which of `boxes` [..., n, 4] stay, bool [..., n]; they stand in falling order of their scores.

    Boxes are (left, top, right, bottom). Of two that overlap by more than `max_overlap` (intersection over
    union) the worse goes, where both are of one of `groups` [..., n]. Those that are not `valid` [..., n] go,
    and suppress none.
    """
    order = torch.arange(boxes.shape[-2], device=boxes.device)
    suppresses = (_overlaps(boxes) > max_overlap) & (order[:, None] < order) & valid[..., :, None]
    if groups is not None:
        suppresses = suppresses & (groups[..., :, None] == groups[..., None, :])
    matrix = suppresses.to(boxes.dtype)
    suppressors = matrix.sum(dim=-2, keepdim=True)  # the first step, when all stay
    for _ in range(steps - 1):
        suppressors = (suppressors < 0.5).to(boxes.dtype) @ matrix
    return (suppressors[..., 0, :] < 0.5) & valid


def _overlaps(boxes: Tensor) -> Tensor:
    """Return intersections over unions, [..., n, n]."""
    left, top, right, bottom = boxes.unbind(-1)
    both = _shared(left, right) * _shared(top, bottom)
    areas = (right - left) * (bottom - top)
    either = areas[..., :, None] + areas[..., None, :] - both
    return both / either.clamp(min=_LEAST_AREA)


def _shared(starts: Tensor, stops: Tensor) -> Tensor:
    """Return the lengths that every two of n stretches share, [..., n, n]."""
    first = torch.maximum(starts[..., :, None], starts[..., None, :])
    last = torch.minimum(stops[..., :, None], stops[..., None, :])
    return (last - first).clamp(min=0)
