from pathlib import Path

import msgspec
import pytest

from export import recipe
from export.catalogue import NETS
from export.recipe import exporter_modules, recipe_of
from export.sources import Net

NET = NETS[0]


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    path = tmp_path / "export.txt"
    path.write_text("numpy==1\n")
    return path


def test_it_depends_on_nothing_else(lock: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.txt"
    copy.write_bytes(lock.read_bytes())
    assert recipe_of(NET, lock) == recipe_of(NET, copy)


def changed_source(net: Net) -> Net:
    file = msgspec.structs.replace(net.files[0], sha256="0" * 64)
    return msgspec.structs.replace(net, files=(file, *net.files[1:]))


def test_a_changed_source_changes_it(lock: Path) -> None:
    assert recipe_of(changed_source(NET), lock) != recipe_of(NET, lock)


def test_a_changed_lock_changes_it(lock: Path) -> None:
    before = recipe_of(NET, lock)
    lock.write_text("numpy==2\n")
    assert recipe_of(NET, lock) != before


def test_it_covers_the_converter_and_what_it_uses_of_the_exporter() -> None:
    modules = exporter_modules(("export.convert.classification", "export.convert.__main__"))
    assert {"export.conversion", "export.checks", "export.job", "export.convert.classification"} <= set(
        modules
    )
    assert not [name for name in modules if not name.startswith("export.")]
    assert "export.cli" not in modules


def test_a_changed_module_changes_it(lock: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "export" / "convert"
    package.mkdir(parents=True)
    (package / "classification.py").write_text("from export import graph\n")
    helper = tmp_path / "export" / "graph.py"
    helper.write_text("ONE = 1\n")
    monkeypatch.setattr(recipe, "PROJECT", tmp_path)
    before = recipe_of(NET, lock)
    helper.write_text("ONE = 2\n")
    assert recipe_of(NET, lock) != before
