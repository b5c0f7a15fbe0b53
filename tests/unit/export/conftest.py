import hashlib
import io
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from rich.console import Console
from rich.progress import Progress

from export import http_download
from export.environment import STAMP
from export.exporter import export
from export.fetch import cached_path
from export.hashing import file_sha256
from export.paths import Paths
from export.progress import console_progress
from export.sources import File, Net, Package
from tests.unit.export.file_server import FileServer
from tests.unit.export.package_index import PackageIndex
from vision.manifest import Profile

FACTOR = b"3.0"
FACTOR_PATH = "toy/models/factor.txt"

TOY_FILE = File(Package("toy", "1.0"), FACTOR_PATH, hashlib.sha256(FACTOR).hexdigest(), len(FACTOR), "MIT")

MakeNet = Callable[[str], Net]


@pytest.fixture
def index(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[PackageIndex]:
    """A package index that pip and uv ask, whatever this machine's own settings are."""
    for name in list(os.environ):
        if name.upper().startswith(("PIP_", "UV_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    with PackageIndex() as running:
        monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
        monkeypatch.setenv("PIP_INDEX_URL", running.url)
        monkeypatch.setenv("UV_NO_CONFIG", "1")
        monkeypatch.setenv("UV_DEFAULT_INDEX", running.url)
        monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
        yield running


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[FileServer]:
    """A publisher's site, asked directly whatever this machine's own proxy is."""
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setattr(http_download, "PAUSE_S", 0.001)
    with FileServer(b"") as running:
        yield running


@pytest.fixture
def toy_file(index: PackageIndex) -> File:
    """A source file of a wheel that the index offers."""
    index.add("toy", "1.0", {FACTOR_PATH: FACTOR, "toy/models/ballast.bin": os.urandom(200_000)})
    return TOY_FILE


@pytest.fixture
def make_net(toy_file: File) -> MakeNet:
    """Rows for nets of the toy file, by the name of their converter in `tests/unit/export/toy.py`."""
    return toy_net


def toy_net(converter: str) -> Net:
    return Net("toy_net", "toy", Profile.LITE, f"tests.unit.export.toy:{converter}", (TOY_FILE,))


def project_in(folder: Path) -> Paths:
    """Make a project whose environments of conversions are the one that runs the tests."""
    paths = Paths(root=folder / "project", cache=folder / "cache")
    paths.requirements.parent.mkdir(parents=True)
    for environment, lock in (
        (paths.environment, paths.requirements),
        (paths.training_environment, paths.training_requirements),
    ):
        lock.write_text(f"# {environment.name}\n")
        python = environment / "bin" / "python"
        python.parent.mkdir(parents=True)
        python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
        python.chmod(0o755)
        (environment / STAMP).write_text(file_sha256(lock))
    return paths


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    """A project and a cache that hold nothing yet."""
    return project_in(tmp_path)


@pytest.fixture
def fetched(paths: Paths) -> None:
    """The toy file is in the cache: pip takes longer than a conversion."""
    put_into(paths.cache)


def put_into(cache: Path) -> None:
    place = cached_path(TOY_FILE, cache)
    place.parent.mkdir(parents=True)
    place.write_bytes(FACTOR)


@pytest.fixture(scope="session")
def exported_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which `multiply` has been exported."""
    folder = tmp_path_factory.mktemp("exported")
    paths = project_in(folder)
    put_into(paths.cache)
    export([toy_net("multiply")], [], paths, Progress(disable=True))
    return folder


@pytest.fixture
def exported(exported_once: Path, paths: Paths, tmp_path: Path) -> Net:
    """The net `multiply`, which stands in the project."""
    shutil.copytree(exported_once, tmp_path, dirs_exist_ok=True)
    return toy_net("multiply")


@pytest.fixture
def screen() -> io.StringIO:
    """What the user sees."""
    return io.StringIO()


@pytest.fixture
def progress(screen: io.StringIO) -> Progress:
    return console_progress(Console(file=screen, width=200))
