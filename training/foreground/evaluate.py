"""How a head's people overlap with those whom people cut out: `-m training.foreground.evaluate`.

It looks at the pictures that something may be chosen by; with `--held-out`, at those that are held out.
"""

import sys
from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from rich.console import Console

from evaluation.labelled import Labelled
from evaluation.people import KINDS, among_classes, cut_out, overlap, truth
from training.foreground.features import runner
from training.foreground.net import SIDE, Head, Maps
from training.foreground.train import PLAN
from training.foreground.views import Lessons
from training.frozen import BATCH
from training.loop import trained
from vision.foreground_segmentation import foreground_mask

THRESHOLDS = (0.3, 0.4, 0.5, 0.6, 0.7)
TOO_MUCH, TOO_LITTLE = 0.05, 0.5
"""Foreground of a picture without people, and overlap: what is counted as wrong."""


def pictures_of(*, held_out: bool) -> dict[str, list[Labelled]]:
    """Return pictures by what they show; those of "nobody" show no people."""
    if not held_out:
        lessons = Lessons(chosen_by=True)
        chosen = lessons.with_people | {"nobody": lessons.without}
        return {name: [lesson.one for lesson in some] for name, some in chosen.items()}
    sets = {kind: cut_out(kind, held_out=True) for kind in KINDS}
    classes = [among_classes(name, held_out=True) for name in ("voc", "coco")]
    return sets | {"voc": classes[0][0], "nobody": [one for _, some in classes for one in some]}


def alphas(head: Head, some: list[Labelled]) -> list[NDArray[np.float32]]:
    """Return the head's maps of pictures."""
    found = list[NDArray[np.float32]]()
    for start in range(0, len(some), BATCH):
        read = [Image.open(one.picture).convert("RGB") for one in some[start : start + BATCH]]
        pixels = [np.asarray(one.resize((SIDE, SIDE), Image.Resampling.BILINEAR)) for one in read]
        with torch.no_grad():
            logits = head(Maps(*(torch.from_numpy(one.astype(np.float32)) for one in runner()(pixels))))
        found += list(torch.sigmoid(logits).numpy())
    return found


def shares(some: list[Labelled], found: list[NDArray[np.float32]], threshold: float) -> NDArray[np.float64]:
    """Return each picture's overlap."""
    overlaps = []
    for one, alpha in zip(some, found, strict=True):
        true = truth(one)
        height, width = true.shape
        overlaps.append(overlap(true, foreground_mask(alpha, height, width, threshold).view(np.bool_)))
    return np.array(overlaps)


def show(sets: Mapping[str, list[Labelled]], head: Head) -> None:
    """Print each set's figures at each of `THRESHOLDS`."""
    write = Console(soft_wrap=True).print
    found = {name: alphas(head, some) for name, some in sets.items()}
    for threshold in THRESHOLDS:
        line = [f"{threshold}:"]
        for name, some in sets.items():
            if name == "nobody":
                wrong = [(alpha > threshold).mean() > TOO_MUCH for alpha in found[name]]
                line.append(f"nobody {np.mean(wrong):.4f} of {len(wrong)}")
            else:
                overlaps = shares(some, found[name], threshold)
                line.append(
                    f"{name} {overlaps.mean():.4f} {np.mean(overlaps < TOO_LITTLE):.3f} of {len(some)}"
                )
        write("  ".join(line))


def main() -> None:
    """Print the figures."""
    show(pictures_of(held_out="--held-out" in sys.argv), trained(PLAN.name, Head()))


if __name__ == "__main__":
    main()
