from pathlib import Path

import msgspec
import pytest

from export import recipe
from export.catalogue import NETS
from export.paths import Paths
from export.recipe import exporter_modules, net_recipe
from export.sources import Net

NET = NETS[0]


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    paths = Paths(root=tmp_path, cache=tmp_path / "cache")
    paths.requirements.parent.mkdir()
    paths.requirements.write_text("numpy==1\n")
    return paths


def test_it_depends_on_nothing_else(paths: Paths, tmp_path: Path) -> None:
    other = Paths(root=tmp_path / "copy", cache=tmp_path / "other")
    other.requirements.parent.mkdir(parents=True)
    other.requirements.write_bytes(paths.requirements.read_bytes())
    assert net_recipe(NET, paths) == net_recipe(NET, other)


def changed_source(net: Net) -> Net:
    file = msgspec.structs.replace(net.files[0], sha256="0" * 64)
    return msgspec.structs.replace(net, files=(file,))


def changed_base(net: Net) -> Net:
    assert net.base
    return msgspec.structs.replace(net, base=msgspec.structs.replace(net.base, files=net.files))


def test_a_changed_source_changes_it(paths: Paths) -> None:
    assert len({net_recipe(net, paths) for net in (NET, changed_source(NET), changed_base(NET))}) == 3


def test_a_changed_lock_changes_it(paths: Paths) -> None:
    before = net_recipe(NET, paths)
    paths.requirements.write_text("numpy==2\n")
    assert net_recipe(NET, paths) != before


def test_it_covers_the_converter_and_what_it_uses_of_the_exporter() -> None:
    modules = exporter_modules(("export.convert.classification", "export.convert.__main__"))
    assert {"export.conversion", "export.checks", "export.job", "export.convert.classification"} <= set(
        modules
    )
    assert not [name for name in modules if not name.startswith("export.")]
    assert "export.cli" not in modules


def test_a_changed_module_changes_it(paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "export" / "convert"
    package.mkdir(parents=True)
    (package / "classification.py").write_text("from export import graph\n")
    helper = tmp_path / "export" / "graph.py"
    helper.write_text("ONE = 1\n")
    monkeypatch.setattr(recipe, "PROJECT", tmp_path)
    before = net_recipe(NET, paths)
    helper.write_text("ONE = 2\n")
    assert net_recipe(NET, paths) != before
