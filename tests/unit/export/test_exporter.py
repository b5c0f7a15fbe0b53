"""The exporter as a whole, with a package index on loopback and converters of a few nodes."""

import hashlib
import io
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import msgspec
import onnx
import onnxruntime as ort
import psutil
import pytest
from rich.progress import Progress

from export.errors import ConversionFailed, NoNetwork
from export.exporter import export
from export.fetch import cached_path
from export.paths import PROJECT, Paths
from export.sources import Base, Extra, File, Net
from export.state import Condition, State, extra_condition, extra_path, net_state
from tests.unit.export.conftest import FACTOR_PATH, TOY_FILE, MakeNet, toy_net
from tests.unit.export.package_index import PackageIndex
from tests.unit.export.toy import ToySettings
from vision.manifest import Profile, load_manifest


def test_a_net_and_its_manifest_are_put_in_place(
    make_net: MakeNet, paths: Paths, progress: Progress, screen: io.StringIO
) -> None:
    net = make_net("multiply")
    assert net_state(net, paths) == State(Condition.ABSENT)
    assert export([net], [], paths, progress).made == 1
    assert net_state(net, paths) == State(Condition.READY)
    folder = paths.version("toy_net")
    manifest = load_manifest(folder / "manifest.json")
    assert manifest.typed_settings(ToySettings) == ToySettings(factor=3.0)
    assert manifest.labels == ("一", "二")
    assert manifest.sources == (net.files[0].source(),)
    assert manifest.opset == 17
    assert manifest.onnx_sha256 == hashlib.sha256((folder / "model.onnx").read_bytes()).hexdigest()
    assert ort.InferenceSession(folder / "model.onnx").get_inputs()[0].shape == ["batch", 4]
    assert not (paths.net("toy_net") / ".staging").exists()
    assert re.search(r"Fetching toy 1.0: .* s\n(.*\n)*Converting toy_net: .* s\n", screen.getvalue())


def test_a_second_run_does_nothing(
    exported: Net, paths: Paths, progress: Progress, screen: io.StringIO
) -> None:
    before = paths.version("toy_net").stat()
    assert export([exported], [], paths, progress).made == 0
    assert paths.version("toy_net").stat() == before
    assert screen.getvalue() == ""


@pytest.mark.parametrize("name", ["model.onnx", "manifest.json"])
def test_a_truncated_file_is_noticed_and_made_anew_without_network(
    index: PackageIndex, exported: Net, paths: Paths, progress: Progress, name: str
) -> None:
    index.close()
    file = paths.version("toy_net") / name
    whole = file.read_bytes()
    os.truncate(file, len(whole) - 10)
    assert net_state(exported, paths) == State(Condition.DAMAGED)
    assert export([exported], [], paths, progress).made == 1
    assert file.read_bytes() == whole


def test_a_missing_file_is_damage(exported: Net, paths: Paths) -> None:
    (paths.version("toy_net") / "model.onnx").unlink()
    assert net_state(exported, paths) == State(Condition.DAMAGED)


def test_another_source_makes_a_net_outdated(
    index: PackageIndex, exported: Net, paths: Paths, progress: Progress
) -> None:
    index.add("toy", "1.1", {FACTOR_PATH: b"5.0"})
    newer = msgspec.structs.replace(
        exported.files[0],
        package=msgspec.structs.replace(exported.files[0].package, version="1.1"),
        sha256=hashlib.sha256(b"5.0").hexdigest(),
    )
    net = msgspec.structs.replace(exported, files=(newer,))
    assert net_state(net, paths) == State(Condition.OUTDATED)
    export([net], [], paths, progress)
    manifest = load_manifest(paths.version("toy_net") / "manifest.json")
    assert manifest.typed_settings(ToySettings).factor == 5.0


FAILURES = {
    "broken": "the checkpoint is not what this converter knows",
    "not_a_number": "output y is not finite",
    "too_new_opset": "opset 22",
    "too_new_ir": "IR version 11",
    "no_such_function": "no_such_function",
}


@pytest.mark.parametrize(("converter", "reason"), FAILURES.items())
def test_a_failed_conversion_names_its_log_and_leaves_what_stands(
    exported: Net, paths: Paths, progress: Progress, converter: str, reason: str
) -> None:
    standing = (paths.version("toy_net") / "model.onnx").read_bytes()
    with pytest.raises(ConversionFailed) as caught:
        export([toy_net(converter)], [], paths, progress)
    log = paths.logs / "toy_net.log"
    assert str(log) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert reason in caught.value.detail[-1]
    assert reason in log.read_text()
    assert (paths.version("toy_net") / "model.onnx").read_bytes() == standing
    assert not (paths.net("toy_net") / ".staging").exists()


@pytest.mark.usefixtures("fetched")
def test_a_conversion_that_is_killed_is_a_failed_one(paths: Paths, progress: Progress) -> None:
    with pytest.raises(ConversionFailed, match=r"toy_net: its conversion failed \(exit status -9\)"):
        export([toy_net("killed")], [], paths, progress)


def test_without_network_what_stands_stays(
    index: PackageIndex, exported: Net, paths: Paths, progress: Progress
) -> None:
    cached_path(exported.files[0], paths.cache).unlink()
    paths.requirements.write_text("# another lock\n")
    index.close()
    with pytest.raises(NoNetwork):
        export([exported], [], paths, progress)
    assert net_state(exported, paths) == State(Condition.OUTDATED)


@pytest.fixture
def sharing(fetched: None) -> list[Net]:
    """Two nets that begin with the same graph."""
    base = Base("toy", "tests.unit.export.toy:multiply", (TOY_FILE,))
    converter = "tests.unit.export.toy:from_base"
    return [Net(name, "toy", Profile.LITE, converter, base=base) for name in ("one_net", "other_net")]


def converted(screen: io.StringIO) -> list[str]:
    return re.findall(r"Converting (\w+): ", screen.getvalue())


def test_what_nets_share_is_converted_once(
    sharing: list[Net], paths: Paths, progress: Progress, screen: io.StringIO
) -> None:
    assert export(sharing, [], paths, progress).made == 2
    assert converted(screen) == ["toy", "one_net", "other_net"]
    graphs = {(paths.version(net.name) / "model.onnx").read_bytes() for net in sharing}
    assert len(graphs) == 1
    manifest = load_manifest(paths.version("one_net") / "manifest.json")
    assert manifest.sources == tuple(file.source() for file in sharing[0].package_files)


def test_the_next_export_finds_the_base_unless_it_is_damaged(
    sharing: list[Net], paths: Paths, progress: Progress, screen: io.StringIO
) -> None:
    first, second = sharing
    export([first], [], paths, progress)
    export([second], [], paths, progress)
    assert converted(screen) == ["toy", "one_net", "other_net"]
    (cached,) = paths.cache.glob("bases/toy/*/1/model.onnx")
    os.truncate(cached, 10)
    export([first], [], paths, progress, force=True)
    assert converted(screen)[3:] == ["toy", "one_net"]


def test_nothing_is_made_of_a_base_that_failed(sharing: list[Net], paths: Paths, progress: Progress) -> None:
    base = Base("toy", "tests.unit.export.toy:broken", sharing[0].package_files)
    nets = [msgspec.structs.replace(net, base=base) for net in sharing]
    with pytest.raises(ConversionFailed, match=r"toy: its conversion failed .*toy\.log"):
        export(nets, [], paths, progress)
    assert not list(paths.root.glob("model_repository/*/1"))
    assert not list(paths.cache.glob("bases/toy/*/1"))


def test_extras_are_put_as_they_are(toy_file: File, paths: Paths, progress: Progress) -> None:
    extra = Extra("samples", toy_file)
    assert extra_condition(extra, paths) is Condition.ABSENT
    assert export([], [extra], paths, progress).made == 1
    path = extra_path(extra, paths)
    assert path == paths.root / "weights" / "samples" / "factor.txt"
    assert path.read_bytes() == b"3.0"
    assert export([], [extra], paths, progress).made == 0
    path.write_bytes(b"3")
    assert extra_condition(extra, paths) is Condition.DAMAGED
    assert export([], [extra], paths, progress).made == 1
    assert path.read_bytes() == b"3.0"
    assert [entry.name for entry in path.parent.iterdir()] == ["factor.txt"]


def test_a_second_exporter_waits_for_the_first(
    index: PackageIndex, make_net: MakeNet, paths: Paths, progress: Progress, screen: io.StringIO
) -> None:
    net = make_net("multiply")
    done: list[int] = []
    runs = [
        threading.Thread(target=lambda: done.append(export([net], [], paths, progress).made))
        for _ in range(2)
    ]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    assert sorted(done) == [0, 1]
    assert len(index.requests) == 2
    assert "Waiting for another export" in screen.getvalue()


SLOW_EXPORT = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
from pathlib import Path
import msgspec
from rich.console import Console
from export.exporter import export
from export.paths import Paths
from export.progress import console_progress
from export.sources import Net

root, cache, row = map(Path, sys.argv[1:])
signal.signal(signal.SIGTERM, signal.default_int_handler)
net = msgspec.json.decode(row.read_bytes(), type=Net)
export([net], [], Paths(root, cache), console_progress(Console(stderr=True)))
"""


def start_slow_export(paths: Paths) -> subprocess.Popen[bytes]:
    """Return an exporter, in a process of its own, that is converting."""
    slow = paths.root / "slow.json"
    slow.write_bytes(msgspec.json.encode(toy_net("slow")))
    command = (sys.executable, "-c", SLOW_EXPORT, str(paths.root), str(paths.cache), str(slow))
    process = subprocess.Popen(command, cwd=PROJECT, stderr=subprocess.DEVNULL)
    begun = cached_path(TOY_FILE, paths.cache).with_name("begun")
    deadline = time.monotonic() + 30
    while not begun.exists():
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return process


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_an_interrupted_export_leaves_what_stands(
    exported: Net, paths: Paths, progress: Progress, number: signal.Signals
) -> None:
    process = start_slow_export(paths)
    converters = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(number)
    assert process.wait(10) != 0
    if number is signal.SIGKILL:
        for converter in converters:
            converter.kill()
    assert psutil.wait_procs(converters, 5)[1] == []
    assert net_state(exported, paths) == State(Condition.READY)
    staging = paths.net("toy_net") / ".staging"
    assert staging.exists() == (number is signal.SIGKILL)
    (paths.version("toy_net") / "model.onnx").unlink()
    assert export([exported], [], paths, progress).made == 1
    assert not staging.exists()


@pytest.mark.usefixtures("exported")
def test_a_conversion_can_be_repeated_by_hand(paths: Paths) -> None:
    again = paths.root / "again"
    again.mkdir()
    command = (sys.executable, "-m", "export.convert", paths.logs / "toy_net.json", again)
    subprocess.run(command, cwd=PROJECT, check=True)
    repeated, placed = again / "model.onnx", paths.version("toy_net") / "model.onnx"
    assert repeated.read_bytes() == placed.read_bytes()
    onnx.checker.check_model(onnx.load(Path(repeated)))
