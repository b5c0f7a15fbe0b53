"""Each thing that can be wrong with a machine, broken, and the line that says so."""

import importlib.util
import json
import os
import shutil
import socket
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from pydantic import ValidationError

from embedded.background import Serving
from embedded.doctor import machine, system
from embedded.doctor.__main__ import NEEDS, PROFILES, ROOT, lines
from embedded.doctor.finding import NOTE, OK, PROBLEM, Finding, looked_at
from gateway.settings import Settings
from tests import commands
from tests.conftest import free_settings
from tests.unit.embedded.conftest import CONFIGS
from vision.manifest import Profile

GIB = machine.GIB


# The machine


@pytest.mark.parametrize(
    ("version", "state"), [((3, 10), PROBLEM), ((3, 11), OK), ((3, 12), OK), ((3, 13), PROBLEM)]
)
def test_pythons(version: tuple[int, int], state: str) -> None:
    assert machine.python(version, "python").state == state


def test_a_missing_tool_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert machine.tools().state == OK
    monkeypatch.setattr(shutil, "which", lambda name: None if name == "make" else name)
    finding = machine.tools()
    assert (finding.state, finding.told) == (PROBLEM, "not found: make")


@pytest.mark.parametrize(
    ("flags", "architecture", "state", "told"),
    [
        ("sse4_2 avx2 avx512_vnni", "x86_64", OK, "AVX2, VNNI"),
        ("avx2 avx_vnni", "x86_64", OK, "AVX2, VNNI"),
        ("avx2", "x86_64", NOTE, "no VNNI"),
        ("sse4_2", "x86_64", NOTE, "no AVX2"),
        ("", "aarch64", PROBLEM, "x86_64 alone"),
    ],
)
def test_processors(flags: str, architecture: str, state: str, told: str) -> None:
    finding = machine.processor(f"processor\t: 0\nflags\t\t: {flags}\nbugs\t\t:\n", architecture)
    assert finding.state == state
    assert told in finding.told


@pytest.mark.parametrize(
    ("free", "serving", "state"),
    [(GIB, False, PROBLEM), (3 * GIB, False, NOTE), (9 * GIB, False, OK), (GIB // 8, True, OK)],
)
def test_memory(free: int, serving: bool, state: str) -> None:
    assert machine.memory(free, serving=serving).state == state


def test_memory_is_what_the_control_group_leaves(tmp_path: Path) -> None:
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc" / "meminfo").write_text("MemTotal: 9000 kB\nMemAvailable:    8000 kB\n")
    assert machine.available_memory(tmp_path) == 8000 * 1024
    group = tmp_path / "sys" / "fs" / "cgroup"
    group.mkdir(parents=True)
    for name, text in {"max": "max", "current": "5", "stat": "inactive_file 1"}.items():
        (group / f"memory.{name}").write_text(f"{text}\n")
    assert machine.available_memory(tmp_path) == 8000 * 1024
    (group / "memory.max").write_text("1000\n")
    assert machine.available_memory(tmp_path) == 996


@pytest.mark.parametrize(
    ("free", "built", "state"),
    [(GIB, False, PROBLEM), (5 * GIB, False, OK), (GIB, True, OK), (GIB // 10, True, PROBLEM)],
)
def test_disks(free: int, built: bool, state: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil._ntuple_diskusage(total=9 * GIB, used=0, free=free)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage)
    assert machine.disk(tmp_path, built=built).state == state


def test_environments(tmp_path: Path) -> None:
    (tmp_path / "requirements").mkdir()
    for name in ("serve", "triton"):
        (tmp_path / "requirements" / f"{name}.txt").touch()
    assert machine.environment(tmp_path).told == "not built"
    folder = tmp_path / ".venv" / "bin"
    folder.mkdir(parents=True)
    (folder / "python").symlink_to(tmp_path / "gone")
    (tmp_path / ".venv" / ".stamp").touch()
    assert machine.environment(tmp_path).told == "its Python is gone"
    (folder / "python").unlink()
    (folder / "python").symlink_to(sys.executable)
    assert machine.environment(tmp_path).state == OK
    os.utime(tmp_path / ".venv" / ".stamp", (1, 1))
    assert machine.environment(tmp_path).told == "older than the requirements"


@pytest.mark.parametrize(("needed", "state"), [(True, PROBLEM), (False, NOTE)])
def test_an_index_that_does_not_answer(needed: bool, state: str, tmp_path: Path) -> None:
    pip = tmp_path / "python"
    pip.write_text("#!/bin/sh\necho 'ERROR: no route' >&2\nexit 1\n")
    pip.chmod(0o755)
    finding = machine.index(str(pip), needed=needed)
    assert (finding.state, finding.told.partition(";")[0]) == (state, "not reachable: ERROR: no route")
    pip.write_text("#!/bin/sh\n")
    assert machine.index(str(pip), needed=needed).state == OK


def test_an_index_that_hangs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "INDEX_TIMEOUT_S", 0.1)
    pip = tmp_path / "python"
    pip.write_text("#!/bin/sh\nexec sleep 60\n")
    pip.chmod(0o755)
    assert "no answer within" in machine.index(str(pip), needed=True).told


def test_gpus_and_engines_are_told_and_their_absence_is_no_problem() -> None:
    assert machine.gpu("NVIDIA L4, 550.1, 23034 MiB\nNVIDIA L4, 550.1, 23034 MiB").state == OK
    assert machine.gpu(None).state == NOTE
    assert machine.docker("27.1.1").told == "27.1.1"
    assert machine.docker(None).state == NOTE


def test_commands_that_are_not_there_fail_or_hang_have_no_output(monkeypatch: pytest.MonkeyPatch) -> None:
    assert machine.output(["echo", "yes"]) == "yes"
    assert machine.output(["no-such-command"]) is None
    assert machine.output(["false"]) is None
    monkeypatch.setattr(machine, "COMMAND_TIMEOUT_S", 0.2)
    assert machine.output(["sleep", "60"]) is None


def test_a_look_that_fails_is_a_line_of_its_own() -> None:
    def broken() -> Finding:
        raise PermissionError("/proc/cpuinfo")

    finding = looked_at("processor", broken)
    assert (finding.state, finding.told) == (
        PROBLEM,
        "could not be looked at: PermissionError: /proc/cpuinfo",
    )


# What runs on it


def test_a_missing_libpython_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert system.libpython().state == OK
    monkeypatch.setattr(sysconfig, "get_config_var", lambda name: "")
    finding = system.libpython()
    assert finding.state == PROBLEM
    assert "apt-get install libpython3" in finding.remedy


def test_a_missing_wheel_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert system.triton().state == OK
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    finding = system.triton()
    assert (finding.state, finding.remedy) == (PROBLEM, "run `make setup`")


def test_nets_that_are_not_exported_are_named(repository: Path) -> None:
    for partial in (True, False):
        finding = system.nets(repository, partial=partial)
        assert (finding.state, finding.told) == (PROBLEM, "not exported yet: n_net")
        assert "make export" in finding.remedy
    (repository / "n_net" / "1" / "model.onnx").touch()
    assert system.nets(repository, partial=False).told.startswith("exported for 1 of 1 services")


def test_of_a_profile_that_may_be_part_one_service_is_enough(repository: Path) -> None:
    (repository / "n_net" / "1" / "model.onnx").touch()
    (repository / "m_net" / "1").mkdir(parents=True)
    (repository / "m_net" / "config.pbtxt").write_text(CONFIGS["n_net"].replace("n_net", "m_net"))
    (repository / "m").mkdir()
    (repository / "m" / "config.pbtxt").write_text(
        'name: "m" platform: "ensemble" ensemble_scheduling { step [ { model_name: "m_net" } ] }'
    )
    assert system.nets(repository, partial=False).told == "not exported yet: m_net"
    assert system.nets(repository, partial=True).state == OK
    assert system.nets(repository, ["n"], partial=False).state == OK
    assert system.nets(repository, ["m"], partial=True).told == "not exported yet: m_net"
    finding = system.nets(repository, ["k"], partial=False)
    assert (finding.state, finding.remedy) == (PROBLEM, "correct MODELHUB_SERVICES")


def test_random_weights_are_named(repository: Path) -> None:
    folder = repository / "n_net" / "1"
    assert system.weights(repository).state == OK  # nothing is exported, so nothing is random
    (folder / "model.onnx").touch()
    source = {"package": "p", "version": "1", "file": "f", "sha256": "0", "licence": "l"}
    manifest = {"net": "n_net", "profile": "lite", "sources": [source], "onnx_sha256": "0", "opset": 17}
    manifest |= {"labels": [], "settings": {}, "recipe": "0"}
    for seeded, state in ((False, OK), (True, PROBLEM)):
        (folder / "manifest.json").write_text(json.dumps(manifest | {"seeded": seeded}))
        finding = system.weights(repository)
        assert finding.state == state
    assert finding.told.endswith("mean nothing: n_net")
    assert "--seeded" in finding.remedy


def test_a_port_that_somebody_else_has_is_named_with_its_holder() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = server.getsockname()
        finding = system.port("MODELHUB_PORT", address, ours=False)
        assert finding.state == PROBLEM
        assert f"by process {os.getpid()} (" in finding.told
        assert finding.remedy == "set MODELHUB_PORT to a free port"
        assert system.port("MODELHUB_PORT", address, ours=True).state == OK
    assert system.port("MODELHUB_PORT", address, ours=False).told == "MODELHUB_PORT: free"


def test_a_full_shared_memory_is_told(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert system.shared_memory(repository, repository, serving=False).state == OK
    usage = shutil._ntuple_diskusage(total=1 << 26, used=1 << 26, free=1 << 20)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage)
    finding = system.shared_memory(repository, repository, serving=False)
    assert finding.state == PROBLEM
    assert "has 1 MiB free" in finding.told
    assert "--shm-size" in finding.remedy


def test_settings_that_cannot_be_are_named_and_the_rest_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODELHUB_PORT", "70000")
    settings, finding = system.settings_or_fault()
    assert finding.state == PROBLEM
    assert finding.told.startswith("MODELHUB_PORT: ")
    assert settings.port == Settings.model_fields["port"].default
    monkeypatch.delenv("MODELHUB_PORT")
    assert system.settings_or_fault()[1].state == OK
    with pytest.raises(ValidationError):
        Settings(port=70000)


class Found(system.Running):
    """What runs, as a test says."""

    def __init__(self, health: system.Health | None = None, serving: Serving | None = None) -> None:
        self.health, self.serving = health, serving


def health(**reasons: str) -> system.Health:
    states = {
        name: {"ready": not reason, "loaded": True, "reason": reason} for name, reason in reasons.items()
    }
    return {"success": not any(reasons.values()), "services": states}


@pytest.mark.parametrize(
    ("running", "state", "told"),
    [
        (Found(), NOTE, "not running"),
        (Found(health(a="", b="")), OK, "all 2 are ready"),
        (Found(health(a="", b="not loaded")), PROBLEM, "b: not loaded"),
        (
            Found(None, Serving(7, 0.0, "http://x:1")),
            PROBLEM,
            "process 7 runs, and its gateway does not answer",
        ),
    ],
)
def test_services(running: Found, state: str, told: str) -> None:
    finding = system.services(Settings(), running)
    assert finding.state == state
    assert told in finding.told


def test_a_stranger_on_our_port_is_not_what_serves() -> None:
    settings = free_settings()
    running = system.Running(settings)
    assert not running
    with socket.create_server((settings.host, settings.port)) as server:
        server.listen()
        assert (
            system.port("MODELHUB_PORT", (settings.host, settings.port), ours=bool(running)).state == PROBLEM
        )


# The whole


def test_what_is_wrong_is_counted_and_what_to_do_stands_below() -> None:
    found = [Finding("a", OK, "well"), Finding("bcd", PROBLEM, "ill", "mend it"), Finding("e", NOTE, "so")]
    assert list(lines(found, colour=False)) == [
        "ok       a    well",
        "problem  bcd  ill",
        "              -> mend it",
        "note     e    so",
        "1 to be mended",
    ]
    assert list(lines(found[:1], colour=True))[-1] == "nothing is wrong"


def test_profiles_are_those_of_the_manifests() -> None:
    assert tuple(one.value for one in Profile) == PROFILES


def run(python: str, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    ours = ("MODELHUB_", "PYTHON", "VIRTUAL_ENV")
    users = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return commands.run([python, "-m", "embedded.doctor", *words], cwd=ROOT, env={**users, **environment})


def test_it_says_all_as_json_and_its_status_is_whether_something_is_wrong() -> None:
    settings = free_settings()
    ports = {
        f"MODELHUB_{name.upper()}": str(getattr(settings, name))
        for name in Settings.model_fields
        if "port" in name
    }
    ports.pop("MODELHUB_URL_PORTS")
    ran = run(sys.executable, "--json", **ports)
    found = [Finding(one["what"], one["state"], one["told"], one["remedy"]) for one in json.loads(ran.stdout)]
    assert ran.returncode == int(any(one.state == PROBLEM for one in found)), ran.stderr
    wanted = {
        "Python",
        "processor",
        "memory",
        "disk",
        "package index",
        "GPU",
        "Docker",
        "environment",
        "libpython",
    }
    assert wanted | {"nets", "weights", "shared memory", "services", "settings"} <= {
        one.what for one in found
    }
    assert {f"port {number}" for number in ports.values()} <= {one.what for one in found}
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", settings.port))  # a connection is refused, and nobody waits
        ran = run(sys.executable, **ports)
    assert ran.returncode == 1
    assert f"cannot listen on 127.0.0.1:{settings.port}" in ran.stdout


def test_a_profile_that_there_is_not_is_named() -> None:
    ran = run(sys.executable, MODELHUB_PROFILE="big")
    assert (ran.returncode, ran.stdout) == (2, "")
    assert "MODELHUB_PROFILE: big is none of lite, full" in ran.stderr


def test_without_an_environment_it_says_what_it_can(tmp_path: Path) -> None:
    bare = tmp_path / "bare"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", bare], check=True)
    ran = run(str(bare / "bin" / "python"))
    assert "processor" in ran.stdout, ran.stderr
    assert "not looked at, since that takes the environment" in ran.stdout
    assert NEEDS


def test_an_old_python_can_run_it() -> None:
    folder = ROOT / "embedded"
    files = [
        folder / "__init__.py",
        *(folder / "doctor" / f"{name}.py" for name in ("__init__", "finding", "machine", "__main__")),
    ]
    ran = commands.run(
        [str(Path(sys.executable).with_name("vermin")), "--target=3.8-", "--violations", "--no-tips", *files],
    )
    assert ran.returncode == 0, ran.stdout
