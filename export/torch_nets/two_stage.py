"""torchvision's Faster R-CNN and Mask R-CNN as they are served: fixed numbers of candidates, plain operators.

Backbone, pyramid and heads are torchvision's own modules, under the names of its published checkpoints. What
torchvision does between them with lists of any length (choice of proposals, pooling, choice of detections) is
done here by rows of fixed number, of which some do not count. Why: docs/two-stage-detectors.md.
"""

import re
from collections.abc import Sequence

import torch
import torch.nn.functional as F  # noqa: N812 - PyTorch's own custom
from torch import Tensor, nn
from torchvision.models.detection import FasterRCNN, MaskRCNN
from torchvision.models.detection._utils import overwrite_eps
from torchvision.models.detection.backbone_utils import resnet_fpn_backbone

from export.torch_nets.random_weights import set_random_weights
from export.torch_nets.region_pooling import STRIDES, RegionPooling, in_one_plane
from export.torch_nets.resnet import Normalisation
from export.torch_nets.suppression import kept_boxes

COLUMNS = 91
"""Of class scores: column k is COCO's category k, and column 0 is the background."""

PROPOSAL_STEPS, DETECTION_STEPS = 48, 24
"""Of suppression, even: docs/two-stage-detectors.md has the lengths of chains that were met."""

CANDIDATES = 1000
"""Of which Mask R-CNN's detections are chosen: the surest pairs of a proposal and a class."""

_SEEDED = {
    "backbone.fpn.inner_blocks": 1 / 36,  # what comes out of the residual branches has grown so much
    "rpn.head.bbox_pred": 0.15,
    "roi_heads.box_predictor.cls_score": 4.0,
}
"""By how much weights of layers are multiplied in a net of random weights."""
_SEEDED_BACKGROUND = 20.0
"""Its bias there: the most of proposals show nothing, as with trained weights."""

_LEAST_SIDE = 1e-2
"""Pixels, of a detection (`RoIHeads.postprocess_detections`)."""
_GRIDS = (*STRIDES, 64)
"""Pixels a cell, of the levels that have anchors."""


def faster_rcnn(**settings: int) -> FasterRCNN:
    """Return the net of `FasterRCNN_ResNet50_FPN_Weights.COCO_V1`, without weights.

    `settings` are torchvision's own, of what it does before and after. Normalisations add nothing to their
    variances: torchvision sets it so when it loads this checkpoint.
    """
    net = FasterRCNN(_backbone(), COLUMNS, **settings)
    overwrite_eps(net, 0.0)
    return net.eval()


def mask_rcnn(**settings: int) -> MaskRCNN:
    """Return the net of `MaskRCNN_ResNet50_FPN_Weights.COCO_V1`, as `faster_rcnn` does."""
    net = MaskRCNN(_backbone(), COLUMNS, **settings)
    overwrite_eps(net, 0.0)
    return net.eval()


def _backbone() -> nn.Module:
    return resnet_fpn_backbone(backbone_name="resnet50", weights=None)


def seed_detector(net: FasterRCNN) -> None:
    """Fill the net with random weights, in place, of which scores come that are neither alike nor 0 or 1."""
    set_random_weights(net)
    with torch.no_grad():
        for name, value in net.named_parameters():
            value.mul_(next((factor for part, factor in _SEEDED.items() if name.startswith(part)), 1.0))
        net.roi_heads.box_predictor.cls_score.bias[0] = _SEEDED_BACKGROUND


def published_layout(net: FasterRCNN) -> dict[str, Tensor]:
    """Return the net's weights under the names of the published checkpoints.

    Their convolutions are not yet wrapped as those of today's modules are, which know both names.
    """
    return {_published(name): value for name, value in net.state_dict().items()}


def _published(name: str) -> str:
    name = re.sub(r"(inner_blocks|layer_blocks)\.(\d)\.0\.", r"\1.\2.", name)
    name = name.replace("rpn.head.conv.0.0.", "rpn.head.conv.")
    return re.sub(r"mask_head\.(\d)\.0\.", lambda found: f"mask_head.mask_fcn{int(found[1]) + 1}.", name)


class _TwoStage(nn.Module):
    """What both nets begin with. Boxes are (left, top, right, bottom) in pixels of the square."""

    def __init__(self, net: FasterRCNN, size: int) -> None:
        super().__init__()
        if size % _GRIDS[-1]:
            raise ValueError(f"the side must be a multiple of {_GRIDS[-1]}, {size} is not")
        self.size = size
        self.normalisation = Normalisation()
        self.net = net
        self.count = net.rpn.post_nms_top_n()
        cells, _ = net.roi_heads.box_roi_pool.output_size
        self.box_pooling = RegionPooling(size, cells, self.count)
        levels = _anchors(net, size)
        self.level_sizes = [len(anchors) for anchors in levels]
        for level, anchors in enumerate(levels):
            self.register_buffer(f"anchors_{level}", anchors, persistent=False)

    def regions(self, pixels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the pyramid in one plane, and boxes [B, n, 91, 4] and scores [B, n, 91] of n proposals.

        Boxes lie in the picture. Boxes and scores of proposals that do not count are 0, and so are scores of
        boxes that are too small.
        """
        inside = (pixels[..., 0] >= 0).to(pixels.dtype)
        height, width = inside.amax(dim=2).sum(dim=1), inside.amax(dim=1).sum(dim=1)
        limits = torch.stack([width, height, width, height], dim=1)[:, None]
        features = list(self.net.backbone(self.normalisation(pixels) * inside[:, None]).values())
        proposals, valid = self._proposals(features, limits)
        plane = in_one_plane(features[: len(STRIDES)], self.size)
        heads = self.net.roi_heads
        logits, encoded = heads.box_predictor(heads.box_head(self.box_pooling(plane, proposals)))
        boxes = heads.box_coder.decode_single(encoded, proposals.reshape(-1, 4))
        boxes = _clipped(boxes.reshape(-1, self.count, COLUMNS, 4), limits[:, None])
        boxes = boxes * valid[..., None, None].to(boxes.dtype)
        large = (_least_sides(boxes) >= _LEAST_SIDE).to(boxes.dtype)
        return plane, boxes, torch.softmax(logits, dim=1).reshape(-1, self.count, COLUMNS) * large

    def _proposals(self, features: Sequence[Tensor], limits: Tensor) -> tuple[Tensor, Tensor]:
        """Return proposals [B, n, 4] and which of them count [B, n], in falling order of objectness.

        As `RegionProposalNetwork.filter_proposals`: of every level the best, suppressed by level.
        """
        rpn = self.net.rpn
        objectness, encoded = rpn.head(features)
        levels = [
            self._best(level, *maps) for level, maps in enumerate(zip(objectness, encoded, strict=True))
        ]
        boxes = _clipped(torch.stack([one for one, _ in levels], dim=1), limits[:, None])
        logits = torch.stack([one for _, one in levels], dim=1)
        valid = _least_sides(boxes) >= rpn.min_size
        kept = kept_boxes(boxes, valid, rpn.nms_thresh, PROPOSAL_STEPS)
        best, where = torch.where(kept, logits.sigmoid(), -1.0).flatten(1).topk(self.count, dim=1)
        return _rows(boxes.reshape(-1, len(levels) * rpn.pre_nms_top_n(), 4), where), best >= 0

    def _best(self, level: int, objectness: Tensor, encoded: Tensor) -> tuple[Tensor, Tensor]:
        """Return boxes [B, n, 4] and logits [B, n] of a level's best anchors.

        Where it has fewer than n the rest have no size.
        """
        anchors = getattr(self, f"anchors_{level}")
        count = self.net.rpn.pre_nms_top_n()
        missing = max(0, count - self.level_sizes[level])
        logits, where = objectness.permute(0, 2, 3, 1).flatten(1).topk(count - missing, dim=1)
        rows = encoded.permute(0, 2, 3, 1).reshape(-1, self.level_sizes[level], 4)
        chosen, own = (values.reshape(-1, 4) for values in (_rows(rows, where), anchors[where]))
        boxes = self.net.rpn.box_coder.decode_single(chosen, own).reshape(-1, count - missing, 4)
        return F.pad(boxes, (0, 0, 0, missing)), F.pad(logits, (0, missing))

    def sides(self, boxes: Tensor) -> Tensor:
        """Return `boxes` as they are answered: (top, left, bottom, right) in sides of the square."""
        left, top, right, bottom = (boxes / self.size).unbind(-1)
        return torch.stack([top, left, bottom, right], dim=-1)


class ServedFasterRcnn(_TwoStage):
    """Faster R-CNN as it is served: float32 RGB [B, size, size, 3] of 0 to 255 to all its candidates.

    Negative pixels are beside the picture, which lies in the upper left.
    """

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Return `boxes` [B, 1000, 91, 4], in sides of the square, and `class_scores` [B, 1000, 91].

        Row by proposal; every class has a box of its own. What does not count is 0.
        """
        _, boxes, scores = self.regions(pixels)
        return self.sides(boxes), scores


class ServedMaskRcnn(_TwoStage):
    """Mask R-CNN as it is served: the same pixels to its best detections and their masks."""

    classes: Tensor

    def __init__(self, net: MaskRCNN, size: int) -> None:
        super().__init__(net, size)
        cells, _ = net.roi_heads.mask_roi_pool.output_size
        self.mask_pooling = RegionPooling(size, cells, net.roi_heads.detections_per_img)
        self.mask_side = 2 * cells  # the predictor doubles it
        of_pairs = torch.arange(1, COLUMNS).repeat(self.count)
        self.register_buffer("classes", of_pairs, persistent=False)

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return `boxes` [B, 100, 1, 4], `class_scores` [B, 100, 91], `mask_probs` [B, 100, 28, 28].

        In falling order of scores; a row has the score of its own class alone. What does not count is 0.
        """
        plane, boxes, scores = self.regions(pixels)
        boxes, scores, classes = self._detections(boxes, scores)
        columns = torch.arange(COLUMNS, device=pixels.device)
        class_scores = (classes[..., None] == columns).to(scores.dtype) * scores[..., None]
        counts = (scores > 0).to(scores.dtype)[..., None, None]
        return self.sides(boxes)[:, :, None], class_scores, self._masks(plane, boxes, classes) * counts

    def _detections(self, boxes: Tensor, scores: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return boxes [B, n, 4], scores [B, n] and classes [B, n] of the best, suppressed by class."""
        heads = self.net.roi_heads
        pairs = scores[..., 1:].flatten(1)
        pairs, where = pairs.topk(CANDIDATES, dim=1)
        classes = self.classes[where]
        boxes = _rows(boxes[:, :, 1:].reshape(-1, self.count * (COLUMNS - 1), 4), where)
        kept = kept_boxes(boxes, pairs > heads.score_thresh, heads.nms_thresh, DETECTION_STEPS, classes)
        best, first = (pairs * kept.to(pairs.dtype)).topk(heads.detections_per_img, dim=1)
        counts = (best > 0).to(boxes.dtype)
        return _rows(boxes, first) * counts[..., None], best, classes.gather(1, first)

    def _masks(self, plane: Tensor, boxes: Tensor, classes: Tensor) -> Tensor:
        """Return the mask of each box's own class."""
        heads = self.net.roi_heads
        logits = heads.mask_predictor(heads.mask_head(self.mask_pooling(plane, boxes)))
        side = self.mask_side
        own = classes.reshape(-1, 1, 1, 1).repeat(1, 1, side, side)
        return logits.gather(1, own).sigmoid().reshape(-1, self.mask_pooling.count, side, side)


def _anchors(net: FasterRCNN, size: int) -> tuple[Tensor, ...]:
    """Return the anchors [n, 4] of every level for a square of `size` pixels a side."""
    sides = [size // stride for stride in _GRIDS]
    strides = [[torch.tensor(stride)] * 2 for stride in _GRIDS]
    levels: list[Tensor] = net.rpn.anchor_generator.grid_anchors([[side, side] for side in sides], strides)
    return tuple(levels)


def _clipped(boxes: Tensor, limits: Tensor) -> Tensor:
    return torch.minimum(boxes, limits).clamp(min=0)


def _least_sides(boxes: Tensor) -> Tensor:
    """Return the shorter side of each of `boxes` [..., 4]."""
    return (boxes[..., 2:] - boxes[..., :2]).amin(dim=-1)


def _rows(values: Tensor, where: Tensor) -> Tensor:
    """Return the rows `where` [B, k] of `values` [B, n, 4]."""
    return values.gather(1, where[..., None].repeat(1, 1, 4))
