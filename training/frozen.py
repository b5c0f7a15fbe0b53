"""The part of a net that stays as it is: its maps of pictures; and those of many views, which are kept.

It runs in ONNX Runtime, which takes two thirds of torch's time.
"""

import argparse
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from onnxruntime import InferenceSession, SessionOptions
from rich.progress import track
from torch import Tensor, nn

from evaluation.arrays import new_array
from training.blocks import Normalised
from training.files import work_folder
from training.loop import DEVICE
from training.onnx_export import OPSET

BATCH = 10
"""Pictures that are run together."""

Maps = list[NDArray[np.float16]]
Truths = NDArray[np.uint8]
Runner = Callable[[Sequence[NDArray[np.uint8]]], Maps]
"""Pictures of one size to their maps."""


def runner(net: nn.Module, side: int) -> Runner:
    """Return what runs `net`, of pictures of -1 to 1, on pictures uint8 [side, side, 3], with one thread."""
    file = work_folder("frozen") / f"{os.getpid()}.onnx"
    torch.onnx.export(
        Normalised(net),
        (torch.zeros((BATCH, side, side, 3), dtype=torch.uint8),),
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
    return lambda pictures: [
        one.astype(np.float16) for one in session.run(None, {"pixels": np.stack(pictures)})
    ]


class Store(NamedTuple):
    """The maps and truths of a training's views, in parts, each a folder of arrays."""

    name: str
    """The training's."""
    size: int
    """Views in a part, a multiple of `BATCH`."""
    shapes: Sequence[tuple[int, int]]
    """Channels and side of each map."""
    truth_side: int

    def folder(self, number: int) -> Path:
        """Return where part `number` is, if it is complete."""
        return work_folder(self.name) / f"views_{number:03}"

    def make(self, number: int, compute: Callable[[range], tuple[Maps, Truths]]) -> None:
        """Write part `number`; `compute` takes the numbers of `BATCH` views."""
        draft = self.folder(number).with_suffix(".new")
        draft.mkdir(exist_ok=True)
        arrays = [
            new_array(draft / f"maps_{index}.npy", np.float16, (self.size, channels, side, side))
            for index, (channels, side) in enumerate(self.shapes)
        ]
        truths = np.empty((self.size, self.truth_side, self.truth_side), dtype=np.uint8)
        for start in range(0, self.size, BATCH):
            first = number * self.size + start
            maps, truths[start : start + BATCH] = compute(range(first, first + BATCH))
            for array, values in zip(arrays, maps, strict=True):
                array[start : start + BATCH] = values
        for array in arrays:
            array.flush()
        np.save(draft / "truths.npy", truths)
        draft.rename(self.folder(number))

    def fill(self, purpose: str, views: int, make: Callable[[int], None]) -> None:
        """Make the parts that are not there, of as many views as the command line says."""
        parser = argparse.ArgumentParser(description=purpose)
        parser.add_argument("--views", type=int, default=views)
        parser.add_argument("--processes", type=int, default=2)
        choices = parser.parse_args()
        missing = [one for one in range(choices.views // self.size) if not self.folder(one).is_dir()]
        with ProcessPoolExecutor(choices.processes, mp_context=get_context("spawn")) as pool:
            for _ in track(pool.map(make, missing), "views", len(missing)):
                pass


class Stored:
    """The views of a store that are there."""

    def __init__(self, store: Store) -> None:
        folders = [folder for number in range(1000) if (folder := store.folder(number)).is_dir()]
        maps = range(len(store.shapes))
        self._maps = [
            [np.load(one / f"maps_{index}.npy", mmap_mode="r") for index in maps] for one in folders
        ]
        self._truths = [np.load(one / "truths.npy") for one in folders]
        self._places = [(part, row) for part in range(len(folders)) for row in range(store.size)]

    def draw(self, random: np.random.Generator, count: int) -> tuple[list[Tensor], Tensor]:
        """Return the maps of `count` random views, float32 of channels last, and their truths, uint8."""
        chosen = [self._places[one] for one in random.choice(len(self._places), count, replace=False)]
        rows = zip(*([one[row] for one in self._maps[part]] for part, row in chosen), strict=True)
        maps = [torch.from_numpy(np.stack(one)) for one in rows]
        truths = torch.from_numpy(np.stack([self._truths[part][row] for part, row in chosen])).to(DEVICE)
        return [one.to(DEVICE, torch.float32, memory_format=torch.channels_last) for one in maps], truths
