"""Pairs of pictures as `image_similarity` sees them, for fitting its calibration and for judging it.

`python -m bench.similarity [PROFILE]` prints the distance of features at which photos begin to be different
for a profile's net (lite, if none is named), fitted on the photos that are not held out.
`python -m bench.similarity weights` prints `vision.similarity.WEIGHTS`: a logistic regression without
negative weights on pairs of `bench.similarity_pictures`, made from other photos than those held out and from
other random numbers than those measured.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from rich.console import Console
from rich.progress import track
from scipy.optimize import minimize
from scipy.special import expit

from bench.similarity_pictures import KINDS, Material, altered, photos
from evaluation.labelled import labelled
from evaluation.photos import DATA, all_photos, for_fitting, held_out
from evaluation.picture_files import encoded
from evaluation.pipelines import REPOSITORY, Runner, runner_of
from export.paths import PROJECT
from vision.comparison import Differences, differences
from vision.manifest import NET_VERSION, ONNX_FILE, Profile, load_manifest, manifest_path
from vision.picture import open_image
from vision.registration import SIDE
from vision.similarity import SimilaritySettings, squeezed
from vision.tensors import Picture

NET = "image_similarity_net"
SHARE = 0.995
"""Of the copies below the distance, and of the pairs of different photos above it, that are fitted to."""
FITTED, MEASURED = 1, 2
"""Seeds of the drawn pairs."""
PAIRS = 60
"""Of each kind that the weights are fitted to."""


class Seen(NamedTuple):
    """A picture as the service compares it."""

    small: Picture
    features: NDArray[np.float32]


class Eye:
    """Sees pictures through the net of a model repository."""

    def __init__(self, repository: Path = REPOSITORY) -> None:
        self._fed = load_manifest(manifest_path(repository, NET)).typed_settings(SimilaritySettings)
        self._net: Runner = runner_of(repository / NET / NET_VERSION / ONNX_FILE)

    def see(self, picture: Image.Image) -> Seen:
        """Return what is compared of a picture."""
        square = squeezed(picture, self._fed.size, self._fed.kernel)
        (features,) = self._net({"pixels": square[None]})["features"]
        return Seen(squeezed(Image.fromarray(square), SIDE), features)

    def relative(self, one: Seen, other: Seen) -> float:
        """Return the features' distance over that at which photos begin to be different."""
        return distance(one, other) / self._fed.same_picture_distance


def distance(one: Seen, other: Seen) -> float:
    """Return how far apart two pictures' features are."""
    return float(np.linalg.norm(one.features - other.features))


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
    """Of features: photos to their own copies, and every pair of different photos; [n] both."""

    copies: NDArray[np.float64]
    different: NDArray[np.float64]


def distances(eye: Eye, paths: Sequence[Path]) -> Distances:
    """Measure all photos with a net."""
    pictures = [open_image(path.read_bytes()) for path in track(paths, "photos", transient=True)]
    originals = [eye.see(picture) for picture in track(pictures, "originals", transient=True)]
    copies = [
        distance(original, eye.see(open_image(copy(picture))))
        for copy in COPIES.values()
        for original, picture in zip(track(originals, "copies", transient=True), pictures, strict=True)
    ]
    rows = np.stack([original.features for original in originals]).astype(np.float64)
    upper = (rows @ rows.T)[np.triu_indices(len(rows), 1)]
    return Distances(np.array(copies), np.sqrt(np.maximum(0.0, 2.0 - 2.0 * upper)))


def same_picture_distance(measured: Distances) -> float:
    """Return the distance halfway between nearly all copies and nearly all different photos."""
    return float((np.quantile(measured.copies, SHARE) + np.quantile(measured.different, 1 - SHARE)) / 2)


def material(*, is_held_out: bool) -> Material:
    """Return the real pictures that measured pairs are made of, or those for fitting."""
    chosen = held_out(all_photos()) if is_held_out else for_fitting(all_photos())
    scans = sorted((DATA / "real" / "ocr" / "images").glob("sroie_*"))
    scans = held_out(scans) if is_held_out else for_fitting(scans)
    return Material(chosen, scans, labelled("voc", held_out=is_held_out))


class Trial(NamedTuple):
    """A picture, an altered copy of it as a file, and another picture of its kind."""

    picture: Image.Image
    copy: bytes
    other: Image.Image


def trials(kind: str, count: int, *, is_held_out: bool) -> Iterator[Trial]:
    """Yield pairs of a kind, each with a copy."""
    pictures = material(is_held_out=is_held_out)
    draw = {**KINDS, "photos": photos}[kind]
    for index in track(range(count), kind, transient=True):
        rng = np.random.default_rng([MEASURED if is_held_out else FITTED, index])
        picture, other = draw(pictures, rng)
        yield Trial(picture, altered(picture, rng), other)


def fitted_weights(rows: NDArray[np.float64], is_other: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the weights [k] of `rows`, [pairs, k], whose sum is 1 between copies and other pictures.

    None is negative: what differs more is never more alike. The border is the geometric mean of what nearly
    all copies stay below and nearly all other pictures exceed.
    """
    signs = np.where(is_other, 1.0, -1.0)

    def loss(parameters: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        weights, border = parameters[:-1], parameters[-1]
        margins = signs * (rows @ weights - border)
        slopes = -signs * expit(-margins) / len(rows)
        penalty = 1e-4 * np.append(weights, 0.0)
        value = np.logaddexp(0, -margins).mean() + float(penalty @ np.append(weights, 0.0)) / 2
        return float(value), np.append(slopes @ rows, -slopes.sum()) + penalty

    start = np.ones(rows.shape[1] + 1)
    bounds = [(0.0, None)] * rows.shape[1] + [(0.1, None)]
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds).x
    weights: NDArray[np.float64] = found[:-1]
    sums = rows @ weights
    borders = np.quantile(sums[~is_other], SHARE), np.quantile(sums[is_other], 1 - SHARE)
    return weights / float(np.sqrt(borders[0] * borders[1]))


def _weights(eye: Eye) -> NDArray[np.float64]:
    rows, is_other = [], []
    for kind in (*KINDS, "photos"):
        for trial in trials(kind, PAIRS, is_held_out=False):
            seen, *others = (eye.see(one) for one in (trial.picture, open_image(trial.copy), trial.other))
            rows += [[eye.relative(seen, other), *differences(seen.small, other.small)] for other in others]
            is_other += [False, True]
    return fitted_weights(np.array(rows), np.array(is_other))


if __name__ == "__main__":
    (wanted,) = sys.argv[1:] or [Profile.LITE.value]
    if wanted == "weights":
        for name, weight in zip(("features", *Differences._fields), _weights(Eye()), strict=True):
            Console().print(f"{name} {weight:.3f}")
    else:
        measured = distances(Eye(PROJECT / Profile(wanted).repository), for_fitting(all_photos()))
        Console().print(f"{same_picture_distance(measured):.4f}")
