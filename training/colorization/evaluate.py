"""Measures a trained net on other photos: where it stands on the curve of error and vividness.

    .venv-training/bin/python -m training.colorization.evaluate [--photos held-out] [--weights first-phase]

Settings are chosen on photos that are neither trained on nor held out. They are coloured as served.
"""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from rich.console import Console
from rich.progress import track
from rich.table import Table
from torch import Tensor

from evaluation.colour import ColourErrors
from evaluation.photos import all_photos, held_out
from training.blocks import Normalised
from training.colorization.net import ColourNet, Style, styled
from training.colorization.palette import frequencies
from training.colorization.pictures import choosing_photos, stored_photos
from training.colorization.train import mean_of_cycles, served_weights
from vision.image_colorization import chroma_planes
from vision.tensors import Picture

SIDES = (192, 224, 256)
STYLES = [Style(fairness, worth) for fairness in (-0.8, -0.5) for worth in (0.3, 0.36, 0.42)]
PHOTOS: dict[str, Callable[[], list[Path]]] = {
    "choosing": choosing_photos,
    "held-out": lambda: held_out(all_photos()),
}
WEIGHTS = {"first-phase": mean_of_cycles, "served": served_weights}


def coloured(chroma: NDArray[np.float32], grey: Image.Image) -> Picture:
    """Return a picture in the colours of `chroma` [h, w, 2], as the service makes it but for the JPEG."""
    luma = np.asarray(grey)
    planes = (luma, *chroma_planes(chroma, luma))
    return np.asarray(Image.merge("YCbCr", [Image.fromarray(plane) for plane in planes]).convert("RGB"))


def pixels_of(grey: Image.Image, side: int) -> Tensor:
    """Return what the net sees of a grey picture: uint8 [1, side, side, 3]."""
    seen = np.asarray(grey.resize((side, side), Image.Resampling.BILINEAR))
    return torch.from_numpy(seen[None, ..., None].repeat(3, axis=3))


@torch.no_grad()
def errors_of(net: ColourNet, shares: Tensor, photo: Path, side: int) -> list[ColourErrors]:
    """Return the errors of one photo, seen at `side`, in each of `STYLES`."""
    truth = Image.open(photo).convert("RGB")
    grey = truth.convert("L")
    logits = Normalised(net)(pixels_of(grey, side))
    return [
        ColourErrors.of(coloured(styled(logits, shares, style)[0].numpy(), grey), np.asarray(truth))
        for style in STYLES
    ]


def curve(net: ColourNet, photos: Sequence[Path], side: int) -> list[ColourErrors]:
    """Return the errors over all photos, for each of `STYLES`."""
    shares = frequencies(stored_photos())
    rows = [errors_of(net, shares, photo, side) for photo in track(photos, str(side), transient=True)]
    return [ColourErrors.total(column) for column in zip(*rows, strict=True)]


def main() -> None:
    """Print the error ratio at what vividness, by the side that the net sees and the style of painting."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", choices=PHOTOS, default="choosing")
    parser.add_argument("--weights", choices=WEIGHTS, default="served")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    net = ColourNet()
    net.load_state_dict(WEIGHTS[asked.weights]())
    net.eval()
    columns = [f"fairness {style.fairness}, worth {style.worth}" for style in STYLES]
    table = Table("side", *columns, title=f"{asked.weights}, {asked.photos}: error at vividness")
    for side in SIDES:
        points = curve(net, PHOTOS[asked.photos](), side)
        table.add_row(str(side), *(f"{one.error_ratio:.3f} at {one.vividness:.3f}" for one in points))
    Console().print(table)


if __name__ == "__main__":
    main()
