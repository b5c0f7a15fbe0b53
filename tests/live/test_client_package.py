"""The client as callers have it: a wheel, in an environment that has nothing of the checkout."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import uv

from embedded.system import System
from tests.conftest import ROOT

CLIENT = ROOT / "client"
ASK = """
import json, sys
from pathlib import Path
import modelhub
assert Path(modelhub.__file__).is_relative_to(sys.prefix), modelhub.__file__
results = []
for url in sys.argv[2:]:
    with modelhub.ModelHub(url) as hub:
        result = hub.predict("object_detection", Path(sys.argv[1]))
        results.append((result.detection_class_names, result.detection_boxes.tolist()))
ours = {"vision", "gateway", "embedded", "backends", "export", "bench", "demo"} & set(sys.modules)
json.dump([results, sorted(ours)], sys.stdout)
"""

pytestmark = pytest.mark.timeout(600)  # its packages may come from the index


def done(command: list[str | Path], folder: Path) -> str:
    """What a command printed, run where nothing of the checkout is found."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    result = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    done([uv.find_uv_bin(), "build", "--wheel", "--out-dir", folder, CLIENT], folder)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An interpreter that has the wheel, the packages that it names, and nothing else."""
    folder = tmp_path_factory.mktemp("environment")
    done([uv.find_uv_bin(), "venv", "--quiet", "--python", sys.executable, folder / "venv"], folder)
    python = folder / "venv" / "bin" / "python"
    done([uv.find_uv_bin(), "pip", "install", "--quiet", "--python", python, f"{wheel}[triton]"], folder)
    return python


def test_the_wheel_carries_every_file_of_the_package(wheel: Path) -> None:
    files = {str(file.relative_to(CLIENT)) for file in CLIENT.glob("modelhub*/**/*") if file.is_file()}
    files = {name for name in files if "__pycache__" not in name}
    carried = {name for name in zipfile.ZipFile(wheel).namelist() if not name.endswith("/")}
    assert {name for name in carried if ".dist-info/" not in name} == files
    assert "modelhub/py.typed" in files


def test_the_wheel_works_in_an_environment_of_its_own(
    python: Path, system: System, sample_pictures: Path, tmp_path: Path
) -> None:
    assert "predict" in done([python.parent / "modelhub", "--help"], tmp_path)
    urls = [system.gateway_url(), f"grpc://{system.settings.triton_grpc_url}"]
    printed = done([python, "-c", ASK, sample_pictures / "astronaut.png", *urls], tmp_path)
    (over_http, over_grpc), ours = json.loads(printed)
    assert over_http == over_grpc
    assert "person" in over_http[0]
    assert ours == []


def test_without_the_extra_its_lack_is_said(python: Path, tmp_path: Path) -> None:
    code = """
import sys
sys.modules["grpc"] = None
import modelhub
modelhub.ModelHub("http://127.0.0.1:1").close()
try:
    modelhub.ModelHub("grpc://127.0.0.1:1")
except ImportError as error:
    print(error)
"""
    assert "tritonclient[grpc]" in done([python, "-c", code], tmp_path)
