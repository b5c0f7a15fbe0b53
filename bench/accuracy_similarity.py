"""The similarity scale on pictures that its calibration has not seen."""

from collections.abc import Iterator, Sequence
from itertools import combinations
from pathlib import Path

from rich.progress import track

from bench.similarity import COPIES, Eye, trials
from bench.similarity_pictures import KINDS
from evaluation.figure import Figure, share_figure
from evaluation.photos import all_photos, held_out
from evaluation.picture_files import encoded
from modelhub import ModelHub
from vision.comparison import differences
from vision.picture import open_image
from vision.similarity import SAME, THRESHOLD, unlikeness

PAIRS = 500
"""Of each kind of picture."""


def similarity(hub: ModelHub) -> Iterator[Figure]:
    """Yield the shares of held-out pairs on the right side of 80, and of photos like themselves."""
    photos = held_out(all_photos())
    yield _different(photos)
    yield from _copies(hub, photos)
    itself = [_score(hub, photo.read_bytes(), photo.read_bytes()) for photo in photos]
    yield share_figure("similarity: a photo and itself give 100", itself.count(SAME), len(itself), 1.0)
    for kind in KINDS if photos else ():
        yield from _of_kind(hub, kind)


def _different(photos: Sequence[Path]) -> Figure:
    """Return the figure of all pairs, too many to send: by the functions and the net that serve."""
    eye = Eye()
    seen = [eye.see(open_image(photo.read_bytes())) for photo in photos]
    pairs = list(combinations(seen, 2))
    different = sum(
        unlikeness(eye.relative(one, other), differences(one.small, other.small)) > 1
        for one, other in track(pairs, "different photos", transient=True)
    )
    return share_figure("similarity: different photos, below 80", different, len(pairs), 0.995)


def _copies(hub: ModelHub, photos: Sequence[Path]) -> Iterator[Figure]:
    for kind, copy in COPIES.items():
        scores = [
            _score(hub, photo.read_bytes(), copy(open_image(photo.read_bytes())))
            for photo in track(photos, kind, transient=True)
        ]
        alike = sum(score >= THRESHOLD for score in scores)
        yield share_figure(f"similarity: a photo and its copy ({kind}), 80 or more", alike, len(scores), 0.99)


def _of_kind(hub: ModelHub, kind: str) -> Iterator[Figure]:
    """Yield the figures of pairs of one kind: other pictures, copies, the same pixels in two files."""
    different, copies, same = [], [], []
    for trial in trials(kind, PAIRS, is_held_out=True):
        file = encoded(trial.picture, "PNG")
        different.append(_score(hub, file, encoded(trial.other, "PNG")))
        copies.append(_score(hub, file, trial.copy))
        same.append(_score(hub, file, encoded(trial.picture, "BMP")))
    below = sum(score < THRESHOLD for score in different)
    yield share_figure(f"similarity: different {kind}, below 80", below, PAIRS, 0.99)
    alike = sum(score >= THRESHOLD for score in copies)
    yield share_figure(f"similarity: {kind} and altered copies, 80 or more", alike, PAIRS, 0.98)
    exact = same.count(SAME) + sum(score < SAME for score in (*different, *copies))
    name = f"similarity: {kind}, 100 for the same pixels and for no others"
    yield share_figure(name, exact, 3 * PAIRS, 1.0)


def _score(hub: ModelHub, one: bytes, other: bytes) -> float:
    score: float = hub.answer("image_similarity", one, other)["similarity"]
    return score
