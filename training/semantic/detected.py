"""The frozen part of the net in ONNX Runtime, which takes two thirds of torch's time."""

import os
from collections.abc import Sequence
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from onnxruntime import InferenceSession, SessionOptions

from training.blocks import Normalised
from training.files import work_folder
from training.onnx_export import OPSET
from training.semantic.net import Frozen
from training.semantic.views import SIDE

BATCH = 10


def maps(pictures: Sequence[NDArray[np.uint8]]) -> list[NDArray[np.float16]]:
    """Return the maps of pictures uint8 [SIDE, SIDE, 3]."""
    found = _session().run(None, {"pixels": np.stack(pictures)})
    return [values.astype(np.float16) for values in found]


@cache
def _session() -> InferenceSession:
    file = work_folder("semantic") / f"frozen_{os.getpid()}.onnx"
    example = torch.zeros((BATCH, SIDE, SIDE, 3), dtype=torch.uint8)
    torch.onnx.export(
        Normalised(Frozen(SIDE)),
        (example,),
        str(file),
        input_names=["pixels"],
        dynamic_axes={"pixels": {0: "batch"}},
        opset_version=OPSET,
        dynamo=False,
    )
    options = SessionOptions()
    options.intra_op_num_threads = 1
    session = InferenceSession(file, options, providers=["CPUExecutionProvider"])
    file.unlink()
    return session
