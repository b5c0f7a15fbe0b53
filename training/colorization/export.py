"""Writes the trained net as `trained/image_colorization_net.onnx`.

.venv-training/bin/python -m training.colorization.export
"""

import numpy as np
import torch
from PIL import Image

from export.paths import TRAINED
from training.colorization.net import ColourNet, Served, Style
from training.colorization.palette import frequencies
from training.colorization.pictures import choosing_photos, stored_photos
from training.colorization.train import served_weights
from training.loop import as_batch
from training.onnx_export import export_net

SIDE = 192
"""Of the pictures that are served; `training.colorization.evaluate` compares it with others."""
STYLE = Style(fairness=-0.8, worth=0.42)
"""Chosen on photos that were neither trained on nor held out."""
EXAMPLES = 2


def main() -> None:
    """Export the trained net."""
    torch.set_num_threads(1)
    colours = ColourNet()
    colours.load_state_dict(served_weights())
    net = Served(colours, frequencies(stored_photos()), STYLE)
    grey = [Image.open(photo).convert("L").resize((SIDE, SIDE)) for photo in choosing_photos()[:EXAMPLES]]
    examples = as_batch([np.asarray(one.convert("RGB")) for one in grey])
    export_net(net, examples, "pixels", ["chroma"], TRAINED / "image_colorization_net.onnx")


if __name__ == "__main__":
    main()
