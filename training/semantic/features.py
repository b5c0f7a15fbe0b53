"""What the head learns from: the backbones' features of the views, computed once.

    .venv-training/bin/python -m training.semantic.features      # after `views`

The backbones were trained on a hundred times as many pictures as the head has, so they stay as they are:
trained along, they learned the teacher's answers by heart, and were no better on pictures that they had not
seen.
"""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from rich.progress import track
from torch.nn.functional import interpolate

from evaluation.arrays import new_array
from training.files import work_folder
from training.semantic.net import Backbones
from training.semantic.views import COMPOSITIONS, CROPS, VIEWS, labelled_photos, photo_views

SIDE = 320
"""Of the picture that the net is served with."""
STRIDES = (8, 16, 32)
FILES = tuple(
    tuple(work_folder("semantic") / f"{backbone}_{stride}.npy" for stride in STRIDES)
    for backbone in ("detector", "classifier")
)
"""In the order of `Backbones`' maps."""
EXTRA_VIEWS = 2
"""Of each extra photo: the whole of it, and one crop."""
BATCH = 8


class Lessons(NamedTuple):
    """Which views have features, in the order of the features' rows."""

    views: NDArray[np.intp]
    mirrored: NDArray[np.bool_]
    groups: NDArray[np.intp]
    """0 for a whole labelled photo (and its mirror image), 1 for a crop of one, 2 for an extra photo, 3 for a
    composition."""


def lessons() -> Lessons:
    """Return all views of labelled photos, mirror images of the whole ones, some of the extra photos', and
    the compositions."""
    a_photo, photos = 1 + CROPS, photo_views()
    labelled = len(labelled_photos()) * a_photo
    of_labelled, of_extra = np.arange(labelled), np.arange(labelled, photos)
    whole = of_labelled[of_labelled % a_photo == 0]
    some = of_extra[of_extra % a_photo < EXTRA_VIEWS]
    views = np.concatenate([of_labelled, whole, some, photos + np.arange(COMPOSITIONS)])
    mirrored = np.zeros(len(views), dtype=np.bool_)
    mirrored[labelled : labelled + len(whole)] = True
    groups = np.select([views >= photos, views >= labelled], [3, 2], (views % a_photo > 0).astype(np.intp))
    return Lessons(views, mirrored, groups)


def main() -> None:
    """Write the features of all lessons."""
    views, (chosen, mirrored, _) = np.load(VIEWS, mmap_mode="r"), lessons()
    backbones = Backbones()
    arrays = [
        [
            new_array(path, np.float16, (len(chosen), channels, SIDE // stride, SIDE // stride))
            for path, channels, stride in zip(files, widths, STRIDES, strict=True)
        ]
        for files, widths in zip(FILES, Backbones.channels, strict=True)
    ]
    for start in track(range(0, len(chosen), BATCH), "features"):
        rows = slice(start, start + BATCH)
        pictures = torch.from_numpy(views[chosen[rows]]).permute(0, 3, 1, 2).float() / 127.5 - 1
        small = interpolate(pictures, (SIDE, SIDE), mode="bilinear", antialias=True)
        small[mirrored[rows]] = small[mirrored[rows]].flip(3)
        with torch.no_grad():
            for ours, maps in zip(arrays, backbones(small), strict=True):
                for array, values in zip(ours, maps, strict=True):
                    array[rows] = values.numpy()
    for array in (one for ours in arrays for one in ours):
        array.flush()


if __name__ == "__main__":
    main()
