"""PyTorch's checkpoint files, read as data: no code that a file names is ever imported or run.

What a pickle may name is listed here. Tensors become NumPy arrays; modules and whatever else a training
stores become inert stand-ins that hold their attributes; any other name is refused.
Source: `torch/serialization.py` and `torch/_utils.py` of PyTorch 2, the layout of `torch.save` since 1.6.
"""

import math
import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from export.errors import UnfitCheckpoint

Array = NDArray[Any]

_RECORD = "data.pkl"
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


def read_pickled(path: Path) -> object:
    """Return what `torch.save` wrote to `path`, with arrays for tensors; raises UnfitCheckpoint, OSError."""
    try:
        with zipfile.ZipFile(path) as archive:
            return _read(archive, path.name)
    except zipfile.BadZipFile:
        raise UnfitCheckpoint(
            f"{path.name}: no checkpoint of PyTorch 1.6 or later; save an older one anew with torch.save"
        ) from None
    except UnfitCheckpoint as error:
        raise UnfitCheckpoint(f"{path.name}: {error}") from None
    except OSError:
        raise
    except Exception as error:  # a hostile pickle can make the reader fail in any way
        raise UnfitCheckpoint(f"{path.name}: damaged, or no checkpoint ({type(error).__name__})") from None


def _read(archive: zipfile.ZipFile, name: str) -> object:
    names = archive.namelist()
    records = [one for one in names if one.rpartition("/")[2] == _RECORD]
    if len(records) != 1 or any(one.endswith("/constants.pkl") for one in names):
        raise UnfitCheckpoint("not what torch.save writes (a TorchScript archive cannot be read)")
    folder = records[0].removesuffix(_RECORD)
    if f"{folder}byteorder" in names and archive.read(f"{folder}byteorder") != b"little":
        raise UnfitCheckpoint("written on a big-endian machine")
    with archive.open(records[0]) as stream:
        return _Reader(stream, archive, folder).load()


class _Reader(pickle.Unpickler):
    """Reads one record; resolves only what is listed."""

    def __init__(self, stream: Any, archive: zipfile.ZipFile, folder: str) -> None:  # noqa: ANN401
        super().__init__(stream, encoding="utf-8")
        self._archive, self._folder = archive, folder
        self._storages: dict[str, Array] = {}

    def find_class(self, module: str, name: str) -> Any:  # noqa: ANN401 - a class or a function
        """Return what stands for `module.name`, which is not looked up anywhere. Raises UnfitCheckpoint."""
        if (module, name) in _ALLOWED:
            return _ALLOWED[module, name]
        if module == "torch" and name in _STORAGES:
            return _STORAGES[name]
        package = next((one for one in _INERT if module == one or module.startswith(f"{one}.")), None)
        if package is None:
            raise UnfitCheckpoint(f"it asks for {module}.{name}, which no checkpoint needs; nothing was run")
        return type("Inert", (Inert,), {"name": f"{module}.{name}"})

    def persistent_load(self, identity: Any) -> Array:  # noqa: ANN401 - a tuple, if the file is honest
        """Return one storage: ("storage", type, key, device, count)."""
        kind, dtype, key, _, count = identity
        if kind != "storage" or not isinstance(dtype, np.dtype):
            raise UnfitCheckpoint("it holds numbers of a type that is not known here")
        if key not in self._storages:
            data = self._archive.read(f"{self._folder}data/{key}")
            self._storages[key] = np.frombuffer(data, dtype=dtype, count=count)
        return self._storages[key]


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
    ("torch", "Size"): tuple,
    ("torch._utils", "_rebuild_tensor_v2"): _tensor,
    ("torch._utils", "_rebuild_parameter"): _parameter,
    ("torch._utils", "_rebuild_parameter_with_state"): _parameter,
    ("torch.torch_version", "TorchVersion"): Inert,
    ("argparse", "Namespace"): Inert,
    ("_codecs", "encode"): Inert,  # how Python 2's bytes are written, in NumPy's scalars
}
