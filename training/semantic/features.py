"""What the head learns from: the detector's maps of many views, computed once.

    .venv-training/bin/python -m training.semantic.features [--views N] [--processes N]

It goes on where it was stopped, and adds views where more are asked for.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from evaluation.labelled import MASKS, labelled
from training import frozen
from training.files import work_folder
from training.frozen import BATCH
from training.semantic.net import SHAPES, Frozen
from training.semantic.taught import agreed, taught
from training.semantic.views import LABEL_SIDE, SIDE, Views, whole

STORE = frozen.Store("semantic", 250, [(channels, SIDE // stride) for channels, stride in SHAPES], LABEL_SIDE)
SEED = 16
VIEWS = 5000
DRAWN = 3
"""Which of the maps are the drawn boxes."""


@cache
def runner() -> frozen.Runner:
    """Return what gives the maps of pictures uint8 [SIDE, SIDE, 3]."""
    return frozen.runner(Frozen(SIDE), SIDE)


def held_out_maps(name: str) -> list[NDArray[np.float16]]:
    """Return the maps of all held-out pictures of a set, computed where they are not there."""
    folder = work_folder(f"semantic/held_out_{name}")
    files = [folder / f"maps_{index}.npy" for index in range(len(SHAPES))]
    if not files[-1].exists():
        pictures = [whole(one) for one in labelled(name, held_out=True)]
        batches = [runner()(pictures[start : start + BATCH]) for start in range(0, len(pictures), BATCH)]
        for file, values in zip(files, zip(*batches, strict=True), strict=True):
            np.save(file, np.concatenate(values))
    return [np.load(file, mmap_mode="r") for file in files]


@cache
def _views(*, are_taught: bool) -> Views:
    if are_taught:
        return Views(taught(), SEED)
    return Views([one for name in MASKS for one in labelled(name, held_out=False)], SEED)


def _computed(numbers: range) -> tuple[frozen.Maps, frozen.Truths]:
    """Return the maps and labels of views; of every third part the teacher labelled the pictures."""
    are_taught = numbers.start // STORE.size % 3 == 2
    views = [_views(are_taught=are_taught)[number] for number in numbers]
    maps, labels = runner()([view.pixels for view in views]), [view.labels for view in views]
    if are_taught:
        labels = [agreed(*pair) for pair in zip(labels, maps[DRAWN].astype(np.float32), strict=True)]
    return maps, np.stack(labels)


def _make(number: int) -> None:
    STORE.make(number, _computed)


if __name__ == "__main__":
    STORE.fill(__doc__ or "", VIEWS, _make)
