"""The images carry all that is imported in them."""

import re
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from embedded.paths import ROOT
from export.recipe import imported_names
from tests.repository.docker.compose import BUILT, canonical, copies, locked

OF_WHEELS_BACKEND = {"backends.onnxruntime.model", "backends.onnx_config"}
"""What only a Triton without the native ONNX Runtime backend reads."""
OF_TRITON = {"triton_python_backend_utils"}
ELSEWHERE = {"tensorrt", "tensorrt_rtx"}
"""Imported by `export.tensorrt` only when it builds, which it does in environments that have them."""


FOLDERS = (ROOT, ROOT / "client")
"""Where packages of ours are."""


def file_of(module: str) -> Path | None:
    paths = [folder.joinpath(*module.split(".")) for folder in FOLDERS]
    files = [file for path in paths for file in (path.with_suffix(".py"), path / "__init__.py")]
    return next((file for file in files if file.is_file()), None)


def closure(starts: Iterator[Path]) -> tuple[set[str], set[str]]:
    """Return what `starts` come to import: others' packages, by import name, and modules of ours."""
    waiting, seen, foreign = list(starts), set[str](), set[str]()
    while waiting:
        for name in imported_names(waiting.pop()):
            file = file_of(name)
            if file is not None and name not in seen:
                seen.add(name)
                waiting.append(file)
            elif not any((folder / name.partition(".")[0]).is_dir() for folder in FOLDERS):
                foreign.add(name.partition(".")[0])
    return foreign - sys.stdlib_module_names, seen


STARTS = {
    "triton-cpu": sorted(ROOT.glob("model_repository/*/1/model.py")),
    "triton-gpu": [ROOT / "export" / "tensorrt" / "__main__.py"],
    "gateway": [ROOT / "gateway" / "__main__.py"],
}


@pytest.mark.parametrize("name", BUILT)
def test_images_carry_all_that_is_imported(name: str) -> None:
    foreign, ours = closure(iter(STARTS[name]))
    assert ours
    lacking = foreign - OF_TRITON - ELSEWHERE
    distributions = packages_distributions()
    present = locked(name)
    lacking = {
        package
        for package in lacking
        if not {canonical(one) for one in distributions.get(package, [package])} & set(present)
    }
    assert not lacking
    folders = {source.name for source, _ in copies(name)}
    assert {module.partition(".")[0] for module in ours} <= folders


def test_container_has_every_package_of_vision_and_backends() -> None:
    """The ONNX Runtime backend in Python is left out: the container has the native one."""
    folders = ("vision", "modelhub_pictures", "backends")
    files = [file for folder in folders for file in (ROOT / folder).glob("**/*.py")]
    native = {file for name in OF_WHEELS_BACKEND if (file := file_of(name))}
    assert len(native) == len(OF_WHEELS_BACKEND)
    foreign, _ = closure(file for file in files if file not in native)
    _, steps = closure(iter(STARTS["triton-cpu"]))
    assert not OF_WHEELS_BACKEND & steps
    distributions = packages_distributions()
    needed = {canonical(distributions[package][0]) for package in foreign - OF_TRITON}
    assert needed == set(locked("triton-cpu"))
    assert needed == named_in("container.in")


def named_in(name: str) -> set[str]:
    text = (ROOT / "requirements" / name).read_text()
    return {canonical(match) for match in re.findall(r"^([a-z][\w-]*)", text, re.MULTILINE)}
