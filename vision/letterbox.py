"""A picture of any shape in a square of one size, its aspect kept, as YOLOv5 is fed; and the way back."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vision.nms import Boxes
from vision.tensors import Picture


class Letterbox(NamedTuple):
    """Where the picture lies in the square; the tensor `geometry` carries it.

    The two scales differ by what rounding the picture's sides to whole pixels does.
    """

    y_scale: float
    """Pixels of the square in one pixel of the picture."""
    x_scale: float
    top: float
    """Pixels of the square above the picture's first row."""
    left: float

    def to_picture(self, boxes: Boxes, height: int, width: int) -> Boxes:
        """Return boxes (top, left, bottom, right) of the square as boxes of the picture, clipped to it."""
        scales, offsets = self._scales_and_offsets()
        sides = np.array((height, width) * 2, dtype=np.float32)
        return ((boxes - offsets) / scales).clip(0, sides)

    def to_square(self, boxes: Boxes) -> Boxes:
        """Return boxes of the picture as boxes of the square."""
        scales, offsets = self._scales_and_offsets()
        return boxes * scales + offsets

    def _scales_and_offsets(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return what the four sides of a box are multiplied by, and what is added then; float32 [4] each."""
        scales, offsets = (self.y_scale, self.x_scale) * 2, (self.top, self.left) * 2
        return np.array(scales, dtype=np.float32), np.array(offsets, dtype=np.float32)


def letterbox(picture: Image.Image, size: int, padding: int) -> tuple[Picture, Letterbox]:
    """Return the RGB picture in the middle of uint8 [size, size, 3] on grey level `padding`, and its place.

    The longer side becomes `size`, enlarged if it must be; resampling is bilinear and antialiased.
    Source: YOLOv5's `letterbox` (`utils/augmentations.py`), its rounding included; where that reduces by
    points, this averages, as YOLOv5's validation does.
    """
    scale = size / max(picture.size)
    height, width = (max(1, round(side * scale)) for side in (picture.height, picture.width))
    top, left = (size - height) // 2, (size - width) // 2
    square = np.full((size, size, 3), padding, dtype=np.uint8)
    square[top : top + height, left : left + width] = picture.resize(
        (width, height), Image.Resampling.BILINEAR
    )
    return square, Letterbox(height / picture.height, width / picture.width, top, left)
