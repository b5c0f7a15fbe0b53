"""The similarity scale on photos that its calibration has not seen."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.progress import track

from bench.similarity import COPIES, NET, features, pair_distances
from evaluation.figure import Figure, share_figure
from evaluation.photos import all_photos, held_out
from evaluation.pipelines import manifest
from modelhub import ModelHub
from vision.picture import open_image
from vision.similarity import SAME, THRESHOLD, SimilaritySettings


def similarity(hub: ModelHub) -> Iterator[Figure]:
    """Yield the shares of held-out pairs on the right side of 80, and of photos like themselves."""
    photos = held_out(all_photos())
    yield from _different(photos)
    yield from _copies(hub, photos)
    itself = [_score(hub, photo, photo.read_bytes()) for photo in track(photos, "itself", transient=True)]
    yield share_figure("similarity: a photo and itself give 100", itself.count(SAME), len(itself), 1.0)


def _different(photos: Sequence[Path]) -> Iterator[Figure]:
    """All pairs, too many to send: by the served net's features and the manifest's distance."""
    name = "similarity: different photos, below 80"
    if not photos:
        yield share_figure(name, 0, 0, 0.995)
        return
    threshold = manifest(NET).typed_settings(SimilaritySettings).same_picture_distance
    distances = pair_distances(features([photo.read_bytes() for photo in photos], "pairs"))
    yield share_figure(name, int((distances > threshold).sum()), len(distances), 0.995)


def _copies(hub: ModelHub, photos: Sequence[Path]) -> Iterator[Figure]:
    for kind, copy in COPIES.items():
        scores = [
            _score(hub, photo, copy(open_image(photo.read_bytes())))
            for photo in track(photos, kind, transient=True)
        ]
        alike = sum(score >= THRESHOLD for score in scores)
        yield share_figure(f"similarity: a photo and its copy ({kind}), 80 or more", alike, len(scores), 0.99)


def _score(hub: ModelHub, photo: Path, other: bytes) -> float:
    score: float = hub.answer("image_similarity", photo.read_bytes(), other)["similarity"]
    return score
