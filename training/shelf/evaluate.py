"""Measures both nets on shelves that no training saw: `python -m training.shelf.evaluate [--shelves N]`.

The graphs under `trained/` run in ONNX Runtime between the stages that serve them. It needs no PyTorch.
"""

import argparse
import sys
from pathlib import Path

import msgspec
from rich.console import Console
from rich.progress import track

from evaluation.figure import table
from evaluation.pipelines import Pipeline, fanning_out, runner_of
from evaluation.shelves.products import names
from evaluation.shelves.renderer import FIRST_EVALUATION_SEED, render_shelf
from evaluation.shelves.tally import SHELVES, figures, shelf_file, tally
from export.convert.shelf_settings import CLASSIFICATION, DETECTION
from export.paths import TRAINED
from vision.manifest import Manifest
from vision.shelf_counting import ShelfCountingPostprocess, ShelfCountingPreprocess


def counter(folder: Path = TRAINED) -> Pipeline:
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


def _manifest(net: str, settings: msgspec.Struct) -> Manifest:
    return Manifest(net, "lite", (), "", 0, "", labels=names(), settings=msgspec.to_builtins(settings))


def main() -> None:
    """Print the figures beside their bars; status 1 if one is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shelves", type=int, default=SHELVES)
    parser.add_argument("--graphs", type=Path, default=TRAINED)
    choices = parser.parse_args()
    count, console = counter(choices.graphs), Console()
    seeds = range(FIRST_EVALUATION_SEED, FIRST_EVALUATION_SEED + choices.shelves)
    shelves = (render_shelf(seed) for seed in seeds)
    tallies = [
        tally(count(shelf_file(shelf)), shelf)
        for shelf in track(shelves, "shelves", len(seeds), transient=True)
    ]
    measured = list(figures(tallies))
    console.print(table(measured))
    counts = [one.there for one in tallies]
    console.print(f"{len(tallies)} shelves of {min(counts)} to {max(counts)} drinks, {sum(counts)} in all")
    sys.exit(not all(figure.reached for figure in measured))


if __name__ == "__main__":
    main()
