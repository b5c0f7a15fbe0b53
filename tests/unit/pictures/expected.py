"""What a viewer shows of a picture in memory."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def laid_on_white(picture: Image.Image) -> NDArray[np.uint8]:
    layer = picture.convert("RGBA")
    white = Image.new("RGBA", layer.size, "white")
    return np.asarray(Image.alpha_composite(white, layer).convert("RGB"))
