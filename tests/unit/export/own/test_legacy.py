"""Files of PyTorch before 1.6, as PyTorch still writes them and as Python 2 wrote them."""

import io
import os
import pickle
import struct
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from export.errors import UnfitCheckpoint
from export.own.checkpoint import read_checkpoint, without_prefix
from export.own.legacy import BEGINNING
from export.own.pickled import read_pickled

FLOATS = np.arange(6, dtype="<f4")
PROTOCOL, SYSTEM = pickle.dumps(1001, 2), pickle.dumps({"little_endian": True, "protocol_version": 1001}, 2)

PYTHON_2 = (
    b"\x80\x02}(U\nstate_dictccollections\nOrderedDict\n]]("
    b"U\rmodule.weightctorch._utils\n_rebuild_tensor\n("
    b"(U\x07storagectorch.cuda\nFloatStorage\nU\x0294U\x06cuda:0K\x06NtQ"
    b"K\x00K\x02K\x03\x86K\x03K\x01\x86tRea\x85RU\x04noteU\x03\xc3\x28\x80u."
)
"""What Python 2.7 and PyTorch 0.2 pickled: texts are bytes (one is no UTF-8), tensors are a GPU's."""


def written(path: Path, record: bytes, keys: object, *storages: bytes) -> Path:
    path.write_bytes(
        b"".join([BEGINNING, PROTOCOL, SYSTEM, record, pickle.dumps(keys, 2), *storages]),
    )
    return path


def storage(numbers: np.ndarray[tuple[int], np.dtype[np.float32]]) -> bytes:
    return struct.pack("<q", len(numbers)) + numbers.tobytes()


def test_what_python_2_wrote(tmp_path: Path) -> None:
    path = written(tmp_path / "a.pth.tar", PYTHON_2, ["94"], storage(FLOATS))
    state = read_checkpoint(path).state
    assert list(state) == ["module.weight"]
    assert np.array_equal(without_prefix(state, "weight")["weight"], FLOATS.reshape(2, 3))


class Call:
    def __init__(self, function: Callable[..., object], *arguments: object) -> None:
        self._call = (function, arguments)

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return self._call


@pytest.mark.parametrize("place", range(4))
def test_a_hostile_pickle_is_refused_in_every_place(place: int, tmp_path: Path) -> None:
    mark = tmp_path / "executed"
    parts = [PROTOCOL, SYSTEM, PYTHON_2, pickle.dumps(["94"], 2)]
    parts[place] = pickle.dumps(Call(os.mkdir, str(mark)), 2)
    path = tmp_path / "a.pth"
    path.write_bytes(b"".join([BEGINNING, *parts, storage(FLOATS)]))
    with pytest.raises(UnfitCheckpoint, match=r"^a\.pth: it asks for posix\.mkdir, which no checkpoint"):
        read_pickled(path)
    assert not mark.exists()
    pickle.loads(parts[place])
    assert mark.exists(), "the pickle of this test does nothing, so that refusing it shows nothing"


@pytest.mark.parametrize(
    ("keys", "storages", "told"),
    [
        (["94"], [storage(FLOATS)[:-1]], "damaged"),
        (["94"], [], "damaged"),
        ([], [storage(FLOATS)], "damaged"),
        (["95"], [storage(FLOATS)], "damaged"),
        (["94"], [storage(FLOATS[:5])], "5 numbers stand where 6 belong"),
        ({"94": 0}, [storage(FLOATS)], "not listed"),
    ],
)
def test_missing_numbers_are_a_damaged_file(
    keys: object, storages: list[bytes], told: str, tmp_path: Path
) -> None:
    with pytest.raises(UnfitCheckpoint, match=told):
        read_pickled(written(tmp_path / "a.pth", PYTHON_2, keys, *storages))


@pytest.mark.parametrize(
    ("protocol", "system", "told"),
    [
        (pickle.dumps(1002, 2), SYSTEM, "of a version of torch.save"),
        (PROTOCOL, pickle.dumps({"little_endian": False}, 2), "big-endian"),
    ],
)
def test_other_versions_and_machines_are_told(
    protocol: bytes, system: bytes, told: str, tmp_path: Path
) -> None:
    path = tmp_path / "a.pth"
    path.write_bytes(BEGINNING + protocol + system + PYTHON_2)
    with pytest.raises(UnfitCheckpoint, match=told):
        read_pickled(path)


def test_what_pytorch_writes_is_read_as_from_its_newer_layout(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    shared = torch.arange(12, dtype=torch.float32)
    state = OrderedDict(
        whole=shared.view(3, 4),
        turned=shared.view(3, 4).t(),
        part=shared[5:7],
        half=torch.rand(2, 2).half(),
        counter=torch.tensor(7),
        empty=torch.zeros(0, 3),
        weight=torch.nn.Parameter(torch.rand(2)),
    )
    content = {"epoch": 3, "state_dict": state, "loss": 0.5}
    for name, zipped in (("old.pth", False), ("new.pth", True)):
        torch.save(content, tmp_path / name, _use_new_zipfile_serialization=zipped)
    old, new = (read_checkpoint(tmp_path / name).state for name in ("old.pth", "new.pth"))
    assert list(old) == list(new) == list(state)
    for name, value in state.items():
        assert old[name].dtype == new[name].dtype
        assert np.array_equal(old[name], new[name])
        assert np.array_equal(old[name], value.detach().numpy())


def test_a_pickled_module_is_read_too(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    net = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4))
    torch.save({"model": net}, tmp_path / "a.pth", _use_new_zipfile_serialization=False)
    state = read_checkpoint(tmp_path / "a.pth").state
    assert state.keys() == net.state_dict().keys()
    assert np.array_equal(state["0.weight"], net.state_dict()["0.weight"].numpy())


def test_the_beginning_is_that_of_the_files(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    file = io.BytesIO()
    torch.save({}, file, _use_new_zipfile_serialization=False)
    assert file.getvalue().startswith(BEGINNING)
