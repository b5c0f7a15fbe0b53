"""How a head's classes overlap with people's on held-out pictures: `-m training.semantic.evaluate [SET]`."""

import sys

import numpy as np
import torch
from rich.console import Console

from evaluation.agreement import CLASSES, Agreement
from evaluation.labelled import MASKS, Labelled, labelled
from training.loop import trained
from training.semantic.features import held_out_maps
from training.semantic.net import Head
from training.semantic.train import PLAN
from vision.semantic_segmentation import most_probable

BATCH = 16


def agreements(head: Head, name: str) -> list[tuple[Labelled, Agreement]]:
    """Compare with the labels of each of a set's held-out pictures, in its pixels."""
    maps, pictures = held_out_maps(name), labelled(name, held_out=True)
    results = list[tuple[Labelled, Agreement]]()
    for start in range(0, len(pictures), BATCH):
        inputs = [torch.from_numpy(one[start : start + BATCH].astype(np.float32)) for one in maps]
        with torch.no_grad():
            probs = torch.softmax(head(*inputs).permute(0, 2, 3, 1), dim=3).numpy()
        for picture, grid in zip(pictures[start : start + BATCH], probs, strict=True):
            labels = np.asarray(picture.labels())
            results.append((picture, Agreement.of(labels, most_probable(grid, *labels.shape)[1])))
    return results


def _show(name: str, results: list[Agreement]) -> None:
    result, show = Agreement.total(results), Console(soft_wrap=True).print
    show(f"{name}, {len(results)}: mean overlap {result.mean_overlap:.4f}, pixels {result.accuracy:.4f}")
    show(", ".join(f"{kind} {share:.2f}" for kind, share in result.overlaps().items()))


def main() -> None:
    """Print each set's figures."""
    head = trained(PLAN.name, Head(CLASSES))
    for name in sys.argv[1:] or MASKS:
        results = agreements(head, name)
        _show(name, [each for _, each in results])
        if official := [each for picture, each in results if picture.is_official]:
            _show(f"{name}, VOC's training list", official)


if __name__ == "__main__":
    main()
