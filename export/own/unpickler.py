"""A pickle of PyTorch's, read as data: no code that it names is ever imported or run.

What a pickle may name is listed here. Tensors become NumPy arrays; modules and whatever else a training
stores become inert stand-ins that hold their attributes; any other name is refused.
Source: `torch/_utils.py` of PyTorch 0.2 to 2.
"""

import math
import pickle
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import IO, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from export.errors import UnfitCheckpoint

Array = NDArray[Any]
Numbers = Callable[["np.dtype[Any]", str, int], Array]
"""Gives the numbers of a storage, by their type, the storage's key, and their count."""

_STORAGES = {
    "DoubleStorage": np.dtype("<f8"),
    "FloatStorage": np.dtype("<f4"),
    "HalfStorage": np.dtype("<f2"),
    "LongStorage": np.dtype("<i8"),
    "IntStorage": np.dtype("<i4"),
    "ShortStorage": np.dtype("<i2"),
    "CharStorage": np.dtype("i1"),
    "ByteStorage": np.dtype("u1"),
    "BoolStorage": np.dtype("?"),
}
"""Types of numbers by PyTorch's name for an array of them."""

_INERT = (
    "models",
    "utils",
    "yolov5",
    "ultralytics",
    "torch.nn",
    "torchvision",
    "timm",
    "numpy",
    "pathlib",
    "datetime",
)
"""Packages whose classes are stood in for: YOLOv5's own, and what trainings leave beside the weights."""


class Inert:
    """Stands for an object of a class that is not here: keeps what its pickle says and does nothing."""

    name: ClassVar[str] = ""
    attributes: dict[object, object]

    def __new__(cls, *_: object) -> "Inert":  # noqa: D102 - the one place that every way of making it passes
        self = super().__new__(cls)
        self.attributes = {}
        return self

    def __setstate__(self, state: object) -> None:
        self.attributes = dict(state) if isinstance(state, dict) else {}


class Reader(pickle.Unpickler):
    """Reads one record; resolves only what is listed. `numbers` gives the storages that it refers to."""

    def __init__(self, stream: IO[bytes], numbers: Numbers) -> None:
        # Python 2's texts were bytes. Those that matter are ASCII, and of the others none is looked at.
        super().__init__(stream, encoding="latin1")
        self._numbers = numbers

    def find_class(self, module: str, name: str) -> Any:  # noqa: ANN401 - a class or a function
        """Return what stands for `module.name`, which is not looked up anywhere. Raises UnfitCheckpoint."""
        if (module, name) in _ALLOWED:
            return _ALLOWED[module, name]
        if module in ("torch", "torch.cuda") and name in _STORAGES:
            return _STORAGES[name]
        package = next((one for one in _INERT if module == one or module.startswith(f"{one}.")), None)
        if package is None:
            raise UnfitCheckpoint(f"it asks for {module}.{name}, which no checkpoint needs; nothing was run")
        return type("Inert", (Inert,), {"name": f"{module}.{name}"})

    def persistent_load(self, identity: Any) -> Any:  # noqa: ANN401 - a tuple, if the file is honest
        """Return a storage: ("storage", type, key, device, count), before 1.6 with the part of it.

        Or a module's class, which stands before its source before 1.6.
        """
        if identity[0] == "module":
            return identity[1]
        kind, dtype, key, _, count, *part = identity
        if kind != "storage" or not isinstance(dtype, np.dtype):
            raise UnfitCheckpoint("it holds numbers of a type that is not known here")
        numbers = self._numbers(dtype, key, count)
        if not part or part[0] is None:
            return numbers
        _, offset, size = part[0]
        return numbers[offset : offset + size]


def _tensor(storage: Array, offset: int, size: Sequence[int], strides: Sequence[int], *_: object) -> Array:
    """Return the part of `storage` that a tensor is, as an array of its own; raises ValueError."""
    if offset < 0 or min((*size, *strides), default=0) < 0:
        raise ValueError("negative sizes")
    if math.prod(size) == 0:
        return np.zeros(size, dtype=storage.dtype)
    last = offset + sum((side - 1) * stride for side, stride in zip(size, strides, strict=True))
    if last >= storage.size or math.prod(size) > storage.size:
        raise ValueError("beyond the end of its storage")
    steps = tuple(stride * storage.itemsize for stride in strides)
    return np.lib.stride_tricks.as_strided(storage[offset:], tuple(size), steps).copy()


def _parameter(data: Array, *_: object) -> Array:
    return data


_ALLOWED: Mapping[tuple[str, str], Any] = {
    ("collections", "OrderedDict"): OrderedDict,
    ("builtins", "set"): set,
    ("__builtin__", "set"): set,
    ("builtins", "slice"): slice,  # of learning rates, which fastai leaves beside the weights
    ("__builtin__", "slice"): slice,
    ("torch", "Size"): tuple,
    ("torch._utils", "_rebuild_tensor"): _tensor,
    ("torch._utils", "_rebuild_tensor_v2"): _tensor,
    ("torch._utils", "_rebuild_parameter"): _parameter,
    ("torch._utils", "_rebuild_parameter_with_state"): _parameter,
    ("torch.torch_version", "TorchVersion"): Inert,
    ("argparse", "Namespace"): Inert,
    ("_codecs", "encode"): Inert,  # how Python 2's bytes are written, in NumPy's scalars
}
