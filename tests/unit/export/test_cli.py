from pathlib import Path

import pytest
from rich.progress import Progress
from typer.testing import CliRunner

from export import cli
from export.catalogue import NETS
from export.exporter import export
from export.paths import Paths, user_cache
from tests.unit.export.conftest import MakeNet
from tests.unit.export.package_index import PackageIndex

RUNNER = CliRunner(env={"COLUMNS": "200"})


@pytest.fixture
def _toy_catalogue(make_net: MakeNet, paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli, "NETS", (make_net("multiply"),))
    monkeypatch.setattr(cli, "EXTRAS", ())
    monkeypatch.setattr(cli, "SERVICES", ("toy",))
    monkeypatch.setattr(cli, "PROJECT", paths.root)
    monkeypatch.setattr(cli, "user_cache", lambda: paths.cache)


@pytest.mark.usefixtures("_toy_catalogue")
def test_export_and_again() -> None:
    first = RUNNER.invoke(cli.app, ["toy"])
    assert (first.exit_code, first.stderr.splitlines()[-1]) == (0, "1 ready, 1 of them made now.")
    again = RUNNER.invoke(cli.app, [])
    assert (again.exit_code, again.stderr) == (0, "1 ready, nothing to do.\n")


@pytest.mark.usefixtures("_toy_catalogue")
def test_an_error_is_one_last_line_and_a_status(index: PackageIndex) -> None:
    index.close()
    result = RUNNER.invoke(cli.app, ["toy"])
    assert result.exit_code == 3
    assert result.stderr.splitlines()[-1].startswith(
        "export: toy 1.0: no answer from the package index; check"
    )


@pytest.mark.usefixtures("_toy_catalogue")
def test_an_error_of_the_file_system_is_one_line_too(paths: Paths) -> None:
    paths.cache.write_text("a file where a folder should be")
    result = RUNNER.invoke(cli.app, ["toy"])
    assert result.exit_code == 1
    assert str(paths.cache) in result.stderr.splitlines()[-1]


@pytest.mark.usefixtures("_toy_catalogue")
def test_interruption(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*arguments: object, **options: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "export", interrupt)
    result = RUNNER.invoke(cli.app, ["toy"])
    assert result.exit_code == 130
    assert "nothing half-made" in result.stderr


@pytest.mark.usefixtures("_toy_catalogue")
def test_the_list_tells_states(make_net: MakeNet, paths: Paths, progress: Progress) -> None:
    assert "absent" in RUNNER.invoke(cli.app, ["--list"]).stdout
    export([make_net("multiply")], [], paths, progress)
    shown = RUNNER.invoke(cli.app, ["--list"])
    assert shown.exit_code == 0
    for cell in ("toy_net", "toy 1.0", "0.0", "MIT", "ready"):
        assert cell in shown.stdout


def test_the_list_of_the_real_catalogue_exports_nothing(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli, "PROJECT", paths.root)
    shown = RUNNER.invoke(cli.app, ["--list", *cli.SERVICES, "samples"])
    assert shown.exit_code == 0
    for cell in (*(net.name for net in NETS), "UNKNOWN", "Apache-2.0", "astronaut.png", "absent"):
        assert cell in shown.stdout
    assert not (paths.root / "model_repository").exists()


def test_an_unknown_service_is_wrong_usage() -> None:
    result = RUNNER.invoke(cli.app, ["image_clasification"])
    assert result.exit_code == 2
    assert "image_clasification" in result.stderr
    assert "ocr" in result.stderr


@pytest.mark.parametrize(
    ("setting", "expected"), [("/somewhere", "/somewhere"), ("", "~/.cache"), ("relative", "~/.cache")]
)
def test_the_cache_follows_xdg(monkeypatch: pytest.MonkeyPatch, setting: str, expected: str) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", setting)
    assert user_cache() == Path(expected).expanduser() / "modelhub"
