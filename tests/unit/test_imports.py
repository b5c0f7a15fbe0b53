"""The table of docs/architecture.md and the linter's contracts say the same of who imports whom."""

import ast
import re
import tomllib
from pathlib import Path

import pytest

from embedded.paths import ROOT

SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]
LINTER = SETTINGS["importlinter"]
CONTRACTS = {
    source: contract
    for contract in LINTER["contracts"]
    if contract["type"] == "forbidden"
    for source in contract["source_modules"]
}
ROWS = re.findall(
    r"^\| `(?:client/)?([a-z_]+)/` \| .* \| (.*) \|$", (ROOT / "docs/architecture.md").read_text(), re.M
)
TABLE = {package: set(re.findall(r"`([a-z_0-9.]+)`", cell)) for package, cell in ROWS}
OUTSIDE_PACKAGES = {  # the linter sees packages alone, and Triton runs these from other folders
    path: package
    for package in ("model_repository", "backends")
    for path in (ROOT / package).rglob("model.py")
}


@pytest.mark.parametrize("package", CONTRACTS)
def test_a_package_may_import_what_the_table_says(package: str) -> None:
    permitted = [rule.split(" -> ") for rule in CONTRACTS[package].get("ignore_imports", ())]
    assert {source for source, _ in permitted} <= {f"{package}.**"}
    assert {target.removesuffix(".**") for _, target in permitted} == TABLE[package]
    assert CONTRACTS[package]["forbidden_modules"] == ["*"]


def test_every_package_has_its_contract() -> None:
    packages = set(LINTER["root_packages"])
    assert packages == {*CONTRACTS, "tests"}
    assert packages == set(SETTINGS["mypy"]["packages"])
    assert packages == set(SETTINGS["ruff"]["lint"]["isort"]["known-first-party"])


@pytest.mark.parametrize(
    ("path", "package"), OUTSIDE_PACKAGES.items(), ids=lambda value: str(value).removeprefix(f"{ROOT}/")
)
def test_a_model_file_imports_what_the_table_says(path: Path, package: str) -> None:
    nodes = ast.walk(ast.parse(path.read_text()))
    modules = {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module}
    ours = {module.partition(".")[0] for module in modules} & set(LINTER["root_packages"])
    assert ours
    assert ours <= {*TABLE[package], package}
