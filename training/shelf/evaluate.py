"""Measures both nets on shelves that no training saw: `python -m training.shelf.evaluate [--shelves N]`.

The graphs under `trained/` run in ONNX Runtime between the stages that serve them. It needs no PyTorch.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from rich.console import Console
from rich.progress import track
from scipy.optimize import linear_sum_assignment

from bench.bare import Pipeline, fanning_out, runner_of
from bench.figure import Figure, at_least, at_most, table
from bench.files import encoded
from export.convert.shelf_settings import CLASSIFICATION, DETECTION
from training.files import RESULTS
from training.shelf.products import names
from training.shelf.renderer import FIRST_EVALUATION_SEED, Shelf, render_shelf
from vision.manifest import Manifest
from vision.nms import Boxes, overlaps
from vision.shelf_counting import ShelfCountingPostprocess, ShelfCountingPreprocess
from vision.tensors import Tensors

SHELVES = 60
LEAST_OVERLAP = 0.5
"""Intersection over union from which a box counts as found."""
LEAST_RECALL, WORST_COUNT_ERROR, LEAST_ACCURACY = 0.97, 0.03, 0.95


class Tally(NamedTuple):
    """One shelf: drinks on it, boxes answered, drinks found, and drinks found and named rightly."""

    there: int
    answered: int
    found: int
    named: int


def counter(folder: Path = RESULTS) -> Pipeline:
    """Return the pipeline on the graphs in `folder`, for one thread."""
    detection = _manifest("shelf_counting_detection_net", DETECTION)
    classification = _manifest("shelf_counting_classification_net", CLASSIFICATION)
    detector, classifier = (runner_of(folder / f"{one.net}.onnx") for one in (detection, classification))
    return fanning_out(
        ShelfCountingPreprocess(detection),
        detector,
        ShelfCountingPostprocess(detection, classification),
        {classification.net: classifier},
    )


def shelf_file(shelf: Shelf) -> bytes:
    """Return the picture of a shelf as a PNG file."""
    return encoded(Image.fromarray(shelf.picture), "PNG", compress_level=1)


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


def judged(tallies: Sequence[Tally]) -> Iterator[Figure]:
    """Yield the figures of shelves beside their bars."""
    recall, error, accuracy = figures(tallies)
    told = f"{len(tallies)} shelves"
    yield at_least(f"shelf: products found at IoU 0.5, {told}", recall, LEAST_RECALL, f"{recall:.4f}")
    yield at_most(f"shelf: count error of a shelf, {told}", error, WORST_COUNT_ERROR, f"{error:.4f}")
    yield at_least(f"shelf: products named rightly, {told}", accuracy, LEAST_ACCURACY, f"{accuracy:.4f}")


def _manifest(net: str, settings: msgspec.Struct) -> Manifest:
    return Manifest(net, "lite", (), "", 0, "", labels=names(), settings=msgspec.to_builtins(settings))


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
        tally(count(shelf_file(shelf)), shelf)
        for shelf in track(shelves, "shelves", len(seeds), transient=True)
    ]
    measured = list(judged(tallies))
    console.print(table(measured))
    counts = [one.there for one in tallies]
    console.print(f"{len(tallies)} shelves of {min(counts)} to {max(counts)} drinks, {sum(counts)} in all")
    sys.exit(not all(figure.reached for figure in measured))


if __name__ == "__main__":
    main()
