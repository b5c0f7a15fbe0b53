"""With a real builder: every exported graph compiles, or is known to be refused; whole builds.

Runs in .venv-tensorrt-rtx, where test_with_builder.py starts it. TensorRT for RTX refuses more than TensorRT.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from export.paths import PROJECT, Paths, user_cache
from export.progress import console_progress
from export.tensorrt import adapter
from export.tensorrt.building import Outcome, Planner, plan_store
from export.tensorrt.check import check_config_name
from export.tensorrt.configs import ON_ONNXRUNTIME, net_folders
from export.tensorrt.errors import NoBuilder, NotServable, RefusedGraph, UnfaithfulPlan
from export.tensorrt.gate import Run
from export.tensorrt.half import in_precision
from export.tensorrt.plan import Precision, load_record
from tests.other_environment import SEEDED_ROOT
from tests.unit.export.tensorrt.project import (
    NET,
    make_project,
    put_graph,
    run_on_cpu,
    toy_graph,
    unsupported_graph,
)
from vision.manifest import ONNX_FILE, Profile
from vision.tensors import Tensors

pytest.importorskip("tensorrt_rtx")

QUIET = console_progress(Console(quiet=True))


PATHS = {
    Profile.LITE: Paths(root=PROJECT, cache=user_cache()),
    Profile.FULL: Paths(root=SEEDED_ROOT, cache=user_cache(), profile=Profile.FULL),
}


def nets() -> Iterator[tuple[Profile, str]]:
    """Every net of every profile; those of `full` have random weights."""
    for profile in Profile:
        yield from ((profile, folder.name) for folder in net_folders(PROJECT / profile.repository))


@pytest.mark.parametrize("precision", list(Precision))
@pytest.mark.parametrize(("profile", "net"), list(nets()))
def test_a_graph_compiles_or_is_known_not_to(profile: Profile, net: str, precision: Precision) -> None:
    """In its own optimisation profiles. A net that compiles after all must leave the list of the refused."""
    planner = Planner(PATHS[profile], adapter.tensorrt_rtx(), precision, QUIET)
    identity = planner.identify(net)
    if net in ON_ONNXRUNTIME[profile]:
        with pytest.raises(RefusedGraph, match=f"{net}: tensorrt_rtx .* refuses its graph"):
            planner.compile(identity)
    else:
        assert len(planner.compile(identity)) > 10_000


def test_every_refused_net_is_one_of_the_profiles() -> None:
    for profile, refused in ON_ONNXRUNTIME.items():
        folders = net_folders(PROJECT / profile.repository)
        assert set(refused) <= {folder.name for folder in folders}


class OnCpu:
    """The real builder, its plans run as ONNX graphs: only running a plan needs a GPU."""

    def __init__(self, graph: bytes) -> None:
        self._real = adapter.tensorrt_rtx()
        self.name, self.version, self.capability = self._real.name, self._real.version, self._real.capability
        self.build = self._real.build
        self._graph = graph

    def executor(self, plan: bytes) -> Run:
        assert len(plan) > 1000
        return run_on_cpu(self._graph)


class Poisoned(OnCpu):
    """A plan that gives NaN."""

    def executor(self, plan: bytes) -> Run:
        run = super().executor(plan)

        def spoilt(tensors: Tensors) -> Tensors:
            return {name: array * float("nan") for name, array in run(tensors).items()}

        return spoilt


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return make_project(tmp_path, toy_graph())


def make(paths: Paths, builder: adapter.Builder, precision: Precision = Precision.FP16) -> Outcome:
    return Planner(paths, builder, precision, QUIET).build(NET)


def half() -> bytes:
    return in_precision(toy_graph(), Precision.FP16)


def test_a_real_plan_is_placed_named_and_left_alone(paths: Paths) -> None:
    assert make(paths, OnCpu(half())) is Outcome.BUILT
    plan = paths.version(NET) / "model.plan"
    record = load_record(paths.version(NET) / "plan.json")
    assert record is not None
    (stored,) = plan_store(paths).glob("*.plan")
    assert stored.stem == record.identity.name
    assert stored.name.startswith(f"{NET}-tensorrt_rtx{record.identity.version}-sm86-fp16-")
    standing = plan.stat()
    assert make(paths, OnCpu(half())) is Outcome.READY
    # Not of when it was read last, which reading it changes.
    assert (plan.stat().st_ino, plan.stat().st_mtime_ns) == (standing.st_ino, standing.st_mtime_ns)
    assert make(paths, OnCpu(toy_graph()), Precision.FP32) is Outcome.BUILT
    with pytest.raises(NotServable, match="a plan of tensorrt_rtx, which Triton cannot load"):
        check_config_name(paths.repository(paths.profile), "tensorrt")


def test_a_poisoned_plan_is_refused(paths: Paths) -> None:
    with pytest.raises(UnfaithfulPlan, match="alpha is NaN or infinite"):
        make(paths, Poisoned(half()))
    assert not (paths.version(NET) / "model.plan").exists()
    assert not plan_store(paths).exists()


def test_a_plan_of_another_graph_is_refused(paths: Paths) -> None:
    with pytest.raises(UnfaithfulPlan, match=r"alpha differs from ONNX Runtime's by 0.5"):
        make(paths, OnCpu(toy_graph(0.5)))


def test_a_refused_graph_tells_the_operator_and_what_to_do(paths: Paths) -> None:
    put_graph(paths.root, unsupported_graph())
    with pytest.raises(
        RefusedGraph, match=f"{NET}: tensorrt_rtx .* refuses its graph; serve it with"
    ) as caught:
        make(paths, OnCpu(b""), Precision.FP32)
    assert "\n" not in str(caught.value)
    assert any("Unheard" in line for line in caught.value.detail)
    assert not (paths.version(NET) / "model.plan").exists()


def test_progress_is_told() -> None:
    paths = Paths(root=PROJECT, cache=user_cache())
    builder = adapter.tensorrt_rtx()
    identity = Planner(paths, builder, Precision.FP32, QUIET).identify("ocr_angle_net")
    told: list[tuple[int, int]] = []
    model = (paths.version("ocr_angle_net") / ONNX_FILE).read_bytes()
    builder.build("ocr_angle_net", model, identity.profiles, lambda done, whole: told.append((done, whole)))
    assert len(told) > 1
    assert [done for done, _ in told] == list(range(1, len(told) + 1))
    assert {whole for _, whole in told} == {told[0][1]}
    assert len(told) <= told[0][1]


CUT_BUILD = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
from pathlib import Path
from export.paths import PROJECT, Paths, user_cache
from export.progress import console_progress
from export.tensorrt import adapter
from export.tensorrt.building import Planner
from export.tensorrt.plan import Precision
from rich.console import Console

begun = Path(sys.argv[1])
paths, builder = Paths(root=PROJECT, cache=user_cache()), adapter.tensorrt_rtx()
planner = Planner(paths, builder, Precision.FP32, console_progress(Console(quiet=True)))
identity = planner.identify("ocr_detection_net")
model = (paths.version("ocr_detection_net") / "model.onnx").read_bytes()
try:
    builder.build("ocr_detection_net", model, identity.profiles, lambda done, whole: begun.touch())
except KeyboardInterrupt:
    sys.exit(130)
"""


def test_ctrl_c_ends_a_real_build(tmp_path: Path) -> None:
    begun = tmp_path / "begun"
    process = subprocess.Popen([sys.executable, "-c", CUT_BUILD, str(begun)], cwd=PROJECT)
    deadline = time.monotonic() + 60
    while not begun.exists():
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGINT)
    assert process.wait(60) == 130


def has_gpu() -> bool:
    try:
        adapter.Cuda().capability()
    except NoBuilder:
        return False
    return True


def test_running_a_plan_needs_a_gpu_and_one_line_says_so() -> None:
    if not has_gpu():
        with pytest.raises(NoBuilder, match=r"failed \(cuda.*docker run --gpus all") as caught:
            adapter.tensorrt_rtx().executor(b"")
        assert "\n" not in str(caught.value)


def test_another_compute_capability_is_compiled_for() -> None:
    paths = Paths(root=PROJECT, cache=user_cache())
    plans = set()
    for target in ("8.0", "8.9"):
        builder = adapter.tensorrt_rtx(target)
        assert builder.capability == target
        planner = Planner(paths, builder, Precision.FP32, QUIET)
        plans.add(planner.compile(planner.identify("shelf_counting_classification_net")))
    assert len(plans) == 2
    turing = Planner(paths, adapter.tensorrt_rtx("7.5"), Precision.FP32, QUIET)
    with pytest.raises(RefusedGraph, match="refuses its graph") as caught:  # parsed, and then not compiled
        turing.compile(turing.identify("shelf_counting_classification_net"))
    assert any("FP32 GEMM is not supported" in line for line in caught.value.detail)
    with pytest.raises(NoBuilder, match=r"no compute capability 1\.0"):
        adapter.tensorrt_rtx("1.0")
