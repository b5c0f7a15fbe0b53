"""How alike our classes are to people's on held-out pictures of Pascal VOC: `make accuracy`."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from rich.progress import track

from evaluation.agreement import Agreement
from evaluation.figure import Figure, at_least, not_measured
from evaluation.labelled import Labelled, labelled
from modelhub import ModelHub

MIN_MEAN, MIN_CLASS = 0.68, 0.30
CLIENTS = 2


def classes_of_pixels(hub: ModelHub) -> Iterator[Figure]:
    """Yield the mean overlap of our classes with those that people drew, the worst, and each."""
    name = "semantic: mean overlap with people's labels"
    if not (pictures := labelled("voc", held_out=True)):
        yield not_measured(name, f"at least {MIN_MEAN}")
        return
    with ThreadPoolExecutor(CLIENTS) as pool:
        results = pool.map(lambda one: _agreement(hub, one), pictures)
        each = list(track(results, "semantic", len(pictures), transient=True))
    total = Agreement.total(each)
    overlaps = total.overlaps()
    yield at_least(
        name,
        total.mean_overlap,
        MIN_MEAN,
        f"{total.mean_overlap:.4f} of {len(overlaps)}, {len(pictures)} pictures",
    )
    worst = min(overlaps, key=overlaps.__getitem__)
    yield at_least(
        "semantic: the worst class's overlap", overlaps[worst], MIN_CLASS, f"{overlaps[worst]:.2f}, {worst}"
    )
    classes = ", ".join(f"{one} {share:.2f}" for one, share in overlaps.items())
    yield Figure("semantic: overlap of each class", classes, "", None)
    official = [result for one, result in zip(pictures, each, strict=True) if one.is_official]
    mean = f"{Agreement.total(official).mean_overlap:.4f}, {len(official)} pictures"
    yield Figure("semantic: mean overlap on those of Pascal VOC's training list", mean, "", None)


def _agreement(hub: ModelHub, one: Labelled) -> Agreement:
    answer = hub.answer("semantic_segmentation", one.picture.read_bytes())
    return Agreement.of(np.asarray(one.labels()), np.array(answer["preds"], dtype=np.uint8))
