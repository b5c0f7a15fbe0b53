"""What the images start, from exactly what they copy, with a stand-in for Triton."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from embedded.flags import triton_flags
from embedded.tracing import tracing_flags
from export.tensorrt.configs import CONFIG_NAME
from export.tensorrt.errors import NotServable
from gateway.settings import Settings
from tests import commands
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
    return commands.run(
        [part.replace("/app/", f"{image}/") for part in command],
        cwd=image,
        env={"PATH": path, "PYTHONPATH": str(image), "HOME": str(image.parent), **environment},
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
def test_triton_loads_and_closes_as_make_up_has_it(image: Path) -> None:
    """Where the two differ, one was forgotten: but for addresses, folders, and what only one of them has."""
    told = start(image, "triton-cpu", MODELHUB_PROFILE="lite", MODELHUB_TRITON_KEY="k-1").stdout.splitlines()
    ours = triton_flags(Settings.model_validate({"triton_key": "k-1"}), Path("/r"), ["*"], Path("/b"), "p")
    kinds = ("--model-control", "--load", "--disable", "--http-restricted", "--grpc-restricted", "--log")
    assert [flag for flag in told if flag.startswith(kinds)] == [
        flag for flag in ours if flag.startswith(kinds)
    ]


@pytest.mark.parametrize("image", ["triton-cpu"], indirect=True)
def test_without_a_key_tritons_apis_are_closed_by_one_that_nobody_knows(image: Path) -> None:
    environment = {"MODELHUB_PROFILE": "lite", "MODELHUB_TRITON_KEY": ""}
    starts = [start(image, "triton-cpu", **environment).stdout for _ in range(2)]
    keys = [set(re.findall(r":modelhub=([\w-]{40,})$", told, re.MULTILINE)) for told in starts]
    assert [len(found) for found in keys] == [1, 1]
    assert keys[0] != keys[1]


@pytest.mark.parametrize("image", ["triton-cpu"], indirect=True)
def test_triton_can_be_kept_to_its_pod(image: Path) -> None:
    told = start(image, "triton-cpu", MODELHUB_PROFILE="lite", MODELHUB_TRITON_HOST="127.0.0.1").stdout
    assert [flag for flag in told.splitlines() if "address" in flag] == [
        "--http-address=127.0.0.1",
        "--grpc-address=127.0.0.1",
    ]
    assert "address" not in start(image, "triton-cpu", MODELHUB_PROFILE="lite").stdout


@pytest.mark.parametrize("image", ["triton-cpu"], indirect=True)
@pytest.mark.parametrize("url", ["", "http://collector:4318/v1/traces"])
def test_triton_traces_as_make_up_has_it(image: Path, url: str) -> None:
    told = start(image, "triton-cpu", MODELHUB_PROFILE="lite", MODELHUB_TRACES_URL=url).stdout.splitlines()
    ours = tracing_flags(Settings(traces_url=url))
    assert bool(ours) == bool(url)
    assert [flag for flag in told if flag.startswith("--trace")] == ours


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
