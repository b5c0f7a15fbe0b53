"""What is looked at before anything starts: one clear line each."""

import shutil
import socket
from pathlib import Path

import pytest

from embedded import assemble
from embedded.checks import check_ports, check_shared_memory
from embedded.errors import NotInstalled, PortTaken, SharedMemoryFull
from embedded.process import remove_stale_regions
from embedded.triton_log import failed_models


def test_a_taken_port_is_named_with_its_setting() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        message = (
            rf"^cannot listen on 127.0.0.1:{port} \(Address already in use\): set SOME_PORT to a free port$"
        )
        with pytest.raises(PortTaken, match=message):
            check_ports({"SOME_PORT": ("127.0.0.1", port)})
    check_ports({"SOME_PORT": ("127.0.0.1", port)})


def test_a_full_shared_memory_is_told_with_what_is_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = shutil._ntuple_diskusage(total=1 << 26, used=1 << 26, free=1 << 20)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: full)
    with pytest.raises(SharedMemoryFull, match="has 1 MiB free, 10 model instances need 296 MiB: free some"):
        check_shared_memory(tmp_path, 10)


def test_a_missing_libpython_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sysconfig.get_config_var", {"INSTSONAME": "libpython3.a"}.get)
    with pytest.raises(NotInstalled, match="apt-get install libpython3"):
        assemble.find_libpython()


def test_a_missing_wheel_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(NotInstalled, match="run `make setup`"):
        assemble.find_triton()


def test_regions_of_launchers_that_are_gone_are_removed(tmp_path: Path) -> None:
    gone, other = tmp_path / "modelhub-999999999-1-x", tmp_path / "somebody-elses"
    mine = tmp_path / f"modelhub-{Path('/proc/self').resolve().name}-1-x"
    for region in (gone, mine, other):
        region.touch()
    remove_stale_regions(tmp_path, "modelhub")
    assert sorted(tmp_path.iterdir()) == sorted([mine, other])


LOG = """\
2026-01-01T00:00:00Z E 1 l.cc:642] "failed to load 'n_net' version 1: Internal: ValueError: no\\n\\nAt: x"
| n_net    | 1       | UNAVAILABLE: Internal: ValueError: no    |
| n_step   | 1       | READY                                    |
| m_net    | 1       | UNAVAILABLE: Not found: no such file     |
"""


def test_failed_models_are_read_from_tritons_log() -> None:
    assert failed_models(LOG) == ["m_net: Not found: no such file", "n_net: Internal: ValueError: no"]
