"""Image and scene classification: crop and resample before the net, the best classes and all names after."""

from typing import Any, ClassVar, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vision.manifest import Manifest
from vision.picture import open_image
from vision.tensors import Picture, Tensors

Kernel = Literal["bicubic", "bilinear"]
"""Of the resampling, which is Pillow's and antialiased. It belongs to the checkpoint, as its scaling does."""

RESAMPLING = {"bicubic": Image.Resampling.BICUBIC, "bilinear": Image.Resampling.BILINEAR}


class ClassificationSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the net's maker fed it: side of its square input in pixels, the central part of it, resampling."""

    size: int
    central_fraction: float
    kernel: Kernel = "bicubic"


def central_square(image: Image.Image, size: int, fraction: float, kernel: Kernel = "bicubic") -> Picture:
    """Return the central square of an RGB image as uint8 [size, size, 3], antialiased.

    The square's side is `fraction` of the shorter side (EfficientNet's evaluation crop; Tan and Le, 2019).
    """
    side = max(1.0, min(image.size) * fraction)
    left, top = (image.width - side) / 2, (image.height - side) / 2
    box = (left, top, left + side, top + side)
    return np.asarray(image.resize((size, size), RESAMPLING[kernel], box=box))


class ClassificationPreprocess:
    """`image` BYTES [B, 1] to `pixels` uint8 RGB [B, size, size, 3]."""

    def __init__(self, net: Manifest) -> None:
        self._settings = net.typed_settings(ClassificationSettings)

    def __call__(self, image: NDArray[np.object_]) -> Tensors:
        """Raises PictureError for the first picture that cannot be decoded."""
        fed = self._settings
        pictures = (open_image(payload, short_side=fed.size) for payload in image.ravel().tolist())
        squares = [central_square(one, fed.size, fed.central_fraction, fed.kernel) for one in pictures]
        return {"pixels": np.stack(squares)}


class ClassificationPostprocess:
    """`probs` float32 [B, classes] to the `top` classes, their names, and all probabilities and names."""

    top: ClassVar[int] = 1

    def __init__(self, net: Manifest) -> None:
        self._names = np.array([label.encode() for label in net.labels], dtype=np.object_)
        self._joined = "\n".join(net.labels).encode()

    def __call__(self, probs: NDArray[np.float32]) -> dict[str, NDArray[Any]]:
        """Return `class` int32 and `class_name` [B, top], `class_probs` as given, `class_labels` [B, 1]."""
        best = np.argsort(-probs, axis=1, kind="stable")[:, : self.top]
        return {
            "class": best.astype(np.int32),
            "class_name": self._names[best],
            "class_probs": probs,
            "class_labels": np.full((len(probs), 1), self._joined, dtype=np.object_),
        }


class ScenePostprocess(ClassificationPostprocess):
    """As for classification, with the five best, most probable first."""

    top = 5
