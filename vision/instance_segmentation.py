"""Instance segmentation: the detector's boxes, and the mask of what each of them shows.

Either the detector draws the masks itself, or a second net looks at each detection by itself, in a region
somewhat larger than its box, and says of every cell of the region whether it shows the thing, whatever the
thing is.
"""

import asyncio

import msgspec
import numpy as np
from numpy.typing import NDArray

from vision.manifest import Manifest
from vision.masks import paste
from vision.nms import Boxes
from vision.object_detection import (
    ObjectDetectionPostprocess,
    ObjectDetectionPreprocess,
    ObjectDetectionSettings,
)
from vision.regions import cut_regions, enlarged
from vision.rle import Counts
from vision.tensors import Infer, Picture, Tensors

_LEAST_SIDE = 0.125
"""Of a region, in pixels: the sides of a sliver may be rounded to the same number."""


class InstanceMaskSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the mask net is fed, and when it is believed."""

    size: int
    """Side of its square input, pixels."""
    margin: float
    """Share of a box's size that its region is larger by, on every side."""
    threshold: float
    """Probability above which a pixel of the box belongs to the thing."""
    max_regions: int
    """Regions in one batch."""


class InstanceSegmentationPreprocess:
    """`image` BYTES [1] to what the detector reads, and what regions are cut from."""

    def __init__(self, detection: Manifest) -> None:
        self._detection = ObjectDetectionPreprocess(detection)

    def __call__(self, image: NDArray[np.object_]) -> Tensors:
        """Return `pixels` and `picture_size` as `ObjectDetectionPreprocess`, and `picture` uint8 [h, w, 3].

        `picture` is the upright picture, reduced if it is large: the detector sees no more of it, and a
        region is small. Raises PictureError.
        """
        return self._detection.with_source(image)


class InstanceSegmentationPostprocess:
    """The detector's boxes, scores and masks to the answer.

    Where it draws no masks, runs the net `mask` itself, by batches of regions. Raises ValueError where there
    is none either.
    """

    def __init__(self, detection: Manifest, mask: Manifest | None) -> None:
        self._detection = ObjectDetectionPostprocess(detection)
        self._drawn_above = detection.typed_settings(ObjectDetectionSettings).mask_threshold
        if mask is not None:
            self._settings, self._net = mask.typed_settings(InstanceMaskSettings), mask.net
        elif self._drawn_above is None:
            raise ValueError(f"{detection.net} draws no masks, and there is no net that does")

    async def __call__(  # noqa: PLR0913, PLR0917 - its tensors
        self,
        boxes: NDArray[np.float32],
        class_scores: NDArray[np.float32],
        mask_probs: NDArray[np.float32],
        picture: Picture,
        picture_size: NDArray[np.int32],
        infer: Infer,
    ) -> Tensors:
        """Return the answer of `ObjectDetectionPostprocess`, and the masks of its detections.

        `mask_probs` [m, side, side] are the masks of the m rows of `boxes`, each covering its box; where the
        detector draws none m is 0. `detection_masks_lengths` int32 [n] says how many of
        `detection_masks_counts` int32 [total] are each mask's, a run-length encoding (`vision.rle`) of the
        size `detection_masks_size` int32 [2], which is the upright picture's. `picture` may be smaller.
        """
        outputs = {"boxes": boxes, "class_scores": class_scores, "mask_probs": mask_probs}
        found, searches = await self._detection.searched(outputs, picture_size, picture, infer)
        size = (int(picture_size[0]), int(picture_size[1]))
        if self._drawn_above is None:
            masks = await self._found(found.boxes, picture, size, infer)
        else:
            probs = np.concatenate([search["mask_probs"] for search in searches])
            masks = drawn(probs[found.rows], found.boxes, size, self._drawn_above)
        return self._detection.answer(found) | _joined(masks) | {"detection_masks_size": picture_size}

    async def _found(
        self, boxes: Boxes, picture: Picture, size: tuple[int, int], infer: Infer
    ) -> list[Counts]:
        """Return what the mask net sees of each of `boxes`, in the picture of `size`."""
        regions = _regions(boxes, self._settings.margin)
        scale = np.tile(np.array(picture.shape[:2]) / size, 2).astype(np.float32)
        maps = await self._maps(picture, regions * scale, infer)
        return [
            paste(plane, region, box, size, self._settings.threshold)
            for plane, region, box in zip(maps, regions, boxes, strict=True)
        ]

    async def _maps(self, picture: Picture, regions: Boxes, infer: Infer) -> list[NDArray[np.float32]]:
        """Return the net's map of each of `regions`, in pixels of `picture`."""
        step = self._settings.max_regions
        parts = [regions[start : start + step] for start in range(0, len(regions), step)]
        maps = await asyncio.gather(*(self._part_maps(picture, part, infer) for part in parts))
        return [plane for part in maps for plane in part]

    async def _part_maps(self, picture: Picture, regions: Boxes, infer: Infer) -> NDArray[np.float32]:
        batch = cut_regions(picture, regions, self._settings.size, self._settings.size)
        return (await infer(self._net, {"regions": batch}))["mask_probs"]


def drawn(
    mask_probs: NDArray[np.float32], boxes: Boxes, size: tuple[int, int], threshold: float
) -> list[Counts]:
    """Return the masks of a picture of `size`, (height, width), that cover `boxes` [n, 4] in its pixels.

    `mask_probs` are float32 [n, side, side]. As torchvision's `paste_masks_in_image`: around a mask stands a
    cell of nothing on every side, and what the enlarged one covers is cut to whole pixels, both of which may
    let a mask reach out of its box by a pixel or two.
    """
    framed = np.pad(mask_probs, ((0, 0), (1, 1), (1, 1)))
    share = np.float32(framed.shape[2] / mask_probs.shape[2])
    centres, halves = (boxes[:, :2] + boxes[:, 2:]) / 2, (boxes[:, 2:] - boxes[:, :2]) / 2 * share
    regions = np.trunc(np.concatenate([centres - halves, centres + halves], axis=1))
    regions[:, 2:] += 1
    return [
        paste(plane, region, region, size, threshold) for plane, region in zip(framed, regions, strict=True)
    ]


def _regions(boxes: Boxes, margin: float) -> Boxes:
    """Return what the net looks at for each of `boxes`; may reach out of the picture."""
    regions = enlarged(boxes, margin)
    regions[:, 2:] = np.maximum(regions[:, 2:], regions[:, :2] + np.float32(_LEAST_SIDE))
    return regions


def _joined(masks: list[Counts]) -> Tensors:
    """Return the masks as tensors; without any, both are empty."""
    return {
        "detection_masks_counts": np.concatenate([np.zeros(0, dtype=np.int32), *masks]),
        "detection_masks_lengths": np.array([len(counts) for counts in masks], dtype=np.int32),
    }
