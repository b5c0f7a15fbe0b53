"""MediaPipe's own masks of pictures: `python foreground_reference.py PICTURES.json THRESHOLD MASKS.npz`.

Runs in the environment of `requirements/mediapipe.txt`, and imports nothing of the project.
"""

import json
import sys
from pathlib import Path

import numpy as np
from mediapipe.python.solutions.selfie_segmentation import SelfieSegmentation
from PIL import Image


def main(pictures: Path, threshold: float, output: Path) -> None:
    """Write for each path listed in `pictures` where MediaPipe's map exceeds `threshold`: bool [h, w]."""
    with SelfieSegmentation(model_selection=0) as segmentation:  # 0: the square net
        maps = {
            picture: segmentation.process(np.array(Image.open(picture).convert("RGB"))).segmentation_mask
            for picture in json.loads(pictures.read_text(encoding="utf-8"))
        }
    np.savez_compressed(output, **{picture: values > threshold for picture, values in maps.items()})


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]), Path(sys.argv[3]))
