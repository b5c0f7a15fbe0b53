"""Photos that a teacher labelled, for the classes of which people labelled few: as it does, if it is sure.

    .venv-training/bin/python -m training.semantic.taught    # what the teacher reads
    .venv-export/bin/python -m evaluation.teacher \
        run/training/semantic/squares.npy run/training/semantic/logits.npy
"""

from functools import cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from rich.progress import track
from torch.nn.functional import interpolate

from evaluation.arrays import new_array
from evaluation.labelled import FOLDER, IGNORED, Labelled
from evaluation.teacher import SIDE as TEACHER_SIDE
from training.files import work_folder

SQUARES, LOGITS = (work_folder("semantic") / f"{name}.npy" for name in ("squares", "logits"))
LABEL_SIDE = 160
SURE = 0.7
"""Where the teacher's best class is less probable, no label counts."""
LEAST_SEEN, WELL_SEEN = 0.15, 0.5
"""Sums of the detector's scores: below the first a class is not there, from the second it is."""
LEAST_SHARE = 0.2
"""Of where the detector sees a class well: where the teacher sees it on less, one of them errs."""


class Taught(Labelled):
    """A picture with the teacher's labels."""

    def labels(self) -> Image.Image:
        """Return the class ids, as large as the picture; `IGNORED` where the teacher is not sure."""
        logits = np.load(LOGITS, mmap_mode="r")[_rows()[self.picture]].astype(np.float32)
        grid = torch.from_numpy(logits).permute(2, 0, 1)[None]
        large = interpolate(grid, size=(LABEL_SIDE, LABEL_SIDE), mode="bilinear", align_corners=True)
        probs, classes = torch.softmax(large[0], dim=0).max(dim=0)
        ids = classes.where(probs > SURE, IGNORED).numpy().astype(np.uint8)
        return Image.fromarray(ids).resize(Image.open(self.picture).size, Image.Resampling.NEAREST)


def taught() -> list[Labelled]:
    """Return the pictures: COCO's without labels."""
    return [Taught("taught", path) for path in sorted((FOLDER / "unlabelled" / "coco").glob("*.jpg"))]


def agreed(ids: NDArray[np.uint8], drawn: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return the teacher's class ids [h, w], `IGNORED` where the detector's boxes do not agree.

    `drawn` [classes - 1, h / n, w / n] are the boxes, as the net draws them.
    """
    result = ids.copy()
    for kind, sums in enumerate(np.expm1(drawn), start=1):
        if sums.max() < LEAST_SEEN:
            result[ids == kind] = IGNORED
        where = np.kron(sums > WELL_SEEN, np.ones((len(ids) // len(sums),) * 2, dtype=bool))
        if where.any() and (ids[where] == kind).mean() < LEAST_SHARE:
            result[where & (ids == 0)] = IGNORED
    return result


@cache
def _rows() -> dict[Path, int]:
    return {one.picture: row for row, one in enumerate(taught())}


def main() -> None:
    """Write the squares."""
    pictures = taught()
    array = new_array(SQUARES, np.uint8, (len(pictures), TEACHER_SIDE, TEACHER_SIDE, 3))
    for index, one in enumerate(track(pictures, "squares")):
        picture = Image.open(one.picture).convert("RGB")
        array[index] = picture.resize((TEACHER_SIDE, TEACHER_SIDE), Image.Resampling.BILINEAR)
    array.flush()


if __name__ == "__main__":
    main()
