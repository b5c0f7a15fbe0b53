"""When plans are built, put back, or left alone; what a cut or failed build leaves."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil
import pytest
from filelock import FileLock
from rich.console import Console

from export.paths import PROJECT, Paths
from export.progress import console_progress
from export.tensorrt.building import Outcome, Planner, plan_store
from export.tensorrt.errors import NotExported, PlanError, UnfaithfulPlan
from export.tensorrt.gate import Run
from export.tensorrt.plan import Precision, load_record, sha256_of
from tests.unit.export.tensorrt.project import NET, FakeBuilder, make_project, put_graph, toy_graph
from vision.tensors import Tensors


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return make_project(tmp_path, toy_graph())


def make(paths: Paths, builder: FakeBuilder, precision: Precision = Precision.FP16) -> Outcome:
    return Planner(paths, builder, precision, console_progress(Console(quiet=True))).build(NET)


def placed(paths: Paths) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in paths.version(NET).iterdir()}


def test_a_plan_is_built_tried_and_placed_with_its_record(paths: Paths) -> None:
    before = placed(paths)
    assert make(paths, FakeBuilder()) is Outcome.BUILT
    after = placed(paths)
    assert set(after) == {*before, "model.plan", "plan.json"}
    assert before.items() <= after.items()
    record = load_record(paths.version(NET) / "plan.json")
    assert record is not None
    assert record.plan_sha256 == sha256_of(paths.version(NET) / "model.plan")
    assert record.identity.onnx_sha256 == sha256_of(paths.version(NET) / "model.onnx")
    assert record.identity.profiles[0]["pixels"].maximum == (8, 320, 320, 3)
    assert record.rows == 3  # one picture alone, and both together
    score = record.scores["alpha"]
    assert score.relative_l2 is not None
    assert 0 < score.relative_l2 < 1e-3
    stored = plan_store(paths) / f"{record.identity.name}.plan"
    assert stored.read_bytes() == after["model.plan"]
    assert f"{NET}-tensorrt10.5.0-sm86-fp16-" in stored.name
    assert not (paths.net(NET) / ".staging").exists()


def test_a_second_build_does_nothing(paths: Paths) -> None:
    builder = FakeBuilder()
    make(paths, builder)
    standing = (paths.version(NET) / "model.plan").stat()
    assert make(paths, builder) is Outcome.READY
    assert builder.built == [NET]
    assert (paths.version(NET) / "model.plan").stat() == standing


def test_another_version_gpu_precision_or_graph_is_built_anew(paths: Paths) -> None:
    make(paths, FakeBuilder())
    for field, value in (("version", "10.6.0"), ("capability", "9.0")):
        other = FakeBuilder()
        setattr(other, field, value)
        assert make(paths, other) is Outcome.BUILT, field
    assert make(paths, FakeBuilder(), Precision.FP32) is Outcome.BUILT
    put_graph(paths.root, toy_graph(0.5))
    assert make(paths, FakeBuilder()) is Outcome.BUILT
    assert len(list(plan_store(paths).glob("*.plan"))) == 5


def test_other_shapes_are_built_anew_under_the_same_name(paths: Paths) -> None:
    make(paths, FakeBuilder())
    config = paths.net(NET) / "config.pbtxt"
    config.write_text(config.read_text().replace("max_batch_size: 8", "max_batch_size: 2"))
    assert make(paths, FakeBuilder()) is Outcome.BUILT
    record = load_record(paths.version(NET) / "plan.json")
    assert record is not None
    assert record.identity.profiles[0]["pixels"].maximum[0] == 2
    assert len(list(plan_store(paths).glob("*.plan"))) == 1


def test_an_earlier_plan_is_put_back_without_building(paths: Paths) -> None:
    make(paths, FakeBuilder())
    first = placed(paths)
    make(paths, FakeBuilder(), Precision.FP32)
    assert placed(paths) != first
    builder = FakeBuilder()
    assert make(paths, builder) is Outcome.PLACED
    assert builder.built == []
    assert placed(paths) == first


@pytest.mark.parametrize("where", ["placed", "stored", "both"])
def test_a_truncated_plan_is_noticed(paths: Paths, where: str) -> None:
    make(paths, FakeBuilder())
    whole = placed(paths)
    (stored,) = plan_store(paths).glob("*.plan")
    for path, name in ((paths.version(NET) / "model.plan", "placed"), (stored, "stored")):
        if where in (name, "both"):
            content = path.read_bytes()
            path.unlink()  # the two are links of one file
            path.write_bytes(content[:-10])
    expected = {"placed": Outcome.PLACED, "stored": Outcome.READY, "both": Outcome.BUILT}
    assert make(paths, FakeBuilder()) is expected[where]
    assert placed(paths) == whole


def poisoned(outputs: Tensors) -> Tensors:
    outputs["alpha"][0, 0, 0] = np.nan
    return outputs


def shifted(outputs: Tensors) -> Tensors:
    return {name: array + np.float32(0.05) for name, array in outputs.items()}


def narrower(outputs: Tensors) -> Tensors:
    return {name: array[:, :-1] for name, array in outputs.items()}


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (poisoned, "is NaN or infinite in 1 of"),
        (shifted, "differs from ONNX"),
        (narrower, r"\[1, 255, 256\]"),
    ],
)
def test_an_unfaithful_plan_is_neither_placed_nor_kept(
    paths: Paths, spoil: Callable[[Tensors], Tensors], message: str
) -> None:
    make(paths, FakeBuilder(), Precision.FP32)
    standing = placed(paths)
    with pytest.raises(UnfaithfulPlan, match=message) as caught:
        make(paths, FakeBuilder(spoil))
    assert str(caught.value).startswith(f"{NET}: its fp16 plan is not used: ")
    assert str(caught.value).endswith("or serve it with ONNX Runtime (docs/tensorrt.md)")
    assert "\n" not in str(caught.value)
    assert placed(paths) == standing
    assert not list(plan_store(paths).glob("*-fp16-*"))


def test_a_net_that_is_not_exported_is_told(paths: Paths) -> None:
    (paths.version(NET) / "manifest.json").unlink()
    with pytest.raises(NotExported, match=r"python -m export --profile lite"):
        make(paths, FakeBuilder())


def test_a_sample_that_is_no_picture_is_told(paths: Paths) -> None:
    (paths.weights / "samples" / "notes.txt").write_text("no picture")
    with pytest.raises(NotExported, match="a file of weights/samples is no picture"):
        make(paths, FakeBuilder())


def test_a_net_exported_during_its_build_keeps_no_older_plan(paths: Paths) -> None:
    class Overtaken(FakeBuilder):
        def executor(self, plan: bytes) -> Run:
            put_graph(paths.root, toy_graph(0.5))
            return super().executor(plan)

    with pytest.raises(PlanError):
        make(paths, Overtaken())
    assert not (paths.version(NET) / "model.plan").exists()


def test_a_net_that_onnx_runtime_serves_is_not_built(paths: Paths) -> None:
    config = paths.net(NET) / "configs" / "tensorrt.pbtxt"
    config.write_text(config.read_text().replace('backend: "tensorrt"', 'backend: "onnxruntime"'))
    builder = FakeBuilder()
    assert make(paths, builder) is Outcome.ON_ONNXRUNTIME
    assert builder.built == []


def test_placing_waits_for_an_export(paths: Paths) -> None:
    with FileLock(paths.lock):
        process = subprocess.Popen([sys.executable, "-c", SLOW_BUILD, str(paths.root), "0"], cwd=PROJECT)
        wait_for(paths.root / "begun", process)
        time.sleep(1)
        assert not (paths.version(NET) / "model.plan").exists()
    assert process.wait(20) == 0
    assert (paths.version(NET) / "model.plan").exists()


SLOW_BUILD = """
import signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)
from pathlib import Path
from filelock import FileLock
from rich.console import Console
from export.paths import Paths
from export.progress import console_progress
from export.tensorrt.building import Planner
from export.tensorrt.plan import Precision
from tests.unit.export.tensorrt.project import NET, FakeBuilder

class Slow(FakeBuilder):
    def build(self, *arguments):
        plan = super().build(*arguments)
        (root / "begun").touch()
        time.sleep(float(sys.argv[2]))
        return plan

root = Path(sys.argv[1])
progress = console_progress(Console(quiet=True))
Planner(Paths(root=root, cache=root / "cache"), Slow(), Precision.FP16, progress).build(NET)
"""


def wait_for(path: Path, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while not path.exists():
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_cut_build_leaves_what_stands(paths: Paths, number: signal.Signals) -> None:
    make(paths, FakeBuilder(), Precision.FP32)
    standing = placed(paths)
    process = subprocess.Popen(
        [sys.executable, "-c", SLOW_BUILD, str(paths.root), "60"], cwd=PROJECT, stderr=subprocess.DEVNULL
    )
    wait_for(paths.root / "begun", process)
    os.kill(process.pid, number)
    assert process.wait(20) != 0
    assert not psutil.pid_exists(process.pid)
    assert placed(paths) == standing
    assert not list(plan_store(paths).glob("*-fp16-*"))
    assert make(paths, FakeBuilder()) is Outcome.BUILT
