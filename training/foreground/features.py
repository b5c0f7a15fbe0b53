"""What the head learns from: the frozen nets' maps of many views, computed once.

    .venv-training/bin/python -m training.foreground.features [--views N] [--processes N]

It goes on where it was stopped, and adds views where more are asked for.
"""

import argparse
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from multiprocessing import get_context

import numpy as np
import torch
from numpy.typing import NDArray
from onnxruntime import InferenceSession, SessionOptions
from rich.progress import track

from evaluation.arrays import new_array
from training.blocks import Normalised
from training.files import work_folder
from training.foreground.net import MAPS, SELFIE_SIDE, SIDE, Frozen
from training.foreground.selfie import Selfie
from training.foreground.views import Lessons, Views
from training.onnx_export import OPSET

PART = 200
"""Views in a file."""
SEED = 17
VIEWS = 2400
BATCH = 10


class Part:
    """The maps and truths of `PART` views, as arrays in files."""

    def __init__(self, number: int) -> None:
        self.number = number
        self._folder = work_folder("foreground") / f"views_{number:03}"

    @property
    def is_complete(self) -> bool:
        """Tell whether all of it is there."""
        return self._folder.is_dir()

    def arrays(self) -> list[NDArray[np.float16]]:
        """Return the maps, one array each."""
        return [np.load(self._folder / f"maps_{index}.npy", mmap_mode="r") for index in range(len(MAPS))]

    def truths(self) -> NDArray[np.uint8]:
        """Return where people are."""
        truths: NDArray[np.uint8] = np.load(self._folder / "truths.npy")
        return truths

    def make(self) -> None:
        """Compute and write it."""
        draft = self._folder.with_suffix(".new")
        draft.mkdir(exist_ok=True)
        arrays = [
            new_array(draft / f"maps_{index}.npy", np.float16, (PART, channels, side, side))
            for index, (channels, side) in enumerate(MAPS)
        ]
        truths = np.empty((PART, SELFIE_SIDE, SELFIE_SIDE), dtype=np.uint8)
        for start in range(0, PART, BATCH):
            views = [_views()[self.number * PART + start + index] for index in range(BATCH)]
            truths[start : start + BATCH] = [view.truth for view in views]
            for array, values in zip(arrays, maps([view.pixels for view in views]), strict=True):
                array[start : start + BATCH] = values
        for array in arrays:
            array.flush()
        np.save(draft / "truths.npy", truths)
        draft.rename(self._folder)


def parts() -> list[Part]:
    """Return the parts that are there."""
    return [part for number in range(1000) if (part := Part(number)).is_complete]


def maps(pictures: Sequence[NDArray[np.uint8]]) -> list[NDArray[np.float16]]:
    """Return the maps of pictures uint8 [SIDE, SIDE, 3]."""
    found = _session().run(None, {"pixels": np.stack(pictures)})
    return [values.astype(np.float16) for values in found]


@cache
def _views() -> Views:
    return Views(Lessons(chosen_by=False), SEED)


@cache
def _session() -> InferenceSession:
    """Return the frozen part of the net in ONNX Runtime, which takes two thirds of torch's time."""
    file = work_folder("foreground") / f"frozen_{os.getpid()}.onnx"
    example = torch.zeros((BATCH, SIDE, SIDE, 3), dtype=torch.uint8)
    torch.onnx.export(
        Normalised(Frozen(Selfie())),
        (example,),
        str(file),
        input_names=["pixels"],
        dynamic_axes={"pixels": {0: "batch"}},
        opset_version=OPSET,
        dynamo=False,
    )
    options = SessionOptions()
    options.intra_op_num_threads = 1
    session = InferenceSession(file, options, providers=["CPUExecutionProvider"])
    file.unlink()
    return session


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
