"""What the images start, from exactly what they copy, with a stand-in for Triton."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from export.tensorrt.configs import CONFIG_NAME
from export.tensorrt.errors import NotServable
from tests.repository.docker.compose import copies, instructions
from vision.manifest import Profile


@pytest.fixture
def image(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A folder with what the named service's image has of ours, and a `tritonserver` that tells its flags."""
    root = tmp_path / "app"
    for source, target in copies(request.param):
        if source.is_dir():
            shutil.copytree(source, root / target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            (root / target).mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, root / target)
    binaries = tmp_path / "bin"
    binaries.mkdir()
    (binaries / "tritonserver").write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    (binaries / "tritonserver").chmod(0o755)
    return root


def start(image: Path, service: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run what the image runs, in its folder, with nothing else of ours importable."""
    command = yaml.safe_load(instructions(service, "CMD")[-1])
    path = f"{image.parent / 'bin'}{os.pathsep}{Path(sys.executable).parent}{os.pathsep}{os.defpath}"
    return subprocess.run(
        [part.replace("/app/", f"{image}/") for part in command],
        cwd=image,
        env={"PATH": path, "PYTHONPATH": str(image), "HOME": str(image.parent), **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize("profile", Profile)
@pytest.mark.parametrize("image", ["triton-cpu"], indirect=True)
def test_triton_is_started_on_the_profiles_repository(image: Path, profile: Profile) -> None:
    ended = start(image, "triton-cpu", MODELHUB_PROFILE=profile.value)
    assert ended.returncode == 0, ended.stderr
    told = ended.stdout.splitlines()
    assert f"--model-repository={image / profile.repository}" in told
    assert not [flag for flag in told if "config-name" in flag]


@pytest.mark.parametrize("image", ["triton-cpu"], indirect=True)
def test_triton_is_not_started_on_an_unknown_profile(image: Path) -> None:
    ended = start(image, "triton-cpu", MODELHUB_PROFILE="large; tritonserver")
    assert ended.returncode != 0
    assert "large" in ended.stderr
    assert ended.stdout == ""


@pytest.mark.parametrize("image", ["triton-gpu"], indirect=True)
def test_triton_is_started_with_plans_only_if_they_are_there(image: Path) -> None:
    net = image / Profile.LITE.repository / "some_net"
    (net / "configs").mkdir(parents=True)
    (net / "1").mkdir()
    (net / "configs" / f"{CONFIG_NAME}.pbtxt").write_text('name: "some_net" backend: "tensorrt"')
    (net / "config.pbtxt").write_text('name: "some_net" backend: "onnxruntime"')
    refused = start(image, "triton-gpu", MODELHUB_PROFILE="lite")
    assert refused.returncode == NotServable("").exit_status, refused.stderr
    assert "some_net" in refused.stderr
    assert refused.stdout == ""
    # A net that stays on ONNX Runtime needs no plan.
    (net / "configs" / f"{CONFIG_NAME}.pbtxt").write_text('name: "some_net" backend: "onnxruntime"')
    (net / "1" / "model.onnx").write_bytes(b"graph")
    started = start(image, "triton-gpu", MODELHUB_PROFILE="lite")
    assert started.returncode == 0, started.stderr
    assert f"--model-config-name={CONFIG_NAME}" in started.stdout.splitlines()


@pytest.mark.parametrize("image", ["gateway"], indirect=True)
def test_gateway_starts_from_what_its_image_has(image: Path) -> None:
    """A setting that cannot be ends it with a line about that setting: all was imported by then."""
    ended = start(image, "gateway", MODELHUB_PORT="none")
    assert ended.returncode == 1
    assert ended.stderr.startswith("settings:")
