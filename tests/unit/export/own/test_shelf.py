"""Users' own checkpoints, from the files that trainings leave to nets in place, and what keeps them there."""

import io
import os
import shutil
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
import numpy as np
import onnxruntime as ort
import pytest
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import Progress
from typer.testing import CliRunner

from backends.onnx_config import check_tensors
from export import cli
from export.convert.shelf_settings import TILES
from export.errors import ConversionFailed, DamagedOwn
from export.exporter import export
from export.job import Job
from export.own import cli as own_cli
from export.own.plans import read_classifier, read_detector
from export.own.shelf import CLASSIFICATION_NET, DETECTION_NET, OwnShelf, export_own_shelf
from export.paths import PROJECT, Paths
from export.progress import console_progress
from export.sources import Net
from export.state import Condition, Origin, State, net_state
from export.worker import Worker
from tests.repository.checks import config_as_triton_hands_it_over
from tests.unit.export.conftest import MakeNet
from vision.manifest import Manifest, Profile, load_manifest
from vision.shelf_counting import ShelfClassificationSettings
from vision.shelf_detection import ShelfDetectionSettings

pytestmark = pytest.mark.timeout(1800)  # the first of these may build an environment of 5.5 GB

SIZE, CROP_SIZE = 96, 64
NAMES = ("可乐 500 ml", "tea", "water", "juice", "milk")
NETS = {DETECTION_NET: ("pixels", "candidates"), CLASSIFICATION_NET: ("crops", "class_probs")}
RUNNER = CliRunner(env={"COLUMNS": "200"})


@dataclass(frozen=True)
class Placed:
    """A project in which the command has put the user's own nets, and what they were made from."""

    paths: Paths
    own: OwnShelf
    files: Path
    told: str


def command(own: OwnShelf, *options: str) -> list[str]:
    files = {"--detector": own.detector, "--classifier": own.classifier, "--labels": own.labels}
    return ["shelf_counting", *(text for pair in files.items() for text in map(str, pair)), *options]


def quiet() -> Progress:
    return console_progress(Console(file=io.StringIO()))


@pytest.fixture(scope="session")
def placed(training_python: Path, tmp_path_factory: pytest.TempPathFactory) -> Placed:
    files = tmp_path_factory.mktemp("own")
    writing = [str(training_python), "-m", "tests.unit.export.own.checkpoints", str(files)]
    subprocess.run(writing, cwd=PROJECT, env={**os.environ, "PYTHONPATH": str(PROJECT)}, check=True)
    (files / "products.txt").write_text("\n".join(NAMES) + "\n", encoding="utf-8")
    paths = project(tmp_path_factory.mktemp("project"), training_python)
    own = OwnShelf(
        detector=files / "detector.pt",
        classifier=files / "classifier.pt",
        labels=files / "products.txt",
        size=SIZE,
        crop_size=CROP_SIZE,
        min_score=0.3,
        max_overlap=0.6,
    )
    sizes = ("--size", str(SIZE), "--crop-size", str(CROP_SIZE))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(own_cli, "PROJECT", paths.root)
        done = RUNNER.invoke(own_cli.app, command(own, *sizes, "--min-score", "0.3", "--max-overlap", "0.6"))
    assert done.exit_code == 0, done.stderr
    return Placed(paths, own, files, done.stderr.splitlines()[-1])


def project(root: Path, training_python: Path) -> Paths:
    """A project that shares this one's training environment."""
    paths = Paths(root=root, cache=root / "cache")
    paths.training_requirements.parent.mkdir()
    real = Paths(root=PROJECT, cache=root)
    shutil.copyfile(real.training_requirements, paths.training_requirements)
    paths.training_environment.symlink_to(training_python.parent.parent, target_is_directory=True)
    return paths


def session(paths: Paths, net: str) -> ort.InferenceSession:
    return ort.InferenceSession(paths.version(net) / "model.onnx", providers=["CPUExecutionProvider"])


def manifest(paths: Paths, net: str) -> Manifest:
    return load_manifest(paths.version(net) / "manifest.json")


def noise(side: int, seed: int) -> NDArray[np.uint8]:
    """What `tests/unit/export/own/checkpoints.py` gives its modules."""
    return np.random.default_rng(seed).integers(0, 256, (2, side, side, 3), np.uint8)


@pytest.mark.parametrize(
    ("net", "side", "seed"), [(DETECTION_NET, SIZE, 3), (CLASSIFICATION_NET, CROP_SIZE, 4)]
)
def test_the_graph_computes_what_the_checkpoint_does_in_pytorch(
    placed: Placed, net: str, side: int, seed: int
) -> None:
    entry, output = NETS[net]
    with np.load(placed.files / "expected.npz") as expected:
        theirs = expected[output]
    (ours,) = session(placed.paths, net).run([output], {entry: noise(side, seed)})
    assert ours.shape == theirs.shape
    np.testing.assert_allclose(ours, theirs, atol=1e-5 * np.abs(theirs).max())
    assert theirs.std() > 0.01


@pytest.mark.parametrize("net", NETS)
def test_the_nets_fit_the_configs_as_they_are(placed: Placed, net: str) -> None:
    loaded = session(placed.paths, net)
    check_tensors(config_as_triton_hands_it_over(net), loaded.get_inputs(), loaded.get_outputs())


def test_the_manifests_say_what_the_user_chose(placed: Placed) -> None:
    detection, classification = (manifest(placed.paths, net) for net in NETS)
    assert detection.typed_settings(ShelfDetectionSettings) == ShelfDetectionSettings(
        size=SIZE, padding=114, min_score=0.3, max_overlap=0.6, max_detections=1000, tiles=TILES
    )
    assert classification.typed_settings(ShelfClassificationSettings).size == CROP_SIZE
    assert detection.labels == ("bottle", "can")
    assert classification.labels == NAMES
    assert [source.file for source in classification.sources] == ["classifier.pt", "products.txt"]
    assert placed.told.startswith(
        "In place: YOLOv5 of width 0.25, depth 0.33 and 2 classes; ResNet-18 of 5 products."
    )


def test_a_plain_state_dict_and_a_pickled_module_are_read_alike(placed: Placed) -> None:
    plan, state, _ = read_detector(placed.files / "detector.pt")
    other_plan, other_state, _ = read_detector(placed.files / "detector-state.pt")
    assert plan == other_plan
    assert same(state, other_state)
    assert same(
        *(read_classifier(placed.files / name)[1] for name in ("classifier.pt", "classifier-module.pt"))
    )


def same(one: dict[str, NDArray[np.generic]], other: dict[str, NDArray[np.generic]]) -> bool:
    return one.keys() == other.keys() and all(np.array_equal(one[name], other[name]) for name in one)


def row(net: str, make_net: MakeNet) -> Net:
    """The catalogue's row for that net, made by a toy converter."""
    return msgspec.structs.replace(make_net("multiply"), name=net, service="shelf_counting")


@pytest.fixture
def kept(placed: Placed, paths: Paths) -> Paths:
    """A copy of the project for a test to change; its conversion environment is a toy."""
    shutil.copytree(placed.paths.root / "model_repository", paths.root / "model_repository")
    return paths


def test_the_next_export_leaves_them_alone_until_it_is_forced(
    kept: Paths, make_net: MakeNet, progress: Progress
) -> None:
    nets = [row(net, make_net) for net in NETS]
    before = [(kept.version(net.name) / "model.onnx").read_bytes() for net in nets]
    assert [net_state(net, kept) for net in nets] == [State(Condition.READY, Origin.YOURS)] * 2
    assert export(nets, [], kept, progress).made == 0
    assert [(kept.version(net.name) / "model.onnx").read_bytes() for net in nets] == before
    assert export(nets, [], kept, progress, force=True).made == 2
    assert [net_state(net, kept) for net in nets] == [State(Condition.READY)] * 2
    assert {manifest(kept, net).profile for net in NETS} == {Profile.LITE}


def test_one_that_is_damaged_is_not_replaced_unasked(
    kept: Paths, make_net: MakeNet, progress: Progress
) -> None:
    (kept.version(DETECTION_NET) / "model.onnx").write_bytes(b"cut")
    net = row(DETECTION_NET, make_net)
    assert net_state(net, kept) == State(Condition.DAMAGED, Origin.YOURS)
    with pytest.raises(DamagedOwn, match=r"your own net is damaged.*--force shelf_counting"):
        export([net], [], kept, progress)
    assert export([net], [], kept, progress, force=True).made == 1


def test_the_list_says_that_they_are_the_users(
    kept: Paths, make_net: MakeNet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli, "NETS", (row(DETECTION_NET, make_net),))
    monkeypatch.setattr(cli, "SERVICES", ("shelf_counting",))
    monkeypatch.setattr(cli, "PROJECT", kept.root)
    shown = RUNNER.invoke(cli.app, ["--list"]).stdout
    for cell in (DETECTION_NET, "detector.pt", "yours"):
        assert cell in shown
    assert "toy" not in shown


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ("labels", "products.txt: 3 names, but the classifier has 5 classes"),
        ("detector", "classifier.pt: no YOLOv5 detector of release 6.0 or later"),
        ("classifier", "detector.pt: no ResNet in torchvision's layout"),
    ],
)
def test_a_wrong_file_is_one_line_and_leaves_nothing(
    placed: Placed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: str, told: str
) -> None:
    (tmp_path / "products.txt").write_text("a\nb\nc\n")
    files = {
        "labels": tmp_path / "products.txt",
        "detector": placed.own.classifier,
        "classifier": placed.own.detector,
    }
    own = replace(placed.own, **{wrong: files[wrong]})  # type: ignore[arg-type]
    monkeypatch.setattr(own_cli, "PROJECT", tmp_path / "project")
    result = RUNNER.invoke(own_cli.app, command(own))
    assert result.exit_code == 1
    assert [line.startswith(f"export: {told}") for line in result.stderr.splitlines()] == [True]
    assert not (tmp_path / "project").exists()


def test_they_go_beside_the_nets_of_the_profile_that_is_named(
    placed: Placed, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen: list[Paths] = []

    def export_to(own: OwnShelf, paths: Paths, progress: Progress) -> str:
        chosen.append(paths)
        return "nothing"

    monkeypatch.setattr(own_cli, "export_own_shelf", export_to)
    for options in ((), ("--profile", "full")):
        assert RUNNER.invoke(own_cli.app, command(placed.own, *options)).exit_code == 0
    assert [paths.net("n").parent.name for paths in chosen] == ["model_repository", "model_repository_full"]


def test_a_side_that_the_detector_cannot_take_is_wrong_usage(placed: Placed) -> None:
    result = RUNNER.invoke(own_cli.app, command(placed.own, "--size", "650"))
    assert result.exit_code == 2
    assert "650 is no multiple of 32" in result.stderr


def test_neither_is_placed_if_one_cannot_be_made(
    placed: Placed, training_python: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = project(tmp_path, training_python)
    converted: list[str] = []

    def convert(worker: Worker, job: Job, folder: Path) -> None:
        if converted:
            raise ConversionFailed("out of memory")
        converted.append(job.net)
        (folder / "model.onnx").touch()

    monkeypatch.setattr(Worker, "run", convert)
    with pytest.raises(ConversionFailed):
        export_own_shelf(placed.own, paths, quiet())
    assert converted
    assert not list(paths.root.glob("model_repository/*/1"))
    assert not list(paths.root.glob("model_repository/*/.staging"))
