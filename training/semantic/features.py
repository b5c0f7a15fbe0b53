"""What the head learns from: the backbone's features of the views, computed once.

    .venv-training/bin/python -m training.semantic.features      # after `views`

The backbone was trained on a hundred times as many pictures as the head has, so it stays as it is: trained
along, it learned the teacher's answers by heart, and for pictures that it had not seen that was no better.
"""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from rich.progress import track
from torch.nn.functional import interpolate

from bench.photos import FOLDER
from training.detector import CHANNELS, DetectorBackbone
from training.files import new_array, work_folder
from training.semantic.views import CROPS, VIEWS, training_photos

SIDE = 320
"""Of the picture that the net is served with."""
STRIDES = (8, 16, 32)
FILES = tuple(work_folder("semantic") / f"features_{stride}.npy" for stride in STRIDES)
EXTRA_VIEWS = 2
"""Of each extra photo: the whole of it, and one crop."""
BATCH = 8


class Lessons(NamedTuple):
    """Which views have features, in the order of the features' rows."""

    views: NDArray[np.intp]
    mirrored: NDArray[np.bool_]
    groups: NDArray[np.intp]
    """0 for a whole labelled photo (and its mirror image), 1 for a crop of one, 2 for an extra photo."""


def lessons() -> Lessons:
    """Return all views of labelled photos, mirror images of the whole ones, and some of the extra photos'."""
    a_photo = 1 + CROPS
    labelled = sum(photo.parent == FOLDER for photo in training_photos())
    everything = np.arange(len(training_photos()) * a_photo)
    of_labelled = everything[: labelled * a_photo]
    of_extra = everything[labelled * a_photo :]
    whole = of_labelled[of_labelled % a_photo == 0]
    some = of_extra[of_extra % a_photo < EXTRA_VIEWS]
    views = np.concatenate([of_labelled, whole, some])
    mirrored = np.zeros(len(views), dtype=np.bool_)
    mirrored[len(of_labelled) : len(of_labelled) + len(whole)] = True
    groups = np.where(views < labelled * a_photo, (views % a_photo > 0).astype(np.intp), 2)
    return Lessons(views, mirrored, groups)


def main() -> None:
    """Write the features of all lessons."""
    views, (chosen, mirrored, _) = np.load(VIEWS, mmap_mode="r"), lessons()
    backbone = DetectorBackbone()
    arrays = [
        new_array(path, np.float16, (len(chosen), channels, SIDE // stride, SIDE // stride))
        for path, channels, stride in zip(FILES, CHANNELS, STRIDES, strict=True)
    ]
    for start in track(range(0, len(chosen), BATCH), "features"):
        rows = slice(start, start + BATCH)
        pictures = torch.from_numpy(views[chosen[rows]]).permute(0, 3, 1, 2).float() / 127.5 - 1
        small = interpolate(pictures, (SIDE, SIDE), mode="bilinear", antialias=True)
        small[mirrored[rows]] = small[mirrored[rows]].flip(3)
        with torch.no_grad():
            for array, maps in zip(arrays, backbone(small), strict=True):
                array[rows] = maps.numpy()
    for array in arrays:
        array.flush()


if __name__ == "__main__":
    main()
