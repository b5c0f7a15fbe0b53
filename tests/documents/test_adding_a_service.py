"""The page that says how a service is added: what it shows is written into a copy of the project."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper
from PIL import Image

from embedded.paths import ROOT
from embedded.settings import settings_environment
from tests.conftest import free_settings
from vision.manifest import MANIFEST_FILE, ONNX_FILE, Manifest, dump_manifest

PAGE = (ROOT / "docs" / "adding-a-service.md").read_text()
SHOWN = re.compile(r"^`([\w/.]+)`:\n\n<!-- checked: [^\n]* -->\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)
"""A file on the page: its path, and all of it."""
LEFT_OUT = (".*", "weights", "run", "out", "trained", "__pycache__", ONNX_FILE, MANIFEST_FILE)
SIDE = 64
BARS = {"places": 10, "files to answer": 12}

ASK = """
import json, os
from pathlib import Path

import httpx

from gateway.settings import Settings
from modelhub import ModelHub
from modelhub.results.mean_colour import MeanColour

url, grpc = os.environ["MODELHUB_URL"], f"grpc://{Settings().triton_grpc_url}"
picture = Path("red.png")
with ModelHub(url) as hub, ModelHub(grpc) as straight:
    typed = [one.predict(MeanColour, picture) for one in (hub, straight)]
    answer = hub.answer("mean_colour", picture)
drawn = httpx.post(
    f"{url}/api/predict/mean_colour",
    content=picture.read_bytes(),
    headers={"Accept": "image/png", "Content-Type": "image/png"},
)
told = {
    "answer": answer,
    "typed": [[one.colour.tolist(), one.colour_name] for one in typed],
    "drawn": drawn.headers["content-type"],
    "title": httpx.get(f"{url}/page/facts.json").json()["services"]["mean_colour"]["title"],
    "schema": httpx.get(f"{url}/openapi.json").json()["components"]["schemas"]["MeanColourAnswer"],
}
Path("told.json").write_text(json.dumps(told))
"""


@pytest.fixture(scope="module")
def launcher(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project with the page's service in it, which tests start; the name marks them as slow."""
    copy = tmp_path_factory.mktemp("eleventh") / "project"
    shutil.copytree(ROOT, copy, symlinks=True, ignore=shutil.ignore_patterns(*LEFT_OUT))
    for path, content in SHOWN.findall(PAGE):
        (copy / path).parent.mkdir(parents=True, exist_ok=True)
        (copy / path).write_text(content)
    (copy / "model_repository" / "mean_colour" / "1").mkdir()
    (copy / "model_repository" / "mean_colour" / "1" / ".gitkeep").touch()
    _put_net(copy / "model_repository" / "mean_colour_net" / "1")
    # The launcher makes the copy's root importable, but not its `client/`: that is installed.
    (copy / "modelhub").symlink_to("client/modelhub")
    _register(copy / "client" / "modelhub" / "results" / "__init__.py")
    return copy


def _put_net(folder: Path) -> None:
    """Write the net that averages, and its manifest, as the exporter does."""
    nodes = [
        helper.make_node("Cast", ["pixels"], ["numbers"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["numbers"], ["mean"], axes=[1, 2], keepdims=0),
    ]
    pixels = helper.make_tensor_value_info("pixels", TensorProto.UINT8, ["n", SIDE, SIDE, 3])
    mean = helper.make_tensor_value_info("mean", TensorProto.FLOAT, ["n", 3])
    graph = helper.make_graph(nodes, "mean", [pixels], [mean])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    folder.mkdir(parents=True)
    onnx.save(model, folder / ONNX_FILE)
    manifest = Manifest(
        net="mean_colour_net",
        profile="lite",
        sources=(),
        onnx_sha256=hashlib.sha256((folder / ONNX_FILE).read_bytes()).hexdigest(),
        opset=13,
        recipe="",
        labels=("red", "green", "blue"),
        settings={"size": SIDE},
    )
    (folder / MANIFEST_FILE).write_bytes(dump_manifest(manifest))


def _register(module: Path) -> None:
    """Import the class and put it into `RESULTS`, as the page says."""
    text = module.read_text()
    for before, after in (
        ("\n\n__all__ = [", "\nfrom modelhub.results.mean_colour import MeanColour\n\n__all__ = ["),
        ("            Ocr,\n", "            Ocr,\n            MeanColour,\n"),
    ):
        assert text.count(before) == 1
        text = text.replace(before, after)
    module.write_text(text)


def run_in(copy: Path, *command: str) -> str:
    """Return what a command of Python prints that runs in the copy, and only there."""
    paths = f"{copy}{os.pathsep}{copy / 'client'}"
    environment = {**os.environ, **settings_environment(free_settings()), "PYTHONPATH": paths}
    done = subprocess.run(
        [sys.executable, *command],
        cwd=copy,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_service_of_the_page_answers(launcher: Path) -> None:
    Image.new("RGB", (90, 70), (200, 40, 10)).save(launcher / "red.png")
    serving = ["-m", "embedded", "run", "--services", "mean_colour", "--"]
    run_in(launcher, *serving, sys.executable, "-c", ASK)
    told = json.loads((launcher / "told.json").read_text())
    assert list(told["answer"]) == ["request_id", "success", "colour", "colour_name"]
    assert (told["answer"]["colour"], told["answer"]["colour_name"]) == ([200, 40, 10], "red")
    assert told["typed"] == [[[200, 40, 10], "red"]] * 2
    assert told["drawn"] == "image/png"
    assert told["title"] == {"en": "Which colour is it?", "zh": "平均颜色"}
    colour = told["schema"]["properties"]["colour"]
    assert (colour["items"]["maximum"], colour["minItems"], colour["maxItems"]) == (255, 3, 3)
    assert colour["description"] == "Mean red, green and blue."


def test_its_configs_and_fields_pass_the_tests_of_every_service(launcher: Path) -> None:
    files = ["tests/repository/test_configs.py", "tests/unit/client/test_tensors.py"]
    options = ["-q", "-p", "no:cacheprovider", "-k", "mean_colour"]
    assert re.search(r"\d\d passed", run_in(launcher, "-m", "pytest", *options, *files))


def test_the_page_counts_the_places_and_the_files() -> None:
    places = re.findall(r"^\| (\d+) \| ", PAGE, re.MULTILINE)
    assert [int(number) for number in places] == list(range(1, BARS["places"] + 1))
    files = [path for path, _ in SHOWN.findall(PAGE)]
    others = ["export/convert/", "export/lite_nets.py", "client/modelhub/results/__init__.py", ".gitkeep"]
    assert len(files) + len(others) == BARS["files to answer"]
    assert all(f"`{path}`" in PAGE for path in others)
