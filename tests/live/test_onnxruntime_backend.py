"""Our `onnxruntime` backend under a real Triton, with nets made here: what configs can tell, it keeps."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper
from tritonclient.utils import InferenceServerException

from embedded.errors import ModelFailed
from embedded.repository import Scope
from embedded.system import System
from tests.conftest import free_settings
from tests.live.triton import infer_grpc

CONFIG = """
name: "{name}" backend: "onnxruntime" max_batch_size: {max_batch_size}
input [ {{ name: "x" data_type: TYPE_{dtype} dims: [ {dims} ] }} ]
output [ {{ name: "y" data_type: TYPE_{dtype} dims: [ {dims} ] }} ]
instance_group [ {{ kind: KIND_CPU count: {count} }} ]
{more}
"""
BATCHING = "dynamic_batching { max_queue_delay_microseconds: 100000 }"


def picker() -> onnx.ModelProto:
    """A net that reads its own values as indices: one out of range fails the whole batch that it is in."""
    graph = helper.make_graph(
        [
            helper.make_node("Cast", ["x"], ["index"], to=TensorProto.INT64),
            helper.make_node("GatherElements", ["x", "index"], ["y"], axis=1),
        ],
        "picker",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 3])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 3])],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def doubler(shape: list[str | int], dtype: int = TensorProto.FLOAT) -> onnx.ModelProto:
    graph = helper.make_graph(
        [helper.make_node("Add", ["x", "x"], ["y"])],
        "doubler",
        [helper.make_tensor_value_info("x", dtype, shape)],
        [helper.make_tensor_value_info("y", dtype, shape)],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def add_model(repository: Path, name: str, model: onnx.ModelProto, **config: object) -> None:
    defaults = {"max_batch_size": 4, "dtype": "FP32", "dims": "3", "count": 1, "more": BATCHING}
    folder = repository / name / "1"
    folder.mkdir(parents=True)
    onnx.save(model, folder / "model.onnx")
    text = CONFIG.format(name=name, **{**defaults, **config})
    (repository / name / "config.pbtxt").write_text(text)


@pytest.fixture(scope="module")
def backend(launcher: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    repository = tmp_path_factory.mktemp("repository")
    add_model(repository, "double", doubler(["N", 3]))
    add_model(repository, "double_wide", doubler(["N", "W"]), dims="-1")
    add_model(repository, "double_unbatched", doubler([3]), max_batch_size=0, more="")
    add_model(repository, "double_int", doubler(["N", 3], TensorProto.INT32), dtype="INT32")
    add_model(repository, "pick", picker())
    options = 'parameters { key: "intra_op_thread_count" value { string_value: "3" } }\n' + BATCHING
    add_model(repository, "three_instances", doubler(["N", 3]), count=3, more=options)
    with System(free_settings(), Scope(repository), tmp_path_factory.mktemp("run")) as system:
        system.start_triton(report=lambda line: None)
        yield system


def test_rows_of_many_requests_come_back_to_their_senders(backend: System) -> None:
    def ask(seed: int) -> bool:
        x = np.random.default_rng(seed).random((1 + seed % 3, 3), dtype=np.float32)
        y = infer_grpc(backend.settings.triton_grpc_url, "double", {"x": x})["y"]
        return bool((y == 2 * x).all())

    with ThreadPoolExecutor(12) as pool:
        assert all(pool.map(ask, range(60)))


def test_one_bad_request_fails_alone(backend: System) -> None:
    """Indices out of range make ONNX Runtime fail the joint batch; the others must not feel it."""

    def ask(seed: int) -> bool:
        bad = seed % 4 == 0
        x = np.array([[2, 1, 0]], dtype=np.float32) if not bad else np.full((1, 3), 99, dtype=np.float32)
        try:
            y = infer_grpc(backend.settings.triton_grpc_url, "pick", {"x": x})["y"]
        except InferenceServerException as error:
            return bad and "out of range" in str(error).lower()
        return not bad and y.tolist() == [[0, 1, 2]]

    with ThreadPoolExecutor(12) as pool:
        assert all(pool.map(ask, range(48)))


def test_requests_of_different_widths_are_all_answered(backend: System) -> None:
    def ask(width: int) -> bool:
        x = np.random.default_rng(width).random((1, width), dtype=np.float32)
        return bool(
            (infer_grpc(backend.settings.triton_grpc_url, "double_wide", {"x": x})["y"] == 2 * x).all()
        )

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(ask, [1, 5, 5, 9, 2, 5, 9, 1] * 3))


def test_a_model_without_batches_takes_its_own_shape(backend: System) -> None:
    x = np.array([1, 2, 3], dtype=np.float32)
    assert infer_grpc(backend.settings.triton_grpc_url, "double_unbatched", {"x": x})["y"].tolist() == [
        2,
        4,
        6,
    ]


@pytest.mark.parametrize(
    ("model", "x"),
    [
        ("double", np.zeros((1, 3), dtype=np.float64)),
        ("double", np.zeros((1, 4), dtype=np.float32)),
        ("double", np.zeros((5, 3), dtype=np.float32)),
        ("double_int", np.zeros((1, 3), dtype=np.float32)),
    ],
    ids=["double precision", "another width", "more than max_batch_size", "float for int"],
)
def test_another_type_shape_or_batch_is_refused(backend: System, model: str, x: NDArray[Any]) -> None:
    with pytest.raises(InferenceServerException) as caught:
        infer_grpc(backend.settings.triton_grpc_url, model, {"x": x})
    assert caught.value.status() == "StatusCode.INVALID_ARGUMENT"


def test_every_instance_is_a_process(backend: System) -> None:
    (triton,) = backend.processes()
    stubs = [process for process in triton.descendants() if "three_instances" in " ".join(process.cmdline())]
    assert len(stubs) == 3


def test_a_config_that_differs_from_its_graph_fails_the_load(launcher: None, tmp_path: Path) -> None:
    repository = tmp_path / "repository"
    add_model(repository, "wrong_batch", doubler([2, 3]))
    add_model(repository, "wrong_dims", doubler(["N", 3]), dims="4")
    add_model(repository, "wrong_type", doubler(["N", 3]), dtype="FP16")
    reasons = (
        r"wrong_batch: .*input x is \[-1, 3\] in the config, \[2, 3\] in the graph; .*"
        r"wrong_dims: .*input x is \[-1, 4\] in the config, \['N', 3\] in the graph; .*"
        r"wrong_type: .*input x is TYPE_FP16 in the config, tensor.float. in the graph; "
    )
    with (
        System(free_settings(), Scope(repository), tmp_path / "run") as system,
        pytest.raises(ModelFailed, match=reasons),
    ):
        system.start_triton(report=lambda line: None)
