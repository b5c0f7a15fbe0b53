"""How right and how vivid the colours are that the service gives to grey photos: `make accuracy`."""

import base64
import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image
from rich.progress import track

from evaluation.colour import ColourErrors
from evaluation.figure import Figure, at_least, at_most, not_measured
from evaluation.photos import all_photos, held_out
from evaluation.picture_files import encoded
from modelhub import ModelHub

MAX_ERROR = 0.88
MIN_VIVIDNESS = 0.6
MAX_LUMA_ERROR = 2.0  # what a JPEG of quality 95 does to the grainiest photos
CLIENTS = 4


def colorization(hub: ModelHub) -> Iterator[Figure]:
    """Yield the error and the vividness of the colours of held-out photos, and if luma was kept."""
    photos = held_out(all_photos())
    name = "colouring: mean ab error over that of grey"
    if not photos:
        yield not_measured(name, f"at most {MAX_ERROR}")
        return
    with ThreadPoolExecutor(CLIENTS) as pool:
        measured = pool.map(lambda photo: _measured(hub, photo), photos)
        errors, luma_errors = zip(*track(measured, "colouring", len(photos), transient=True), strict=True)
    total = ColourErrors.total(errors)
    yield at_most(name, total.error_ratio, MAX_ERROR, f"{total.error_ratio:.3f} of {len(photos)}")
    vividness = f"{total.vividness:.3f}"
    yield at_least("colouring: saturation over the truth's", total.vividness, MIN_VIVIDNESS, vividness)
    worst = max(luma_errors)
    name = "colouring: change of luma, mean of the worst photo"
    yield at_most(name, worst, MAX_LUMA_ERROR, f"{worst:.2f} levels")


def _measured(hub: ModelHub, photo: Path) -> tuple[ColourErrors, float]:
    """Return how far off the colours of one photo are, and its mean absolute change of luma in levels."""
    truth = Image.open(photo).convert("RGB")
    grey = truth.convert("L")
    answer = hub.answer("image_colorization", encoded(grey, "PNG"))
    ours = Image.open(io.BytesIO(base64.b64decode(answer["out_image"]))).convert("RGB")
    change = np.abs(np.asarray(ours.convert("L"), dtype=np.int16) - np.asarray(grey)).mean()
    return ColourErrors.of(np.asarray(ours), np.asarray(truth)), float(change)
