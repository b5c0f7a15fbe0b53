"""PP-OCRv6's medium detector and recogniser, published as ONNX by RapidOCR, by the `lite` nets' converters.

Source: rapidocr 3.10.0, `default_models.yaml`. They are PP-OCR's largest: PP-OCRv6 calls medium what earlier
versions called server, and reads better than PP-OCRv5's server by its makers' account. Sizes, thresholds,
tensors and the 18,708 characters are those of the small ones. No angle net came with PP-OCRv6: both profiles
use the same.
"""

from collections.abc import Mapping
from pathlib import Path

import onnx
import torch
from torch import Tensor, nn

from export.conversion import Conversion
from export.convert import ocr
from export.torch_nets.random_weights import set_random_weights
from export.torch_nets.text_nets import TextDetector, TextRecogniser

DETECTION_FILE = "PP-OCRv6_det_medium.onnx"
RECOGNITION_FILE = "PP-OCRv6_rec_medium.onnx"

CHARACTERS = 18_708
"""Of the published dictionary. The net has two more classes: CTC's blank and the space."""

_OPSET = 11
"""Of the published graphs. ONNX Runtime 1.19 and TensorRT 10 read it."""
_FIRST_HAN = 0x4E00
_INPUT, _OUTPUT = "x", "fetch_name_0"


def detection(sources: Mapping[str, Path]) -> Conversion:
    """`pixels` uint8 RGB [batch, height, width, 3] to `text_map` float32 [batch, height, width]."""
    return ocr.detection({ocr.DETECTION_FILE: sources[DETECTION_FILE]})


def recognition(sources: Mapping[str, Path]) -> Conversion:
    """`lines` uint8 RGB [batch, 48, width, 3] to `char_ids` int32 and `char_probs` float32 [batch, steps]."""
    return ocr.recognition({ocr.RECOGNITION_FILE: sources[RECOGNITION_FILE]})


def random_detection(path: Path) -> None:
    """Write a graph of the published inputs and outputs with random weights; its layers are others."""
    _write(TextDetector(), torch.rand(1, 3, 64, 96), {2: "height", 3: "width"}, path)


def random_recognition(path: Path) -> None:
    """Write a graph of the published inputs, outputs and metadata with random weights; its layers are others.

    The dictionary is as long as the published one, of other characters.
    """
    _write(TextRecogniser(CHARACTERS + 2), torch.rand(1, 3, 48, 64), {3: "width"}, path)
    model = onnx.load(path)
    entry = model.metadata_props.add()
    entry.key = "character"
    entry.value = "\n".join(chr(_FIRST_HAN + index) for index in range(CHARACTERS))
    onnx.save(model, path)


def _write(net: nn.Module, example: Tensor, sides: dict[int, str], path: Path) -> None:
    set_random_weights(net)
    torch.onnx.export(
        net.eval(),
        (example,),
        path,
        input_names=[_INPUT],
        output_names=[_OUTPUT],
        dynamic_axes={_INPUT: {0: "batch"} | sides, _OUTPUT: {0: "batch"}},
        opset_version=_OPSET,
        dynamo=False,
    )
