"""The teacher of the segmentation nets: runs it over pictures and keeps its logits. Needs TensorFlow Lite.

    .venv-export/bin/python -m evaluation.teacher PICTURES.npy LOGITS.npy

It is DeepLab V3 on MobileNetV2, Pascal VOC's classes, int8, from google-coral/test_data (Apache-2.0). It sees
a picture squashed to its square and gives logits on a grid of 33x33 whose corners are the picture's corners;
its class map is their bilinear enlargement. Logits, not classes, are kept: how sure it is teaches more than
what it chose.
"""

import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from rich.progress import track

from evaluation.arrays import new_array
from evaluation.photos import DATA

FOLDER = DATA / "teacher"
FILE = FOLDER / "deeplabv3_mnv2_pascal_quant.tflite"
LABELS = FOLDER / "pascal_voc_labels.txt"
SIDE = 513
GRID = 33
CLASSES = 21
LOGITS_TENSOR = "logits/semantic/BiasAdd"


class Teacher:
    """The teacher, on one thread."""

    def __init__(self) -> None:
        import tensorflow as tf  # noqa: PLC0415 - only where the teacher runs

        self._net = tf.lite.Interpreter(str(FILE), experimental_preserve_all_tensors=True, num_threads=1)
        self._net.allocate_tensors()
        (self._input,) = (detail["index"] for detail in self._net.get_input_details())
        (self._logits,) = (
            detail
            for detail in self._net.get_tensor_details()
            if detail["name"].startswith(LOGITS_TENSOR)
            and detail["shape"].tolist() == [1, GRID, GRID, CLASSES]
        )

    def __call__(self, picture: Image.Image) -> NDArray[np.float32]:
        """Return logits float32 [33, 33, 21] for an RGB picture of any size."""
        squashed = picture.resize((SIDE, SIDE), Image.Resampling.BILINEAR)
        self._net.set_tensor(self._input, np.asarray(squashed, dtype=np.uint8)[None])
        self._net.invoke()
        scale, zero = self._logits["quantization"]
        quantised = self._net.get_tensor(self._logits["index"])[0].astype(np.float32)
        logits: NDArray[np.float32] = (quantised - zero) * np.float32(scale)
        return logits


def main() -> None:
    """Label every picture of an array uint8 [n, H, W, 3]; what is there already is kept."""
    pictures = np.load(sys.argv[1], mmap_mode="r")
    target = Path(sys.argv[2])
    shape = (len(pictures), GRID, GRID, CLASSES)
    logits = np.load(target, mmap_mode="r+") if target.exists() else new_array(target, np.float16, shape)
    teacher = Teacher()
    for index in track(range(len(pictures)), "teacher"):
        if not logits[index].any():
            logits[index] = teacher(Image.fromarray(pictures[index]))
    logits.flush()


if __name__ == "__main__":
    main()
