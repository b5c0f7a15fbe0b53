"""Scenes on the labelled photos whose class is a place."""

from collections.abc import Iterator
from pathlib import Path

from rich.progress import track

from evaluation.figure import Figure, share_figure
from evaluation.photos import all_photos, label
from export.convert.places import PLACES
from modelhub import ModelHub


def scenes(hub: ModelHub) -> Iterator[Figure]:
    """Yield the shares of photos whose place comes first, and among the first five."""
    ids = [place.class_id for place in PLACES]
    photos = [photo for photo in all_photos() if label(photo) in ids]
    ranks = [_rank(hub, photo, ids.index(label(photo))) for photo in track(photos, "scenes", transient=True)]
    total = len(ranks)
    yield share_figure("scenes: top-1 on photos of places", sum(rank == 0 for rank in ranks), total, 0.85)
    yield share_figure("scenes: top-5 on photos of places", sum(rank < 5 for rank in ranks), total, 0.97)


def _rank(hub: ModelHub, photo: Path, place: int) -> int:
    """Return the position of `place` among the five best, 5 where it is not among them."""
    best: list[int] = hub.answer("scene_classification", photo.read_bytes())["class"]
    return best.index(place) if place in best else len(best)
