"""What nets read that see a picture squashed to a square."""

import numpy as np
from PIL import Image

from vision.picture import open_image
from vision.tensors import Tensors


def squashed(payload: bytes, side: int) -> Tensors:
    """Return `pixels` uint8 RGB [side, side, 3], antialiased, and `picture_size` int32 [2].

    `picture_size` is the upright picture's height and width. Raises PictureError.
    """
    picture = open_image(payload)
    return {
        "pixels": np.asarray(picture.resize((side, side), Image.Resampling.BILINEAR)),
        "picture_size": np.array([picture.height, picture.width], dtype=np.int32),
    }
