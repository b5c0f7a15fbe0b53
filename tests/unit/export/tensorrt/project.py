"""A project of one service with a net of a few nodes, and a builder whose plans run on a CPU."""

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from export.paths import PROJECT, Paths
from export.progress import Update
from export.tensorrt.configs import write_configs
from export.tensorrt.gate import Run
from export.tensorrt.plan import ProfileShapes
from vision.manifest import Manifest, Profile, Source, dump_manifest
from vision.tensors import Tensors

NET = "foreground_segmentation_net"
SERVICE = "foreground_segmentation"


def toy_graph(factor: float = 1.0) -> bytes:
    """`pixels` uint8 [n, 256, 256, 3] to `alpha`, the mean of a pixel's colours, times `factor`/255."""
    nodes = [
        helper.make_node("Cast", ["pixels"], ["wide"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["wide"], ["mean"], axes=[3], keepdims=0),
        helper.make_node("Mul", ["mean", "scale"], ["alpha"]),
    ]
    graph = helper.make_graph(
        nodes,
        "toy",
        [helper.make_tensor_value_info("pixels", TensorProto.UINT8, ["batch", 256, 256, 3])],
        [helper.make_tensor_value_info("alpha", TensorProto.FLOAT, ["batch", 256, 256])],
        [numpy_helper.from_array(np.array(factor / 255, np.float32), "scale")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return model.SerializeToString()


def unsupported_graph() -> bytes:
    """The same tensors, through an operator that no TensorRT knows."""
    model = onnx.load_from_string(toy_graph())
    model.graph.node[1].CopyFrom(
        helper.make_node("Unheard", ["wide"], ["mean"], domain="com.example", name="unheard")
    )
    return model.SerializeToString()


def make_project(root: Path, graph: bytes) -> Paths:
    """Fill `root` with the service's steps, its net made of `graph`, and two sample pictures."""
    repository = root / "model_repository"
    for name in (SERVICE, f"{SERVICE}_preprocess", f"{SERVICE}_postprocess", NET):
        shutil.copytree(
            PROJECT / "model_repository" / name,
            repository / name,
            ignore=shutil.ignore_patterns(
                "model.onnx", "manifest.json", "model.plan", "plan.json", "configs"
            ),
        )
    put_graph(root, graph)
    write_configs(repository, Profile.LITE)
    samples = root / "weights" / "samples"
    samples.mkdir(parents=True)
    random = np.random.default_rng(0)
    for index in range(2):
        Image.fromarray(random.integers(0, 256, (40, 60, 3), np.uint8)).save(samples / f"{index}.png")
    return Paths(root=root, cache=root / "cache")


def put_graph(root: Path, graph: bytes) -> None:
    """Export the net anew, as the exporter would."""
    folder = root / "model_repository" / NET / "1"
    folder.mkdir(exist_ok=True)
    (folder / "model.onnx").write_bytes(graph)
    manifest = Manifest(
        net=NET,
        profile="lite",
        sources=(Source("toy", "1", "toy", "0" * 64, "MIT"),),
        onnx_sha256="0" * 64,
        opset=17,
        recipe="0" * 64,
        settings={"size": 256, "threshold": 0.5},
    )
    (folder / "manifest.json").write_bytes(dump_manifest(manifest))


def run_on_cpu(model: bytes) -> Run:
    session = ort.InferenceSession(model, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return lambda tensors: dict(zip(names, session.run(names, tensors), strict=True))


class FakeBuilder:
    """Its plans are the ONNX graphs themselves; `spoil` changes what a plan computes."""

    name = "tensorrt"
    version = "10.5.0"
    capability = "8.6"

    def __init__(self, spoil: Callable[[Tensors], Tensors] = lambda outputs: outputs) -> None:
        self.built: list[str] = []
        self._spoil = spoil

    def build(self, net: str, model: bytes, profiles: Sequence[ProfileShapes], update: Update) -> bytes:
        self.built.append(net)
        update(1, 1)
        return json.dumps({"builder": self.name}).encode() + b"\n" + model

    def executor(self, plan: bytes) -> Run:
        run = run_on_cpu(plan.partition(b"\n")[2])
        return lambda tensors: self._spoil(run(tensors))
