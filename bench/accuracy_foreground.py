"""How alike our foregrounds are to people whom people cut out, and what is called people: `make accuracy`."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from evaluation.figure import Figure, at_least, at_most, not_measured
from evaluation.labelled import MASKS, Labelled
from evaluation.people import KINDS, among_classes, cut_out, overlap, truth
from modelhub import ModelHub

MIN_ALL = 0.88
MIN_KIND = {"coco": 0.78, "humanseg": 0.89, "idphoto": 0.97}
LEAST_OVERLAP, MAX_BELOW = 0.5, 0.04
LEAST_FOUND, MAX_WRONG = 0.05, 0.02
"""Foreground of a picture without people that counts as wrong, and the share of pictures that may be."""
CLIENTS = 2


def foreground(hub: ModelHub) -> Iterator[Figure]:
    """Yield how our masks overlap with people's on held-out pictures, and what is found where nobody is."""
    pictures = {kind: cut_out(kind, held_out=True) for kind in KINDS}
    name = "foreground: overlap with people's masks"
    if not all(pictures.values()):
        yield not_measured(name, f"at least {MIN_ALL}")
        return
    kinds = {kind: _overlaps(hub, some) for kind, some in pictures.items()}
    together = np.concatenate(list(kinds.values()))
    yield _mean(name, together, MIN_ALL)
    for kind, overlaps in kinds.items():
        yield _mean(f"{name}, {KINDS[kind]}", overlaps, MIN_KIND[kind])
    below = float((together < LEAST_OVERLAP).mean())
    yield at_most(f"{name}, below {LEAST_OVERLAP}", below, MAX_BELOW, f"{below:.1%} of {len(together)}")
    nobody = [one for name in MASKS for one in among_classes(name, held_out=True)[1]]
    wrong = float((_shares(hub, nobody) > LEAST_FOUND).mean())
    name = f"foreground: over {LEAST_FOUND:.0%} of a picture without people"
    yield at_most(name, wrong, MAX_WRONG, f"{wrong:.1%} of {len(nobody)}")


def _mean(name: str, overlaps: NDArray[np.float64], bar: float) -> Figure:
    mean = float(overlaps.mean())
    return at_least(name, mean, bar, f"{mean:.3f} of {len(overlaps)}")


def _overlaps(hub: ModelHub, pictures: Sequence[Labelled]) -> NDArray[np.float64]:
    masks = _masks(hub, pictures)
    return np.array([overlap(truth(one), mask) for one, mask in zip(pictures, masks, strict=True)])


def _shares(hub: ModelHub, pictures: Sequence[Labelled]) -> NDArray[np.float64]:
    return np.array([mask.mean() for mask in _masks(hub, pictures)])


def _masks(hub: ModelHub, pictures: Sequence[Labelled]) -> Iterator[NDArray[np.bool_]]:
    """Yield what the service answers."""
    with ThreadPoolExecutor(CLIENTS) as pool:
        answers = pool.map(
            lambda one: hub.answer("foreground_segmentation", one.picture.read_bytes()), pictures
        )
        for answer in track(answers, "foreground", len(pictures), transient=True):
            yield np.array(answer["mask"], dtype=np.bool_)
