"""What the head learns from: the detector's maps of many views, computed once.

    .venv-training/bin/python -m training.semantic.features [--views N] [--processes N]

It goes on where it was stopped, and adds views where more are asked for.
"""

import argparse
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from multiprocessing import get_context

import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from evaluation.arrays import new_array
from evaluation.labelled import MASKS, labelled
from training.files import work_folder
from training.semantic.detected import BATCH, maps
from training.semantic.net import SHAPES
from training.semantic.taught import agreed, taught
from training.semantic.views import LABEL_SIDE, SIDE, Views, whole

PART = 250
"""Views in a file."""
SEED = 16
VIEWS = 5000
DRAWN = 3
"""Which of the maps are the drawn boxes."""


class Part:
    """The maps and labels of `PART` views, as arrays in files."""

    def __init__(self, number: int) -> None:
        self.number = number
        self._folder = work_folder("semantic") / f"views_{number:03}"

    @property
    def is_taught(self) -> bool:
        """Tell whether the teacher, not people, labelled the pictures: those of every third part."""
        return self.number % 3 == 2

    @property
    def is_complete(self) -> bool:
        """Tell whether all of it is there."""
        return self._folder.is_dir()

    def arrays(self) -> list[NDArray[np.float16]]:
        """Return the maps, one array each."""
        return [np.load(self._folder / f"maps_{index}.npy", mmap_mode="r") for index in range(len(SHAPES))]

    def labels(self) -> NDArray[np.uint8]:
        """Return the labels."""
        labels: NDArray[np.uint8] = np.load(self._folder / "labels.npy")
        return labels

    def make(self) -> None:
        """Compute and write it."""
        draft = self._folder.with_suffix(".new")
        draft.mkdir(exist_ok=True)
        arrays = [
            new_array(
                draft / f"maps_{index}.npy", np.float16, (PART, channels, SIDE // stride, SIDE // stride)
            )
            for index, (channels, stride) in enumerate(SHAPES)
        ]
        labels = np.empty((PART, LABEL_SIDE, LABEL_SIDE), dtype=np.uint8)
        for start in range(0, PART, BATCH):
            first = self.number * PART + start
            views = [_views(are_taught=self.is_taught)[first + index] for index in range(BATCH)]
            found = maps([view.pixels for view in views])
            for array, values in zip(arrays, found, strict=True):
                array[start : start + BATCH] = values
            ids = [view.labels for view in views]
            labels[start : start + BATCH] = (
                [agreed(*pair) for pair in zip(ids, found[DRAWN].astype(np.float32), strict=True)]
                if self.is_taught
                else ids
            )
        for array in arrays:
            array.flush()
        np.save(draft / "labels.npy", labels)
        draft.rename(self._folder)


def parts() -> list[Part]:
    """Return the parts that are there."""
    return [part for number in range(1000) if (part := Part(number)).is_complete]


def held_out_maps(name: str) -> list[NDArray[np.float16]]:
    """Return the maps of all held-out pictures of a set, computed where they are not there."""
    folder = work_folder(f"semantic/held_out_{name}")
    files = [folder / f"maps_{index}.npy" for index in range(len(SHAPES))]
    if not files[-1].exists():
        pictures = [whole(one) for one in labelled(name, held_out=True)]
        batches = [maps(pictures[start : start + BATCH]) for start in range(0, len(pictures), BATCH)]
        for file, values in zip(files, zip(*batches, strict=True), strict=True):
            np.save(file, np.concatenate(values))
    return [np.load(file, mmap_mode="r") for file in files]


@cache
def _views(*, are_taught: bool) -> Views:
    if are_taught:
        return Views(taught(), SEED)
    return Views([one for name in MASKS for one in labelled(name, held_out=False)], SEED)


def _make(number: int) -> None:
    Part(number).make()


def main() -> None:
    """Write what is missing of the views."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--views", type=int, default=VIEWS)
    parser.add_argument("--processes", type=int, default=2)
    choices = parser.parse_args()
    missing = [number for number in range(choices.views // PART) if not Part(number).is_complete]
    with ProcessPoolExecutor(choices.processes, mp_context=get_context("spawn")) as pool:
        for _ in track(pool.map(_make, missing), "views", len(missing)):
            pass


if __name__ == "__main__":
    main()
