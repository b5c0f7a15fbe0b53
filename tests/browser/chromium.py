"""A Chromium for the tests: one that is installed, or Debian's, unpacked into the user's cache.

Unpacked, nothing of the machine is changed, and nobody needs to be root: apt finds and fetches the package
and what it needs that is not installed, dpkg unpacks it. `python -m tests.browser.chromium` prints where.
"""

import os
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from filelock import FileLock

from export.paths import PROJECT, user_cache

VARIABLE = "MODELHUB_CHROMIUM"
"""Names a Chromium to take instead."""
INSTALLED = ("chromium", "chromium-headless-shell", "google-chrome", "chromium-browser")
PACKAGE = "chromium-headless-shell"
FONTS = (PROJECT / "weights" / "fonts", Path("/usr/share/fonts"))
TIMEOUT_S = 420


class NoBrowserError(RuntimeError):
    """There is no Chromium, and none could be fetched; says why."""


@dataclass(frozen=True)
class Chromium:
    """A browser, and what its environment has to have beside ours."""

    executable: Path
    environment: dict[str, str] = field(default_factory=dict)


def chromium() -> Chromium:
    """Return a Chromium; fetches one if there is none. Raises NoBrowserError."""
    named = os.environ.get(VARIABLE) or next(filter(None, map(shutil.which, INSTALLED)), None)
    if named:
        return Chromium(Path(named))
    folder = user_cache() / PACKAGE
    with FileLock(folder.with_suffix(".lock")):
        if not folder.is_dir():
            _fetch(folder)
    return _unpacked(folder)


def _unpacked(folder: Path) -> Chromium:
    found = [path for root in ("lib", "usr/lib") for path in folder.glob(f"{root}/**/*.so*")]
    libraries = sorted({str(path.parent) for path in found})
    return Chromium(folder / "usr" / "lib" / "chromium" / PACKAGE, {"LD_LIBRARY_PATH": ":".join(libraries)})


def _fetch(folder: Path) -> None:
    if not shutil.which("apt-get") or not shutil.which("dpkg"):
        raise NoBrowserError(f"no Chromium: set {VARIABLE}, or install one")
    temporary = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(temporary, ignore_errors=True)
    archives, lists = temporary / "archives", temporary / "lists"
    for needed in (archives / "partial", lists / "partial"):
        needed.mkdir(parents=True)
    own = (f"-oDir::Cache::archives={archives}", "-oDebug::NoLocking=true", "-oAPT::Sandbox::User=")
    fetch = (*own, "--yes", "--no-install-recommends", "--download-only", "install", PACKAGE)
    if not _succeeds("apt-get", *fetch):  # what it knows of packages may be old, or nothing
        fresh = f"-oDir::State::lists={lists}"
        _run("apt-get", *own, fresh, "update")
        _run("apt-get", fresh, *fetch)
    unpacked = temporary / "unpacked"
    unpacked.mkdir()
    for package in sorted(archives.glob("*.deb")):
        _run("dpkg", "--extract", str(package), str(unpacked))
    unpacked.rename(folder)
    shutil.rmtree(temporary)


def _succeeds(*command: str) -> bool:
    try:
        _run(*command)
    except NoBrowserError:
        return False
    return True


def _run(*command: str) -> None:
    try:
        done = subprocess.run(
            command,
            env=os.environ | {"LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise NoBrowserError(f"no Chromium: {command[0]} takes more than {TIMEOUT_S} s") from None
    if done.returncode != 0:
        raise NoBrowserError(f"no Chromium: {command[0]} failed: {done.stdout[-600:]}")


def fonts_configuration(cache: Path) -> str:
    """Return fontconfig's file: Chinese is legible in screenshots where `make samples` brought its font."""
    folders = "".join(f"<dir>{folder}</dir>" for folder in FONTS)
    return f'<?xml version="1.0"?><fontconfig>{folders}<cachedir>{cache}</cachedir></fontconfig>'


if __name__ == "__main__":
    print(chromium().executable)  # noqa: T201 - what it is for
