"""A graph of 32-bit floats to one of 16-bit floats with the same inputs and outputs.

TensorRT's own choice of precisions (its flag FP16) is deprecated since 10.12, and its successors have no such
flag: they compute in the types that the graph says. So the graph says them, whatever the builder's release.
"""

import onnx
from onnxruntime.transformers.float16 import convert_float_to_float16

from export.tensorrt.plan import Precision


def in_precision(model: bytes, precision: Precision) -> bytes:
    """Return the serialised graph computing in `precision`; inputs and outputs keep their types."""
    if precision is Precision.FP32:
        return model
    half = convert_float_to_float16(onnx.load_from_string(model), keep_io_types=True)
    assert isinstance(half, onnx.ModelProto)
    return half.SerializeToString()
