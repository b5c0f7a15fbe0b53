"""PyTorch's checkpoint files, read as data, whichever release wrote them.

Source: `torch/serialization.py` of PyTorch 2, the layout of `torch.save` since 1.6.
"""

import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from export.errors import UnfitCheckpoint
from export.own.legacy import BEGINNING, read_legacy
from export.own.unpickler import Array, Reader

_RECORD = "data.pkl"


def read_pickled(path: Path) -> object:
    """Return what `torch.save` wrote to `path`, with arrays for tensors; raises UnfitCheckpoint, OSError."""
    try:
        with path.open("rb") as stream:
            if stream.read(len(BEGINNING)) == BEGINNING:
                return read_legacy(stream)
        with zipfile.ZipFile(path) as archive:
            return _read(archive, path.name)
    except zipfile.BadZipFile:
        raise UnfitCheckpoint(f"{path.name}: no checkpoint of PyTorch") from None
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
    storages: dict[str, Array] = {}

    def numbers(dtype: "np.dtype[Any]", key: str, count: int) -> Array:
        if key not in storages:
            storages[key] = np.frombuffer(archive.read(f"{folder}data/{key}"), dtype=dtype, count=count)
        return storages[key]

    with archive.open(records[0]) as stream:
        return Reader(stream, numbers).load()
