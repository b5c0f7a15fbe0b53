"""What `torch.save` wrote before PyTorch 1.6: pickles one after the other, then the numbers of each storage.

Some published checkpoints are still of that layout: torchvision's detectors and DeepLab V3, and Places365's,
which Python 2 wrote. The pickle of the object stands before the numbers that it refers to and does
not tell its own length, so it is read twice: first for the storages alone, then with their numbers.
Source: `_legacy_save` and `_legacy_load` of `torch/serialization.py` of PyTorch 2.
"""

import pickle
from typing import IO, Any

import numpy as np

from export.errors import UnfitCheckpoint
from export.own.unpickler import Array, Inert, Reader

_MAGIC = 0x1950A86A20F9469CFC6C
_PROTOCOL = 1001
_COUNT = np.dtype("<i8")

BEGINNING = pickle.dumps(_MAGIC, protocol=2)
"""The first bytes of every such file."""


class _Survey(Reader):
    """Reads a record for the storages that it names, `found` as (type, count) by key; builds no tensor."""

    def __init__(self, stream: IO[bytes]) -> None:
        super().__init__(stream, self._note)
        self.found: dict[str, tuple[np.dtype[Any], int]] = {}

    def find_class(self, module: str, name: str) -> Any:  # noqa: ANN401 - a class or a function
        """Return what stands for `module.name`, nothing that calculates. Raises UnfitCheckpoint."""
        allowed = super().find_class(module, name)
        return Inert if module == "torch._utils" else allowed

    def _note(self, dtype: "np.dtype[Any]", key: str, count: int) -> Array:
        self.found[key] = (dtype, count)
        return np.zeros(0, dtype=dtype)


def read_legacy(stream: IO[bytes]) -> object:
    """Return the object in a file, with arrays for tensors; `stream` stands after `BEGINNING`.

    Runs nothing that the file names. Raises UnfitCheckpoint, and on a damaged file any other exception.
    """
    if _Survey(stream).load() != _PROTOCOL:
        raise UnfitCheckpoint("of a version of torch.save that is not known here")
    system = _Survey(stream).load()
    if not isinstance(system, dict) or system.get("little_endian") is not True:
        raise UnfitCheckpoint("written on a big-endian machine")
    start = stream.tell()
    survey = _Survey(stream)
    survey.load()
    keys = _Survey(stream).load()
    if not isinstance(keys, list):
        raise UnfitCheckpoint("its storages are not listed")
    storages = {key: _storage(stream, *survey.found[key]) for key in keys}
    stream.seek(start)
    return Reader(stream, lambda dtype, key, count: storages[key]).load()


def _storage(stream: IO[bytes], dtype: "np.dtype[Any]", count: int) -> Array:
    """Return the numbers that stand next: their count, and themselves."""
    written = int(np.frombuffer(stream.read(_COUNT.itemsize), _COUNT)[0])
    if written != count:
        raise UnfitCheckpoint(f"{written} numbers stand where {count} belong")
    return np.frombuffer(stream.read(count * dtype.itemsize), dtype=dtype, count=count)
