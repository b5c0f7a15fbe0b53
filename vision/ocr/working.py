"""Before the detector: the working picture that lines are cut from, and what the detector reads."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vision.ocr.settings import DetectionSettings
from vision.resize import resize_bilinear
from vision.tensors import Picture


class Geometry(NamedTuple):
    """Where the working picture lies in the input picture; the tensor `geometry` carries it."""

    height: float
    """Of the input picture, pixels."""
    width: float
    y_scale: float
    """Input pixels in one working pixel."""
    x_scale: float
    top: float
    """Working pixels above the input picture's first row."""
    left: float

    def to_input(self, corners: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return working-picture points, float32 [..., 2] of (x, y), as points inside the input picture."""
        points = (corners - (self.left, self.top)) * (self.x_scale, self.y_scale)
        return points.clip(0, (self.width, self.height)).astype(np.float32)


def working_picture(picture: Picture, settings: DetectionSettings) -> tuple[Picture, Geometry]:
    """Return what lines are cut from, in black bands where it is flat, and its place.

    That is the picture itself, unless it is narrower or larger than the limits of `settings`.
    """
    height, width = picture.shape[:2]
    inner_height, inner_width = working_size(height, width, settings)
    band = band_height(inner_height, inner_width, settings)
    inner = _resized(picture, inner_height, inner_width, averaged=is_large(height, width, settings))
    working = np.pad(inner, ((band, band), (0, 0), (0, 0))) if band else inner
    return working, Geometry(height, width, height / inner_height, width / inner_width, band, 0)


def map_picture(working: Picture, settings: DetectionSettings) -> Picture:
    """Return what the detector reads, uint8 [h, w, 3]; of a large picture, for the first search."""
    averaged = is_large(working.shape[0], working.shape[1], settings)
    height, width = map_size(working.shape[0], working.shape[1], settings)
    return _resized(working, height, width, averaged=averaged)


def _resized(picture: Picture, height: int, width: int, *, averaged: bool) -> Picture:
    """Return a picture resized as the detector was trained, or `averaged` over all pixels that it covers."""
    if not averaged or picture.shape[:2] == (height, width):
        return resize_bilinear(picture, height, width)
    return np.asarray(
        Image.fromarray(picture).resize((width, height), Image.Resampling.BILINEAR, reducing_gap=2)
    )


def is_large(height: int, width: int, settings: DetectionSettings) -> bool:
    """Return whether a picture is searched reduced, and then in tiles."""
    return max(height, width) > settings.working_max_side


def working_size(height: int, width: int, settings: DetectionSettings) -> tuple[int, int]:
    """Return height and width within the limits; a picture inside them keeps its size.

    Only beyond a ratio of about 1 : 60 is the aspect not kept: a side has at least `size_multiple` pixels.
    """
    shorter, longer = sorted((height, width))
    if height * width > settings.working_max_pixels:
        scale = math.sqrt(settings.working_max_pixels / (height * width))
        return _rounded(height, width, scale, settings.size_multiple)
    if shorter >= settings.working_min_side or longer > settings.working_max_side:
        return height, width
    scale = min(settings.working_min_side / shorter, settings.working_max_side / longer)
    return _rounded(height, width, scale, settings.size_multiple)


def band_height(height: int, width: int, settings: DetectionSettings) -> int:
    """Return the height of the bands above and below; text that fills a flat picture is overlooked else."""
    if is_large(height, width, settings):
        return max(0, settings.flat_height - height + 1) // 2
    if height > settings.padding_height and width / height <= settings.padding_ratio:
        return 0
    padded = 2 * max(int(width / settings.padding_ratio), settings.padding_height)
    return abs(padded - height) // 2


def map_size(height: int, width: int, settings: DetectionSettings) -> tuple[int, int]:
    """Return the detector's height and width, multiples of `size_multiple`."""
    shorter, longer = sorted((height, width))
    scale = settings.map_max_side / longer
    if is_large(height, width, settings):
        scale = min(1.0, scale, math.sqrt(settings.search_max_pixels / (height * width)))
        if shorter * scale > settings.map_min_side:  # keeps a plan's profiles narrow or short
            scale = max(settings.map_min_side / shorter, min(scale, settings.working_max_side / longer))
    else:
        scale = min(max(1.0, settings.map_min_side / shorter), scale)
    return _rounded(height, width, scale, settings.size_multiple)


def _rounded(height: int, width: int, scale: float, multiple: int) -> tuple[int, int]:
    def side(length: int) -> int:
        return max(1, round(int(length * scale) / multiple)) * multiple

    return side(height), side(width)
