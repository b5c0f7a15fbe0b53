"""What a config name would serve, before Triton is asked to."""

from pathlib import Path

import msgspec
import pytest
from rich.console import Console

from export.progress import console_progress
from export.tensorrt.building import Planner
from export.tensorrt.check import check_config_name
from export.tensorrt.errors import NotServable
from export.tensorrt.plan import Precision, dump_record, load_record
from tests.unit.export.tensorrt.project import NET, FakeBuilder, make_project, put_graph, toy_graph


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository of one net whose plan is in place."""
    paths = make_project(tmp_path, toy_graph())
    progress = console_progress(Console(quiet=True))
    Planner(paths, FakeBuilder(), Precision.FP32, progress).build(NET)
    return tmp_path / "model_repository"


def fault(repository: Path, name: str = "tensorrt") -> str:
    with pytest.raises(NotServable) as caught:
        check_config_name(repository, name)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_status == 7
    return str(caught.value)


def test_a_plan_in_place_is_servable(repository: Path) -> None:
    check_config_name(repository, "tensorrt")


def test_a_mistyped_name_is_told_with_those_that_exist(repository: Path) -> None:
    message = fault(repository, "tensort")
    assert f"--model-config-name=tensort: {NET} has no config of that name" in message
    assert "names that exist: tensorrt" in message


def test_one_net_without_the_config_is_enough(repository: Path) -> None:
    other = repository / "second_net"
    other.mkdir()
    (other / "config.pbtxt").write_text('name: "second_net"')
    assert "second_net has no config of that name" in fault(repository)


def test_an_absent_plan(repository: Path) -> None:
    (repository / NET / "1" / "model.plan").unlink()
    assert f"no plan: {NET}; run `python -m export.tensorrt build`" in fault(repository)


def test_an_absent_record(repository: Path) -> None:
    (repository / NET / "1" / "plan.json").unlink()
    assert "no plan" in fault(repository)


def test_a_graph_that_was_exported_anew(repository: Path) -> None:
    put_graph(repository.parent, toy_graph(2.0))
    assert f"a plan of another graph: {NET}" in fault(repository)


def test_a_plan_that_was_cut(repository: Path) -> None:
    plan = repository / NET / "1" / "model.plan"
    content = plan.read_bytes()
    plan.unlink()
    plan.write_bytes(content[:-10])
    assert "a damaged plan" in fault(repository)


def test_a_plan_of_the_wrong_builder(repository: Path) -> None:
    path = repository / NET / "1" / "plan.json"
    record = load_record(path)
    assert record is not None
    identity = msgspec.structs.replace(record.identity, builder="tensorrt_rtx")
    path.unlink()
    path.write_bytes(dump_record(msgspec.structs.replace(record, identity=identity)))
    assert "a plan of tensorrt_rtx, which Triton cannot load" in fault(repository)


def test_a_net_that_onnx_runtime_serves_needs_no_plan(repository: Path) -> None:
    folder = repository / NET
    config = folder / "configs" / "tensorrt.pbtxt"
    config.write_text(config.read_text().replace('backend: "tensorrt"', 'backend: "onnxruntime"'))
    (folder / "1" / "model.plan").unlink()
    check_config_name(repository, "tensorrt")
    (folder / "1" / "model.onnx").unlink()
    assert "no model.onnx" in fault(repository)


def test_an_empty_repository_serves_nothing(tmp_path: Path) -> None:
    assert "there is no net" in fault(tmp_path)
