"""Distances between photos, for calibrating `image_similarity` and for judging the calibration.

`python -m bench.similarity [PROFILE]` prints the distance that becomes 80 for a profile's net (lite, if none
is named), fitted on the photos that are not held out.
"""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from rich.console import Console
from rich.progress import track

from evaluation.photos import all_photos, for_fitting
from evaluation.picture_files import encoded
from evaluation.pipelines import REPOSITORY, runner_of
from export.paths import PROJECT
from vision.manifest import NET_VERSION, ONNX_FILE, Profile, load_manifest, manifest_path
from vision.picture import open_image
from vision.similarity import SimilarityPreprocess

NET = "image_similarity_net"
SHARE = 0.995
"""Of the copies below the distance, and of the pairs of different photos above it, that are fitted to."""

Features = NDArray[np.float32]
"""[photos, channels], rows of unit length."""


def low_quality(image: Image.Image) -> bytes:
    """Return the picture as a JPEG of quality 30."""
    return encoded(image, "JPEG", quality=30)


def half_size(image: Image.Image) -> bytes:
    """Return the picture at half its width and height."""
    half = image.resize((image.width // 2, image.height // 2), Image.Resampling.LANCZOS)
    return encoded(half, "JPEG", quality=95)


def central_part(image: Image.Image) -> bytes:
    """Return the central 90% of width and height."""
    x, y = round(image.width * 0.05), round(image.height * 0.05)
    return encoded(image.crop((x, y, image.width - x, image.height - y)), "JPEG", quality=95)


COPIES: dict[str, Callable[[Image.Image], bytes]] = {
    "JPEG at quality 30": low_quality,
    "half size": half_size,
    "central 90%": central_part,
}


@dataclass(frozen=True)
class Distances:
    """Of photos to their own copies by kind, and of every pair of different photos; all [n]."""

    copies: dict[str, NDArray[np.float64]]
    different: NDArray[np.float64]


def distances(photos: Sequence[Path], repository: Path = REPOSITORY) -> Distances:
    """Measure all photos with the net of a model repository."""
    files = [photo.read_bytes() for photo in photos]
    originals = features(files, "photos", repository)
    copies = {}
    for kind, copy in COPIES.items():
        changed = features([copy(open_image(file)) for file in files], kind, repository)
        copies[kind] = np.linalg.norm(originals.astype(np.float64) - changed, axis=1)
    return Distances(copies, pair_distances(originals))


def pair_distances(rows: Features) -> NDArray[np.float64]:
    """Return the distances of all pairs of different rows, [n * (n - 1) / 2]."""
    cosine = rows.astype(np.float64) @ rows.T.astype(np.float64)
    upper = cosine[np.triu_indices(len(rows), 1)]
    return np.asarray(np.sqrt(np.maximum(0.0, 2.0 - 2.0 * upper)))


def features(files: Sequence[bytes], doing: str, repository: Path = REPOSITORY) -> Features:
    """Return the features of picture files, two at a time as the service does."""
    preprocess = SimilarityPreprocess(load_manifest(manifest_path(repository, NET)))
    net = runner_of(repository / NET / NET_VERSION / ONNX_FILE)
    rows = []
    for index in track(range(0, len(files), 2), doing, transient=True):
        pair = [np.array([file], dtype=np.object_) for file in (*files[index : index + 2], files[-1])[:2]]
        rows.append(net(preprocess(*pair))["features"])
    return np.concatenate(rows)[: len(files)]


def same_picture_distance(measured: Distances) -> float:
    """Return the distance halfway between nearly all copies and nearly all different photos."""
    copies = np.concatenate(list(measured.copies.values()))
    return float((np.quantile(copies, SHARE) + np.quantile(measured.different, 1 - SHARE)) / 2)


if __name__ == "__main__":
    profile = Profile(sys.argv[1]) if len(sys.argv) > 1 else Profile.LITE
    measured = distances(for_fitting(all_photos()), PROJECT / profile.repository)
    Console().print(f"{same_picture_distance(measured):.4f}")
