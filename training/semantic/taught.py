"""Pictures that a teacher labelled, kept where the detector agrees: people labelled few of most classes.

    .venv-training/bin/python -m training.semantic.taught squares   # what the teacher reads
    .venv-export/bin/python -m evaluation.teacher \
        run/training/semantic/squares.npy run/training/semantic/logits.npy
    .venv-training/bin/python -m training.semantic.taught           # its labels
"""

import sys
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from rich.progress import track
from torch.nn.functional import interpolate

from evaluation.arrays import new_array
from evaluation.labelled import FOLDER, IGNORED, Labelled
from evaluation.photos import all_photos, for_fitting
from evaluation.teacher import SIDE as TEACHER_SIDE
from training.files import work_folder
from training.semantic.detected import maps
from training.semantic.views import whole

SQUARES, LOGITS = (work_folder("semantic") / f"{name}.npy" for name in ("squares", "logits"))
MASKS = work_folder("semantic/taught")
MASK_SIDE = 160
SURE = 0.7
"""Where the teacher's best class is less probable, no label counts."""
LEAST_SEEN, WELL_SEEN = 0.15, 0.5
"""Sums of the detector's scores: below the first a class is not there, from the second it is."""
LEAST_SHARE = 0.2
"""Of where the detector sees a class well: where the teacher sees it on less, one of them errs."""


class Taught(Labelled):
    """A picture with the teacher's labels."""

    def labels(self) -> Image.Image:
        """Return the class ids, as large as the picture."""
        return Image.open(MASKS / f"{self.picture.stem}.png")


def taught() -> list[Labelled]:
    """Return the pictures, photos of COCO first."""
    coco = sorted((FOLDER / "unlabelled" / "coco").glob("*.jpg"))
    return [Taught("taught", path) for path in [*coco, *for_fitting(all_photos())]]


def agreed(logits: NDArray[np.float32], drawn: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return class ids [MASK_SIDE, MASK_SIDE] by the teacher's logits [g, g, C].

    `IGNORED` where it is not sure, or where the detector's boxes [C - 1, h, w], as drawn, do not agree.
    """
    grid = torch.from_numpy(logits).permute(2, 0, 1)[None]
    large = interpolate(grid, size=(MASK_SIDE, MASK_SIDE), mode="bilinear", align_corners=True)[0]
    best, order = torch.softmax(large, dim=0).max(dim=0)
    classes = order.numpy().astype(np.uint8)
    ids = np.where(best.numpy() < SURE, np.uint8(IGNORED), classes)
    for kind, sums in enumerate(np.expm1(drawn), start=1):
        if sums.max() < LEAST_SEEN:
            ids[classes == kind] = IGNORED
        where = np.kron(sums > WELL_SEEN, np.ones((MASK_SIDE // len(sums),) * 2, dtype=bool))
        if where.any() and (classes[where] == kind).mean() < LEAST_SHARE:
            ids[where & (ids == 0)] = IGNORED
    return ids


def _write_squares(pictures: list[Path]) -> None:
    array = new_array(SQUARES, np.uint8, (len(pictures), TEACHER_SIDE, TEACHER_SIDE, 3))
    for index, path in enumerate(track(pictures, "squares")):
        picture = Image.open(path).convert("RGB")
        array[index] = picture.resize((TEACHER_SIDE, TEACHER_SIDE), Image.Resampling.BILINEAR)
    array.flush()


def _write_masks(pictures: list[Labelled]) -> None:
    logits = np.load(LOGITS, mmap_mode="r")
    for one, values in zip(track(pictures, "labels"), logits, strict=True):
        (drawn,) = maps([whole(one)])[3].astype(np.float32)
        ids = Image.fromarray(agreed(values.astype(np.float32), drawn))
        size = Image.open(one.picture).size
        ids.resize(size, Image.Resampling.NEAREST).save(MASKS / f"{one.picture.stem}.png")


def main() -> None:
    """Write the squares or, when the teacher has labelled these, the masks."""
    if sys.argv[1:] == ["squares"]:
        _write_squares([one.picture for one in taught()])
    else:
        _write_masks(taught())


if __name__ == "__main__":
    main()
