"""Checkpoints are read as data: whatever a file asks for beyond that is refused, and nothing of it runs."""

import io
import os
import pickle
import re
import sys
import types
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from export.errors import UnfitCheckpoint
from export.own.pickled import read_pickled
from export.own.unpickler import Inert

FLOATS = np.arange(6, dtype="<f4")


def written(path: Path, record: bytes, **storages: bytes) -> Path:
    """A file as `torch.save` lays it out."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", record)
        archive.writestr("archive/byteorder", "little")
        for key, content in storages.items():
            archive.writestr(f"archive/data/{key.removeprefix('_')}", content)
    return path


class Call:
    """Pickled as a call of `function`, as any hostile file does it."""

    def __init__(self, function: Callable[..., object], *arguments: object) -> None:
        self._call = (function, arguments)

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return self._call


class Storage:
    """Pickled as PyTorch's reference to numbers beside the record."""

    def __init__(self, kind: object, key: str = "0", count: int = len(FLOATS)) -> None:
        self.identity = ("storage", kind, key, "cpu", count)


class Writer(pickle.Pickler):
    def persistent_id(self, thing: object) -> object:
        return thing.identity if isinstance(thing, Storage) else None


def record(thing: object) -> bytes:
    stream = io.BytesIO()
    Writer(stream, protocol=2).dump(thing)
    return stream.getvalue()


@pytest.fixture
def torch(monkeypatch: pytest.MonkeyPatch) -> types.SimpleNamespace:
    """The names of PyTorch and of YOLOv5 that an honest checkpoint has in it."""
    made: dict[str, Any] = {}
    for module, names in {
        "torch": ["FloatStorage", "BFloat16Storage"],
        "torch._utils": ["_rebuild_tensor_v2", "_rebuild_parameter"],
        "models": [],
        "models.yolo": ["DetectionModel"],
    }.items():
        parent = types.ModuleType(module)
        monkeypatch.setitem(sys.modules, module, parent)
        for name in names:
            kind = type(name, (), {"__module__": module, "__qualname__": name})
            setattr(parent, name, kind)
            made[name.lstrip("_")] = kind
    return types.SimpleNamespace(**made)


def tensor(
    torch: types.SimpleNamespace,
    offset: int = 0,
    size: tuple[int, ...] = (2, 3),
    strides: tuple[int, ...] = (3, 1),
) -> Call:
    storage = Storage(torch.FloatStorage)
    return Call(torch.rebuild_tensor_v2, storage, offset, size, strides, False, OrderedDict())


def test_tensors_and_plain_things_come_through(torch: types.SimpleNamespace, tmp_path: Path) -> None:
    turned = tensor(torch, 1, (2, 2), (1, 3))
    content = {"state": OrderedDict(a=tensor(torch), b=turned), "epoch": 3, "names": ["x"], "none": None}
    found: Any = read_pickled(written(tmp_path / "a.pt", record(content), _0=FLOATS.tobytes()))
    assert np.array_equal(found["state"]["a"], FLOATS.reshape(2, 3))
    assert found["state"]["b"].tolist() == [[1, 4], [2, 5]]
    assert (found["epoch"], found["names"], found["none"]) == (3, ["x"], None)


def test_a_tensor_without_numbers(torch: types.SimpleNamespace, tmp_path: Path) -> None:
    path = written(tmp_path / "a.pt", record(tensor(torch, 0, (0, 4), (4, 1))), _0=FLOATS.tobytes())
    found: Any = read_pickled(path)
    assert found.shape == (0, 4)


def test_a_module_becomes_an_inert_stand_in(torch: types.SimpleNamespace, tmp_path: Path) -> None:
    model = torch.DetectionModel()
    model.names = {0: "bottle"}
    found = read_pickled(written(tmp_path / "a.pt", record({"model": model})))
    assert isinstance(found, dict)
    assert isinstance(found["model"], Inert)
    assert found["model"].name == "models.yolo.DetectionModel"
    assert found["model"].attributes == {"names": {0: "bottle"}}


HOSTILE = {
    "posix.system": lambda mark: Call(os.system, f"touch {mark}"),
    "__builtin__.eval": lambda mark: Call(eval, f"open({str(mark)!r}, 'w')"),
    "__builtin__.exec": lambda mark: Call(exec, f"open({str(mark)!r}, 'w')"),
    "__builtin__.getattr": lambda mark: Call(getattr, Path(mark), "touch"),
    "io.open": lambda mark: Call(open, str(mark), "w"),
    "posix.mkdir": lambda mark: Call(os.mkdir, str(mark)),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_pickle_is_refused_by_the_name_it_asks_for(name: str, tmp_path: Path) -> None:
    mark = tmp_path / "executed"
    path = written(tmp_path / "best.pt", record({"model": HOSTILE[name](mark)}))
    pattern = rf"^best\.pt: it asks for {re.escape(name)}, which no checkpoint needs"
    with pytest.raises(UnfitCheckpoint, match=pattern) as caught:
        read_pickled(path)
    assert len(str(caught.value).splitlines()) == 1
    assert not mark.exists()
    pickle.loads(record(HOSTILE["posix.mkdir"](mark)))
    assert mark.exists(), "the pickles of this test do nothing, so that refusing them shows nothing"


def test_what_a_stand_in_is_called_with_is_not_called(tmp_path: Path, torch: types.SimpleNamespace) -> None:
    """A name under an allowed package is a stand-in too, whatever stands there on this machine."""
    mark = tmp_path / "executed"
    path = written(
        tmp_path / "a.pt", b"cnumpy.testing._private.utils\nrunstring\n(V" + str(mark).encode() + b"\ntR."
    )
    assert isinstance(read_pickled(path), Inert)
    assert not mark.exists()


@pytest.mark.parametrize(
    ("offset", "size", "strides"),
    [
        (0, (7,), (1,)),
        (1, (2, 3), (3, 1)),
        (0, (2,), (6,)),
        (-1, (2,), (1,)),
        (3, (2,), (-1,)),
        (0, (10**9,), (0,)),
        (0, (2, 2), (1,)),
    ],
)
def test_a_tensor_beyond_its_numbers_is_refused(
    torch: types.SimpleNamespace, tmp_path: Path, offset: int, size: tuple[int, ...], strides: tuple[int, ...]
) -> None:
    path = written(tmp_path / "a.pt", record(tensor(torch, offset, size, strides)), _0=FLOATS.tobytes())
    with pytest.raises(UnfitCheckpoint, match=r"^a\.pt: damaged"):
        read_pickled(path)


def test_numbers_of_an_unknown_type_are_refused(torch: types.SimpleNamespace, tmp_path: Path) -> None:
    storage = Storage(torch.BFloat16Storage)
    call = Call(torch.rebuild_tensor_v2, storage, 0, (2,), (1,), False, OrderedDict())
    with pytest.raises(UnfitCheckpoint, match=r"torch\.BFloat16Storage"):
        read_pickled(written(tmp_path / "a.pt", record(call), _0=FLOATS.tobytes()))


def test_missing_numbers_are_a_damaged_file(torch: types.SimpleNamespace, tmp_path: Path) -> None:
    with pytest.raises(UnfitCheckpoint, match="damaged"):
        read_pickled(written(tmp_path / "a.pt", record(tensor(torch))))


@pytest.mark.parametrize("content", [b"", b"\x80\x02}q\x00.", b"PK\x03\x04 and no more", bytes(100)])
def test_what_is_no_archive_is_told_so(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "old.pt"
    path.write_bytes(content)
    with pytest.raises(UnfitCheckpoint, match=r"^old\.pt: no checkpoint of PyTorch$"):
        read_pickled(path)


@pytest.mark.parametrize("cut", [1, 5, 40])
def test_a_cut_record_is_a_damaged_file(torch: types.SimpleNamespace, tmp_path: Path, cut: int) -> None:
    path = written(tmp_path / "a.pt", record(tensor(torch))[:-cut], _0=FLOATS.tobytes())
    with pytest.raises(UnfitCheckpoint, match="damaged"):
        read_pickled(path)


def test_a_compiled_archive_is_told_apart(tmp_path: Path) -> None:
    path = written(tmp_path / "scripted.pt", record({}))
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("archive/constants.pkl", b"")
    with pytest.raises(UnfitCheckpoint, match="TorchScript"):
        read_pickled(path)
