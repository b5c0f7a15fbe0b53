"""PP-OCR's three nets, as RapidOCR packages them, to nets that read RGB bytes and give named tensors.

Source: rapidocr 3.10.0, `rapidocr/models`. The nets were trained on BGR pictures scaled to [-1, 1]; both
steps become part of the graph.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from export.conversion import Conversion
from export.convert.ocr_settings import ANGLE, DETECTION, RECOGNITION
from export.surgery import finished, rename_output, set_input, set_nodes, set_outputs

DETECTION_FILE = "PP-OCRv6_det_small.onnx"
ANGLE_FILE = "ch_ppocr_mobile_v2.0_cls_mobile.onnx"
RECOGNITION_FILE = "PP-OCRv6_rec_small.onnx"

_BGR = (2, 1, 0)


def detection(sources: Mapping[str, Path]) -> Conversion:
    """`pixels` uint8 RGB [batch, height, width, 3] to `text_map` float32 [batch, height, width].

    Height and width are multiples of 32; the map holds probabilities.
    """
    model = onnx.load(sources[DETECTION_FILE])
    _read_rgb_bytes(model, "pixels", ["height", "width"])
    raw = rename_output(model, "text_map_planes")
    model.graph.node.append(helper.make_node("Squeeze", [raw], ["text_map"], axes=[1]))
    set_outputs(model, text_map=(TensorProto.FLOAT, ["batch", "height", "width"]))
    return Conversion(finished(model), DETECTION)


def angle(sources: Mapping[str, Path]) -> Conversion:
    """`lines` uint8 RGB [batch, 48, 192, 3] to `angle_probs` float32 [batch, 2]: upright, upside down."""
    model = onnx.load(sources[ANGLE_FILE])
    _read_rgb_bytes(model, "lines", [ANGLE.height, ANGLE.width])
    rename_output(model, "angle_probs")
    set_outputs(model, angle_probs=(TensorProto.FLOAT, ["batch", 2]))
    return Conversion(finished(model), ANGLE)


def recognition(sources: Mapping[str, Path]) -> Conversion:
    """`lines` uint8 RGB [batch, 48, width, 3] to `char_ids` int32 and `char_probs` float32 [batch, steps].

    They are the best class of each step and its probability: the 18,710 probabilities of a step stay inside.
    `char_ids` index `labels`: 0 is CTC's blank, written as an empty label, and the last one is the space.
    """
    model = onnx.load(sources[RECOGNITION_FILE])
    labels = ("", *_characters(model), " ")
    _read_rgb_bytes(model, "lines", [RECOGNITION.height, "width"])
    probs = rename_output(model, "char_class_probs")
    model.graph.node.extend(
        [
            helper.make_node("ArgMax", [probs], ["char_ids_int64"], axis=2, keepdims=0),
            helper.make_node("Cast", ["char_ids_int64"], ["char_ids"], to=TensorProto.INT32),
            helper.make_node("ReduceMax", [probs], ["char_probs"], axes=[2], keepdims=0),
        ]
    )
    shape: list[int | str] = ["batch", "steps"]
    set_outputs(model, char_ids=(TensorProto.INT32, shape), char_probs=(TensorProto.FLOAT, shape))
    return Conversion(finished(model), RECOGNITION, labels)


def _characters(model: onnx.ModelProto) -> list[str]:
    """Return the recogniser's characters; its metadata hold one a line, and the class of line i is i + 1."""
    metadata: dict[str, str] = {entry.key: entry.value for entry in model.metadata_props}
    return metadata["character"].splitlines()


def _read_rgb_bytes(model: onnx.ModelProto, name: str, size: Sequence[int | str]) -> None:
    """Replace the graph's only input, float32 BGR [N, 3, H, W] in [-1, 1], by uint8 RGB [N, H, W, 3]."""
    (old,) = model.graph.input
    shape = ["batch", *size, 3]
    constants: dict[str, NDArray[Any]] = {
        "bgr_order": np.array(_BGR, dtype=np.int64),
        "pixel_scale": np.array(1 / 127.5, dtype=np.float32),
        "pixel_offset": np.array(1, dtype=np.float32),
    }
    model.graph.initializer.extend(numpy_helper.from_array(value, key) for key, value in constants.items())
    nodes = [
        helper.make_node("Cast", [name], ["pixels_float"], to=TensorProto.FLOAT),
        helper.make_node("Transpose", ["pixels_float"], ["rgb_planes"], perm=[0, 3, 1, 2]),
        helper.make_node("Gather", ["rgb_planes", "bgr_order"], ["bgr_planes"], axis=1),
        helper.make_node("Mul", ["bgr_planes", "pixel_scale"], ["bgr_scaled"]),
        helper.make_node("Sub", ["bgr_scaled", "pixel_offset"], [old.name]),
    ]
    set_nodes(model, [*nodes, *model.graph.node])
    set_input(model, name, TensorProto.UINT8, shape)
