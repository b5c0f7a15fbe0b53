"""The command: which nets are meant, what goes on after a failure, exit statuses."""

import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from typer.testing import CliRunner

from export.progress import Update
from export.tensorrt import __main__ as command
from export.tensorrt import adapter
from export.tensorrt.errors import RefusedGraph
from export.tensorrt.plan import ProfileShapes
from tests.unit.export.tensorrt.project import NET, SERVICE, FakeBuilder, make_project, toy_graph


@pytest.fixture
def builder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeBuilder:
    """The command works in a toy project, with a builder that needs no GPU."""
    builder = FakeBuilder()
    make_project(tmp_path, toy_graph())
    monkeypatch.setattr(command, "PROJECT", tmp_path)
    monkeypatch.setattr(adapter, "tensorrt", lambda: builder)
    return builder


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(command.app, arguments)
    return result.exit_code, result.output


@pytest.mark.parametrize("target", [[], [NET], [SERVICE]])
def test_a_net_is_named_by_itself_or_by_its_service(builder: FakeBuilder, target: list[str]) -> None:
    assert run("check")[0] == 7
    status, output = run("build", *target)
    assert (status, builder.built) == (0, [NET])
    assert f"{NET}: built" in output
    assert run("build", *target)[1].count(f"{NET}: ready") == 1
    assert run("check")[0] == 0


def test_an_unknown_target_is_wrong_usage(builder: FakeBuilder) -> None:
    status, output = run("build", "foreground")
    assert status == 2
    assert "foreground: not one of" in output
    assert builder.built == []


def test_the_others_are_built_where_one_is_refused(
    builder: FakeBuilder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository = tmp_path / "model_repository"
    refused = repository / "foreground_segmentation_early_net"
    refused.mkdir()
    for name in ("config.pbtxt", "configs", "1"):
        (refused / name).symlink_to(repository / NET / name)

    class Choosy(FakeBuilder):
        def build(self, net: str, model: bytes, profiles: Sequence[ProfileShapes], update: Update) -> bytes:
            if net == refused.name:
                raise RefusedGraph(f"{net}: refused", ("Unheard: no such operator",))
            return super().build(net, model, profiles, update)

    monkeypatch.setattr(adapter, "tensorrt", Choosy)
    status, output = run("build")
    assert status == RefusedGraph.exit_status == 5
    assert "Unheard: no such operator\ntensorrt: foreground_segmentation_early_net: refused" in output
    assert f"{NET}: built" in output


def test_without_tensorrt_the_status_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_project(tmp_path, toy_graph())
    monkeypatch.setattr(command, "PROJECT", tmp_path)
    monkeypatch.setitem(sys.modules, "tensorrt", None)
    status, output = run("build")
    assert status == 3
    assert "docs/tensorrt.md" in output


def test_configs_are_written_once(builder: FakeBuilder, tmp_path: Path) -> None:
    config = tmp_path / "model_repository" / NET / "configs" / "tensorrt.pbtxt"
    written = config.read_text()
    config.unlink()
    assert run("configs") == (0, f"lite: 1 changed {NET}\nfull: 0 changed\n")
    assert config.read_text() == written
    assert run("configs") == (0, "lite: 0 changed\nfull: 0 changed\n")
