"""Features for comparing pictures: the classification net's pooled activations, scaled to unit length."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from export.conversion import Conversion
from export.convert.classification import BASE, SETTINGS
from export.surgery import drop_unused_constants, set_outputs
from vision.similarity import SimilaritySettings

CHANNELS = 1280
SAME_PICTURE_DISTANCE = 0.8945
"""Printed by `python -m bench.similarity`, which says how it is fitted."""
FITTED_ON = (
    "600 labelled photos (every fourth held out): halfway between the distance that 99.5% of copies "
    "(JPEG quality 30, half size, central 90%) stay below and the distance that 99.5% of pairs of different "
    "photos exceed; fitted while the net saw central squares, and kept"
)
_SMALLEST_NORM = 1e-12


def image_similarity(sources: Mapping[str, Path]) -> Conversion:
    """`pixels` uint8 RGB [batch, 280, 280, 3] to `features` float32 [batch, 1280] of unit length."""
    model = onnx.load(sources[BASE])
    graph = model.graph
    pooled = _cut_after_pooling(model)
    graph.initializer.append(
        numpy_helper.from_array(np.array(_SMALLEST_NORM, dtype=np.float32), "smallest_norm")
    )
    graph.node.extend(
        [
            helper.make_node("ReduceL2", [pooled], ["norm"], axes=[1], keepdims=1),
            helper.make_node("Max", ["norm", "smallest_norm"], ["divisor"]),
            helper.make_node("Div", [pooled, "divisor"], ["features"]),
        ]
    )
    set_outputs(model, features=(TensorProto.FLOAT, ["batch", CHANNELS]))
    graph.name = "image_similarity_net"
    settings = SimilaritySettings(
        size=SETTINGS.size,
        same_picture_distance=SAME_PICTURE_DISTANCE,
        fitted_on=FITTED_ON,
    )
    return Conversion(model, settings)


def _cut_after_pooling(model: onnx.ModelProto) -> str:
    """Drop the classifier and return the name of the float activations that it reads, [batch, channels]."""
    graph = model.graph
    operators = [node.op_type for node in graph.node]
    end = operators.index("DequantizeLinear", operators.index("Reshape"))
    del graph.node[end + 1 :]
    drop_unused_constants(model)
    return str(graph.node[end].output[0])
