"""Real uv against a package index on loopback."""

import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from rich.progress import Progress

from export.environment import STAMP, ensure_environment
from export.errors import CutDownload, EnvironmentFailed, ExportError, NoNetwork, NotInIndex, WrongHash
from export.paths import Paths
from tests.unit.export.package_index import PackageIndex


@pytest.fixture
def locked(index: PackageIndex, tmp_path: Path) -> Paths:
    """A project whose lock names one package of the index."""
    sha256 = index.add("toy", "1.0", {"toy.py": b"ANSWER = 42\n", "ballast.bin": bytes(200_000)})
    paths = Paths(root=tmp_path / "project", cache=tmp_path / "cache")
    paths.requirements.parent.mkdir(parents=True)
    paths.requirements.write_text(f"toy==1.0 --hash=sha256:{sha256}\n")
    return paths


def test_it_is_built_once(index: PackageIndex, locked: Paths, progress: Progress) -> None:
    python = ensure_environment(locked.environment, locked.requirements, progress)
    answer = subprocess.run([python, "-c", "import toy; print(toy.ANSWER)"], capture_output=True, check=True)
    assert answer.stdout == b"42\n"
    index.close()
    assert ensure_environment(locked.environment, locked.requirements, progress) == python


def test_another_lock_builds_it_anew(index: PackageIndex, locked: Paths, progress: Progress) -> None:
    python = ensure_environment(locked.environment, locked.requirements, progress)
    sha256 = index.add("other", "1.0", {"other.py": b""})
    locked.requirements.write_text(f"other==1.0 --hash=sha256:{sha256}\n")
    ensure_environment(locked.environment, locked.requirements, progress)
    assert subprocess.run([python, "-c", "import other"], check=False).returncode == 0
    assert subprocess.run([python, "-c", "import toy"], check=False, capture_output=True).returncode != 0


def test_one_that_was_left_half_built_is_built_anew(locked: Paths, progress: Progress) -> None:
    python = ensure_environment(locked.environment, locked.requirements, progress)
    (locked.environment / STAMP).unlink()
    next(locked.environment.rglob("toy.py")).unlink()
    ensure_environment(locked.environment, locked.requirements, progress)
    subprocess.run([python, "-c", "import toy"], check=True)


def _cut(index: PackageIndex, paths: Paths) -> None:
    index.cut_after = 100_000


def _close(index: PackageIndex, paths: Paths) -> None:
    index.close()


def _other_hash(index: PackageIndex, paths: Paths) -> None:
    paths.requirements.write_text(f"toy==1.0 --hash=sha256:{'1' * 64}\n")


def _other_version(index: PackageIndex, paths: Paths) -> None:
    paths.requirements.write_text(f"toy==2.0 --hash=sha256:{'1' * 64}\n")


def _unknown_package(index: PackageIndex, paths: Paths) -> None:
    paths.requirements.write_text(f"tay==2.0 --hash=sha256:{'1' * 64}\n")


def _no_hash(index: PackageIndex, paths: Paths) -> None:
    paths.requirements.write_text("toy==1.0\n")


@dataclass(frozen=True)
class Fault:
    error: type[ExportError]
    advice: str
    provoke: Callable[[PackageIndex, Paths], None]


FAULTS = {
    "connection refused": Fault(NoNetwork, "check the network", _close),
    "cut": Fault(CutDownload, "run the export again", _cut),
    "another wheel than locked": Fault(WrongHash, "check uv's index", _other_hash),
    "unknown version": Fault(NotInIndex, "use an index", _other_version),
    "unknown package": Fault(NotInIndex, "use an index", _unknown_package),
    "lock without hashes": Fault(EnvironmentFailed, "mend that", _no_hash),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
def test_faults_are_told_from_each_other(
    index: PackageIndex, locked: Paths, progress: Progress, fault: Fault
) -> None:
    fault.provoke(index, locked)
    with pytest.raises(ExportError, match=re.escape(fault.advice)) as caught:
        ensure_environment(locked.environment, locked.requirements, progress)
    assert type(caught.value) is fault.error
    assert "\n" not in str(caught.value)
    assert not (locked.environment / STAMP).exists()
