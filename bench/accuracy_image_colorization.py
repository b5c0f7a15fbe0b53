"""How right and how vivid the colours are that the service gives to grey photos: `make accuracy`."""

import base64
import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image
from rich.progress import track

from bench.colour import ColourErrors
from bench.figure import Figure
from bench.photos import all_photos, held_out
from client.http import ModelHub

MAX_ERROR = 0.88
MIN_VIVIDNESS = 0.6
MAX_LUMA_ERROR = 2.0  # what a JPEG of quality 95 does to the grainiest photos
CLIENTS = 4


def colorization(hub: ModelHub) -> Iterator[Figure]:
    """Yield the error and the vividness of the colours of held-out photos, and if luma was kept."""
    photos = held_out(all_photos())
    name, bar = "colouring: mean ab error over that of grey", f"at most {MAX_ERROR}"
    if not photos:
        yield Figure(name, "not measured: the photos are not part of the project", bar, None)
        return
    with ThreadPoolExecutor(CLIENTS) as pool:
        measured = pool.map(lambda photo: _measured(hub, photo), photos)
        errors, luma_errors = zip(*track(measured, "colouring", len(photos), transient=True), strict=True)
    total = ColourErrors.total(errors)
    yield Figure(name, f"{total.error_ratio:.3f} of {len(photos)}", bar, total.error_ratio <= MAX_ERROR)
    yield Figure(
        "colouring: saturation over the truth's",
        f"{total.vividness:.3f}",
        f"at least {MIN_VIVIDNESS}",
        total.vividness >= MIN_VIVIDNESS,
    )
    worst = max(luma_errors)
    yield Figure(
        "colouring: change of luma, mean of the worst photo",
        f"{worst:.2f} levels",
        f"at most {MAX_LUMA_ERROR}",
        worst <= MAX_LUMA_ERROR,
    )


def _measured(hub: ModelHub, photo: Path) -> tuple[ColourErrors, float]:
    """Return how far off the colours of one photo are, and its mean absolute change of luma in levels."""
    truth = Image.open(photo).convert("RGB")
    grey = truth.convert("L")
    file = io.BytesIO()
    grey.save(file, "PNG")
    answer = hub.predict("image_colorization", file.getvalue())
    ours = Image.open(io.BytesIO(base64.b64decode(answer["out_image"]))).convert("RGB")
    change = np.abs(np.asarray(ours.convert("L"), dtype=np.int16) - np.asarray(grey)).mean()
    return ColourErrors.of(np.asarray(ours), np.asarray(truth)), float(change)
