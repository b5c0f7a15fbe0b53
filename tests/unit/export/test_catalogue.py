import ast
import re

import pytest

from export.catalogue import EXTRAS, NETS, File, Net
from export.paths import PROJECT

FILES = [file for net in NETS for file in net.files] + [extra.file for extra in EXTRAS]


def test_names_are_unique() -> None:
    assert len({net.name for net in NETS}) == len(NETS)
    assert len({(extra.folder, extra.file.name) for extra in EXTRAS}) == len(EXTRAS)


def test_one_release_of_a_package_is_enough() -> None:
    packages = {file.package for file in FILES}
    assert len({package.name for package in packages}) == len(packages)


@pytest.mark.parametrize("net", NETS, ids=lambda net: net.name)
def test_a_net_is_named_after_its_service_and_has_a_converter(net: Net) -> None:
    assert re.fullmatch(rf"{net.service}_([a-z]+_)?net", net.name)
    module, function = net.converter.split(":")
    tree = ast.parse(PROJECT.joinpath(*module.split(".")).with_suffix(".py").read_bytes())
    assert function in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_a_file_is_pinned(file: File) -> None:
    assert re.fullmatch("[0-9a-f]{64}", file.sha256)
    assert file.size > 0
    assert file.licence
    assert file.source().file == file.path
