"""The distribution that callers install: it stands alone, and says what it needs."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterable, Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from tests.conftest import ROOT

CLIENT = ROOT / "client"
PROJECT = tomllib.loads((CLIENT / "pyproject.toml").read_text())["project"]
FILES = sorted((CLIENT / "modelhub").rglob("*.py"))
OF_EXTRAS = {"triton": ("triton.py", "triton_protocol.py"), "replay": ("replay/", "command/replay.py")}
"""Where each extra's packages may be imported: modules that nothing loads before they are asked for."""
EXTRAS: dict[str, list[str]] = PROJECT["optional-dependencies"]
BROUGHT = {"triton": {"grpcio"}}
"""By an extra's packages: not named, since tritonclient[grpc] is what says which of it is right."""
LOOKED_FOR = {"sniffio"}
"""By httpx, which does without."""
DISTRIBUTIONS = packages_distributions()


def canonical(requirement: str) -> str:
    match = re.match(r"[\w.-]+", requirement)
    assert match
    return re.sub(r"[-_.]+", "-", match[0]).lower()


def imported(file: Path) -> Iterator[str]:
    """Top-level names, wherever in the file they are imported."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.partition(".")[0]


def distributions(names: Iterable[str]) -> set[str]:
    """The distributions that bring modules of these names; a module of none stands for itself."""
    return {canonical(one) for name in names for one in DISTRIBUTIONS.get(name, [name])}


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(CLIENT)))
def test_only_what_is_declared_is_imported(file: Path) -> None:
    place = str(file.relative_to(CLIENT / "modelhub"))
    allowed = {canonical(one) for one in PROJECT["dependencies"]}
    for extra, requirements in EXTRAS.items():
        if place.startswith(OF_EXTRAS[extra]):
            allowed |= {canonical(one) for one in requirements} | BROUGHT.get(extra, set())
    foreign = set(imported(file)) - sys.stdlib_module_names - {"modelhub", "modelhub_pictures"}
    assert distributions(foreign) <= allowed


def test_what_is_declared_is_imported() -> None:
    declared = [*PROJECT["dependencies"], *(one for requirements in EXTRAS.values() for one in requirements)]
    used = distributions(name for file in FILES for name in imported(file))
    assert {canonical(one) for one in declared} - LOOKED_FOR <= used


def test_its_types_are_for_others_too() -> None:
    assert (CLIENT / "modelhub" / "py.typed").is_file()
