"""Commands that run in a checkout: where they find it, what they run there, what they say elsewhere."""

import os
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from embedded.paths import ROOT
from gateway.settings import Settings
from modelhub.command import app, checkout
from modelhub.command.common import DEFAULT_URL
from vision.manifest import Profile

Ran = tuple[Path, list[str]]


class Became(Exception):  # noqa: N818 - the process is another one now
    def __init__(self, root: Path, command: list[str]) -> None:
        super().__init__(command)
        self.ran = (root, command)


@pytest.fixture(autouse=True)
def _caught(monkeypatch: pytest.MonkeyPatch) -> None:
    def become(name: str, command: list[str], environment: dict[str, str]) -> None:
        assert name == command[0]
        assert "PATH" in environment
        raise Became(Path.cwd(), command)

    monkeypatch.setattr(os, "execvpe", become)
    monkeypatch.delenv("MODELHUB_PROFILE", raising=False)


def invoked(*words: str) -> Result:
    return CliRunner().invoke(app, words)


def ran(*words: str) -> Ran:
    exception = invoked(*words).exception
    assert isinstance(exception, Became), exception
    return exception.ran


def a_checkout(folder: Path) -> Path:
    for mark in checkout.MARKS:
        path = folder / mark
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return folder


def test_this_project_is_a_checkout() -> None:
    assert checkout.find_checkout([ROOT / "client" / "modelhub"]) == ROOT


def test_the_checkout_one_stands_in_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    below = a_checkout(tmp_path / "theirs") / "docs"
    below.mkdir()
    monkeypatch.chdir(below)
    assert ran("up")[0] == tmp_path / "theirs"
    monkeypatch.chdir(tmp_path)
    assert ran("up")[0] == ROOT  # where this package is installed from


@pytest.mark.parametrize(
    ("words", "command"),
    [
        (("up",), ["up", "PROFILE=lite"]),
        (("up", "--detach", "--profile", "full"), ["up", "PROFILE=full", "DETACH=1"]),
        (("down",), ["down"]),
        (("export",), ["export", "PROFILE=lite"]),
    ],
)
def test_the_targets_of_the_makefile_are_run(words: tuple[str, ...], command: list[str]) -> None:
    assert ran(*words) == (ROOT, ["make", "--no-print-directory", *command])
    makefile = (ROOT / "Makefile").read_text()
    assert f"\n{command[0]}:" in makefile
    assert all(f"$({word.partition('=')[0]})" in makefile for word in command[1:])


def test_the_doctor_is_the_environments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root, (python, *words) = ran("doctor", "--json")
    assert (root, words) == (ROOT, ["-m", "embedded.doctor", "--profile", "lite", "--json"])
    assert Path(python).exists()
    monkeypatch.chdir(a_checkout(tmp_path))
    assert Path(ran("doctor")[1][0]).exists()  # without an environment it is the Python that runs this


@pytest.mark.parametrize("name", ["up", "down", "export", "doctor"])
def test_elsewhere_it_is_said_what_to_do(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(checkout, "PACKAGE", tmp_path / "site-packages" / "modelhub")
    result = invoked(name)
    assert result.exit_code == 2
    assert "git clone it" in result.stderr


def test_without_make_it_is_said_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    result = invoked("up")
    assert result.exit_code == 2
    assert "apt-get install make" in result.stderr


def test_profiles_and_the_default_address_are_the_servers() -> None:
    assert [one.value for one in checkout.Profile] == [one.value for one in Profile]
    fields = Settings.model_fields
    assert f"http://{fields['host'].default}:{fields['port'].default}" == DEFAULT_URL
