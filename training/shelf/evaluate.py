"""Measures both nets on shelves that no training saw: `python -m training.shelf.evaluate [--shelves N]`.

The graphs under `trained/` run in ONNX Runtime between the stages that serve them. It needs no PyTorch.
"""

import argparse
import asyncio
import io
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray
from PIL import Image
from rich.console import Console
from rich.progress import track
from rich.table import Table
from scipy.optimize import linear_sum_assignment

from training.files import RESULTS
from training.shelf.products import names
from training.shelf.renderer import FIRST_EVALUATION_SEED, Shelf, render_shelf
from training.shelf.settings import CLASSIFICATION, DETECTION
from vision.manifest import Manifest
from vision.nms import Boxes, overlaps
from vision.shelf_counting import ShelfCountingPostprocess, ShelfCountingPreprocess
from vision.tensors import Picture, Tensors

SHELVES = 60
DETECTION_NET, CLASSIFICATION_NET = "shelf_counting_detection_net", "shelf_counting_classification_net"
LEAST_OVERLAP = 0.5
"""Intersection over union from which a box counts as found."""
LEAST_RECALL, WORST_COUNT_ERROR, LEAST_ACCURACY = 0.97, 0.03, 0.95

Counter = Callable[[Picture], Tensors]
"""A picture to the answer of the pipeline."""


class Tally(NamedTuple):
    """One shelf: drinks on it, boxes answered, drinks found, and drinks found and named rightly."""

    there: int
    answered: int
    found: int
    named: int


def counter(folder: Path = RESULTS) -> Counter:
    """Return the pipeline on the graphs in `folder`, for one thread."""
    nets = {net: _runner(folder / f"{net}.onnx") for net in (DETECTION_NET, CLASSIFICATION_NET)}
    detection, classification = (
        _manifest(DETECTION_NET, DETECTION),
        _manifest(CLASSIFICATION_NET, CLASSIFICATION),
    )
    before, after = ShelfCountingPreprocess(detection), ShelfCountingPostprocess(detection, classification)

    async def infer(net: str, tensors: Tensors) -> Tensors:
        return nets[net](tensors)

    def count(picture: Picture) -> Tensors:
        ready = before(np.array([_file(picture)], dtype=np.object_))
        candidates = nets[DETECTION_NET]({"pixels": ready["pixels"][None]})["candidates"][0]
        return asyncio.run(after(candidates, ready["picture"], ready["geometry"], infer))

    return count


def tally(answer: Tensors, shelf: Shelf) -> Tally:
    """Return how an answer compares with what is there; every box answers for one drink at most."""
    there, boxes = pairs(shelf.boxes, answer["detection_boxes"])
    named = int((shelf.classes[there] == answer["detection_classes"][boxes]).sum())
    return Tally(len(shelf.boxes), len(answer["detection_boxes"]), len(there), named)


def pairs(ours: Boxes, theirs: Boxes) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return which of `ours` [n, 4] and which of `theirs` [m, 4] go together, one to one."""
    overlap = np.array([overlaps(box, theirs) for box in ours]).reshape(len(ours), len(theirs))
    overlap[overlap < LEAST_OVERLAP] = 0
    rows, columns = linear_sum_assignment(overlap, maximize=True)
    together = overlap[rows, columns] > 0
    return rows[together], columns[together]


def figures(tallies: Sequence[Tally]) -> tuple[float, float, float]:
    """Return recall and SKU accuracy over all drinks, and between them the mean count error of a shelf."""
    there, answered, found, named = np.array(tallies, dtype=np.float64).T
    recall, accuracy = found.sum() / there.sum(), named.sum() / found.sum()
    return float(recall), float(np.mean(np.abs(answered - there) / there)), float(accuracy)


def _manifest(net: str, settings: msgspec.Struct) -> Manifest:
    return Manifest(net, "lite", (), "", 0, "", labels=names(), settings=msgspec.to_builtins(settings))


def _runner(path: Path) -> Callable[[Tensors], Tensors]:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    outputs = [output.name for output in session.get_outputs()]
    return lambda tensors: dict(zip(outputs, session.run(outputs, tensors), strict=True))


def _file(picture: Picture) -> bytes:
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "PNG", compress_level=1)
    return file.getvalue()


def main() -> None:
    """Print the figures beside their bars; status 1 if one is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shelves", type=int, default=SHELVES)
    parser.add_argument("--graphs", type=Path, default=RESULTS)
    choices = parser.parse_args()
    count, console = counter(choices.graphs), Console()
    seeds = range(FIRST_EVALUATION_SEED, FIRST_EVALUATION_SEED + choices.shelves)
    shelves = (render_shelf(seed) for seed in seeds)
    tallies = [
        tally(count(shelf.picture), shelf) for shelf in track(shelves, "shelves", len(seeds), transient=True)
    ]
    recall, error, accuracy = figures(tallies)
    table = Table("figure", "measured", "bar", "")
    table.add_row(
        "recall at IoU 0.5", f"{recall:.4f}", f"at least {LEAST_RECALL}", _state(recall >= LEAST_RECALL)
    )
    table.add_row(
        "count error of a shelf",
        f"{error:.4f}",
        f"at most {WORST_COUNT_ERROR}",
        _state(error <= WORST_COUNT_ERROR),
    )
    table.add_row(
        "SKU accuracy", f"{accuracy:.4f}", f"at least {LEAST_ACCURACY}", _state(accuracy >= LEAST_ACCURACY)
    )
    console.print(table)
    counts = [one.there for one in tallies]
    console.print(f"{len(tallies)} shelves of {min(counts)} to {max(counts)} drinks, {sum(counts)} in all")
    reached = recall >= LEAST_RECALL and error <= WORST_COUNT_ERROR and accuracy >= LEAST_ACCURACY
    sys.exit(not reached)


def _state(reached: bool) -> str:
    return "reached" if reached else "MISSED"


if __name__ == "__main__":
    main()
