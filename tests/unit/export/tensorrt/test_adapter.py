"""TensorRT is touched in one module, when it is asked for; everything else runs without it."""

import subprocess
import sys

import pytest

from embedded.paths import ROOT
from export.recipe import exporter_modules
from export.tensorrt import adapter
from export.tensorrt.errors import NoBuilder
from tests.commands import assert_runs_on_the_containers_python

ROOMS = ("vision", "backends", "gateway", "export", "embedded", "client", "demo", "bench")
FOREIGN = ("import tensorrt", "from tensorrt", "import cuda", "from cuda")


def test_no_other_module_names_tensorrts_own() -> None:
    named = {
        path.relative_to(ROOT).as_posix()
        for room in ROOMS
        for path in (ROOT / room).rglob("*.py")
        if any(one in path.read_text() for one in FOREIGN)
    }
    assert named <= {"export/tensorrt/adapter.py"}


def test_importing_the_package_imports_neither_tensorrt_nor_cuda() -> None:
    code = (
        "import sys, export.tensorrt.__main__ as main, export.tensorrt.check\n"
        "rooms = {name.partition('.')[0] for name in sys.modules}\n"
        "print(rooms & {'tensorrt', 'tensorrt_rtx', 'cuda'})"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_without_tensorrt_one_line_says_where_to_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorrt", None)
    with pytest.raises(NoBuilder, match=r"tensorrt cannot be imported .*docs/tensorrt.md") as caught:
        adapter.tensorrt()
    assert "\n" not in str(caught.value)


def test_what_the_container_imports_runs_on_its_python() -> None:
    modules = exporter_modules(("export.tensorrt.__main__", "export.tensorrt.check"))
    assert "export.tensorrt.building" in modules
    assert "export.placing" in modules
    assert_runs_on_the_containers_python(list(modules.values()))
