import ast
import re

import pytest

from export.catalogue import EXTRAS, NETS
from export.paths import PROJECT
from export.sources import File, Net, Published
from vision.manifest import Profile

FILES = [file for net in NETS for file in net.package_files] + [extra.file for extra in EXTRAS]
PUBLISHED = list(dict.fromkeys(file for net in NETS for file in net.published))
RANDOM_WRITERS = sorted({function for net in NETS for function in net.random_writers.values()})


def test_names_are_unique() -> None:
    assert len({(net.profile, net.name) for net in NETS}) == len(NETS)
    assert len({(extra.folder, extra.file.name) for extra in EXTRAS}) == len(EXTRAS)


def test_one_release_of_a_package_is_enough() -> None:
    packages = {file.package for file in FILES}
    assert len({package.name for package in packages}) == len(packages)


def functions_of(module: str) -> set[str]:
    tree = ast.parse(PROJECT.joinpath(*module.split(".")).with_suffix(".py").read_bytes())
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("net", NETS, ids=lambda net: f"{net.profile.value}-{net.name}")
def test_a_net_is_named_after_its_service_and_has_a_converter(net: Net) -> None:
    assert re.fullmatch(rf"{net.service}_([a-z]+_)?net", net.name)
    for converter in (net.converter, *([net.base.converter] if net.base else [])):
        module, function = converter.split(":")
        assert function in functions_of(module)


def test_both_profiles_serve_the_same_services() -> None:
    services = {profile: {net.service for net in NETS if net.profile is profile} for profile in Profile}
    assert services[Profile.FULL] == services[Profile.LITE]


@pytest.mark.parametrize("name", RANDOM_WRITERS)
def test_what_writes_random_weights_is_there(name: str) -> None:
    module, function = name.split(":")
    assert function in functions_of(module)


@pytest.mark.parametrize("file", PUBLISHED, ids=lambda file: file.name)
def test_a_published_file_is_pinned_or_said_not_to_be(file: Published) -> None:
    assert re.fullmatch("([0-9a-f]{8,64})?", file.sha256)
    assert file.sha256 or "states no hash" in file.remark
    assert file.url.endswith(f"/{file.name}")
    assert file.licence
    assert file.random
    assert file.source("0" * 64).file == file.url


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_a_file_is_pinned(file: File) -> None:
    assert re.fullmatch("[0-9a-f]{64}", file.sha256)
    assert file.size > 0
    assert file.licence
    assert file.source().file == file.path
