"""Versions of images, packages and locks, against each other."""

import re

import pytest

from embedded.paths import ROOT
from tests.commands import CONTAINER_PYTHON
from tests.repository.docker.compose import (
    BUILT,
    SERVICES_OF_COMPOSE,
    TAKEN,
    copies,
    dockerfile_of,
    instructions,
    locked,
    stages,
)

ONNXRUNTIME = "1.19"
"""Of tritonserver:24.10-py3, the release that export/checks.py speaks of."""


def bases() -> list[str]:
    files = {dockerfile_of(name) for name in BUILT}
    names = {name for file in files for name in stages(file)}
    return [stage.base for file in files for stage in stages(file).values() if stage.base not in names]


def test_base_images_are_pinned() -> None:
    for base in [*bases(), *(SERVICES_OF_COMPOSE[name]["image"] for name in TAKEN)]:
        assert re.search(r":v?\d+\.\d+\S*$", base), base


def test_release_is_the_same_everywhere() -> None:
    (release,) = {match[1] for base in bases() if (match := re.search(r"tritonserver:(\S+)-py3$", base))}
    for page in [ROOT / "README.md", *(ROOT / "docs").glob("*.md"), *(ROOT / "deploy").rglob("*")]:
        if page.is_file():
            said = set(re.findall(r"(?:tritonserver|tensorrt):(\d\d\.\d\d)", page.read_text()))
            assert said <= {release}, page
    assert f"({release}: ONNX Runtime {ONNXRUNTIME}" in (ROOT / "README.md").read_text()


def test_onnx_runtime_and_python_are_those_of_the_image() -> None:
    assert f"ONNX Runtime {ONNXRUNTIME}" in (ROOT / "export" / "checks.py").read_text()
    pins = {
        file.name: set(re.findall(r"^onnxruntime==(\d+\.\d+)", file.read_text(), re.MULTILINE))
        for file in (ROOT / "requirements").glob("*.txt")
    }
    assert {name: found for name, found in pins.items() if found - {ONNXRUNTIME}} == {}
    dockerfile = dockerfile_of("triton-cpu").read_text()
    assert f"Python is {CONTAINER_PYTHON}, its ONNX Runtime {ONNXRUNTIME}" in dockerfile
    assert f"Python {CONTAINER_PYTHON} " in (ROOT / "requirements" / "container.in").read_text()


APT = r"apt-get update && apt-get install -y --no-install-recommends (.+) && rm -rf /var/lib/apt/lists/\*"


@pytest.mark.parametrize("name", BUILT)
def test_installs_take_wheels_with_hashes_alone(name: str) -> None:
    installs = [line for line in instructions(name, "RUN") if "pip install" in line]
    assert installs
    for line in installs:
        assert "--require-hashes" in line
        assert "--only-binary=:all:" in line
    for line in set(instructions(name, "RUN")) - set(installs):
        packages = re.fullmatch(APT, line)
        assert packages, f"{line}: neither pip nor apt"
        assert all("=" in package for package in packages[1].split()), f"{line}: a package without version"
    for lock in (file for file, _ in copies(name) if file.suffix == ".txt"):
        pins = re.findall(r"^[\w.\-\[\]]+==.*\\\n    --hash=sha256:", lock.read_text(), re.MULTILINE)
        assert len(pins) == len(re.findall(r"^\w", lock.read_text(), re.MULTILINE))


def test_gpu_stage_replaces_no_package_of_the_cpu_stage() -> None:
    cpu, gpu = locked("triton-cpu"), locked("triton-gpu")
    assert cpu == {name: gpu[name] for name in cpu}
    assert int(cpu["numpy"].partition(".")[0]) < 2
