"""What the images that only Kubernetes uses are built from."""

import fnmatch
import re
import shutil
import sys
from pathlib import Path

import pytest

from embedded.paths import ROOT
from export.paths import Paths
from export.tensorrt.building import plan_store, sample_pictures
from tests import commands
from tests.repository.docker.compose import Stage, stages
from tests.repository.kubernetes.manifests import environment, serving
from vision.manifest import Profile

DOCKER = ROOT / "deploy" / "docker"
OURS = ("models", "plans")


def stage(name: str) -> Stage:
    return stages(DOCKER / f"{name}.Dockerfile")[""]


def copied(name: str) -> list[tuple[str, str]]:
    lines = [line.split()[1:] for line in stage(name).lines if line.startswith("COPY ")]
    return [(source, target) for source, target in lines]


@pytest.mark.parametrize("name", OURS)
def test_everything_that_is_copied_reaches_the_build(name: str) -> None:
    ignored = (DOCKER / f"{name}.Dockerfile.dockerignore").read_text().splitlines()
    assert "*" in ignored
    kept = {line.removeprefix("!") for line in ignored if line.startswith("!")}
    used = {
        source: {folder for folder in kept if source == folder or source.startswith(f"{folder}/")}
        for source, _ in copied(name)
    }
    assert all(used.values()), used
    assert set().union(*used.values()) == kept


def test_nets_are_built_in_without_plans_of_another_gpu() -> None:
    ignored = (DOCKER / "models.Dockerfile.dockerignore").read_text().splitlines()
    patterns = [line for line in ignored if line.startswith("**/")]
    for file in ("model.plan", "plan.json"):
        assert any(fnmatch.fnmatch(f"a/1/{file}", pattern) for pattern in patterns)
    for file in ("model.onnx", "manifest.json", "config.pbtxt", "model.py"):
        assert not any(fnmatch.fnmatch(f"a/1/{file}", pattern) for pattern in patterns)
    assert {source for source, _ in copied("models")} == {profile.repository for profile in Profile}


def test_plans_are_built_by_the_release_that_serves_them() -> None:
    bases = [stages(DOCKER / f"{name}.Dockerfile") for name in ("triton", "plans")]
    releases = [
        re.findall(r"/(?:tritonserver|tensorrt):(\d+\.\d+)-py3$", found[next(iter(found))].base)
        for found in bases
    ]
    assert releases[0] == releases[1] != []


def test_plans_image_runs_the_builder_from_what_it_copies(tmp_path: Path) -> None:
    """As far as it can without TensorRT, which is the container's."""
    for source, target in copied("plans"):
        if (ROOT / source).is_dir():
            shutil.copytree(ROOT / source, tmp_path / target, ignore=shutil.ignore_patterns("__pycache__"))
    (command,) = (line for line in stage("plans").lines if line.startswith("CMD "))
    arguments = re.findall(r'"([^"]+)"', command)[1:]
    told = environment("gpu", serving("gpu").before[1])
    for profile in Profile:
        (tmp_path / profile.repository).mkdir()
    ended = commands.run(
        [sys.executable, *arguments],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path), **{name: value or "" for name, value in told.items()}},
        timeout=120,
    )
    assert ended.returncode == 3, ended.stderr  # no TensorRT
    assert "TensorRT" in ended.stderr


def test_plans_are_written_where_the_pod_lets_them() -> None:
    plans = serving("gpu").before[1]
    writable = {mount["mountPath"] for mount in plans["volumeMounts"] if not mount.get("readOnly")}
    for profile in Profile:
        paths = Paths(root=Path("/app"), cache=Path("/tmp"), profile=profile)
        written = (plan_store(paths), paths.lock.parent, paths.repository(profile))
        for folder in written:
            assert any(folder.is_relative_to(place) for place in writable), folder
    told, serves = environment("gpu", plans), environment("gpu", serving("gpu").triton)
    assert told["HOME"] in writable
    assert told["MODELHUB_PROFILE"] == serves["MODELHUB_PROFILE"]


def test_plans_are_tried_on_pictures_that_the_image_has() -> None:
    here = Paths(root=ROOT, cache=Path("/tmp"))
    folders = {picture.parent.relative_to(ROOT).as_posix() for picture in sample_pictures(here)}
    assert folders <= {target for _, target in copied("plans")}
    assert "client/samples" in folders
