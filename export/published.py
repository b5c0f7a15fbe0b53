"""Files from their publishers' sites, carried in by hand or downloaded, and the record of what each was.

Beside each file in the cache stands `NAME.sha256`, as sha256sum writes it: the hash of the first file that
came. A publisher's own hash may be short or absent; from the second time on this one is asked for too.
"""

from collections.abc import Iterable
from pathlib import Path

from filelock import FileLock
from rich.progress import Progress

from export.errors import CutDownload, ExportError, WrongHash
from export.hashing import file_sha256
from export.http_download import Download
from export.progress import Update, step
from export.sources import Published


def fetch_published(
    files: Iterable[Published], cache: Path, carried: Path | None, progress: Progress
) -> dict[Published, Path]:
    """Return where each file lies, its hash checked: in `carried` if it is there, else in `cache`.

    Files in `carried` are never changed. What is in neither is downloaded. Raises FetchError; files fetched
    before it are kept.
    """
    if carried is not None and not carried.is_dir():
        raise ExportError(f"{carried}: no such folder; --weights-dir names the one with the checkpoints")
    return {file: _fetched(file, cache, carried, progress) for file in dict.fromkeys(files)}


def cached_path(file: Published, cache: Path) -> Path:
    """Return where `file` lies in `cache`, or would."""
    return cache / "published" / file.where / file.name


def record_path(file: Published, cache: Path) -> Path:
    """Return where the hash of the first such file that came is kept."""
    place = cached_path(file, cache)
    return place.with_name(f"{place.name}.sha256")


def _fetched(file: Published, cache: Path, carried: Path | None, progress: Progress) -> Path:
    if carried is not None and (place := carried / file.name).is_file():
        if fault := _fault(file, place, cache):
            raise WrongHash(f"{place}: {fault}; it was left as it is: take it from {file.url}")
        return place
    place = cached_path(file, cache)
    if not _is_there(file, place, cache):
        lock = FileLock(place.with_name(f".{file.name}.lock"))
        with step(progress, f"Downloading {file.name}") as update, lock:
            if not _is_there(file, place, cache):  # another exporter may have fetched it meanwhile
                _download(file, place, cache, update)
    return place


def _is_there(file: Published, place: Path, cache: Path) -> bool:
    return place.is_file() and not _fault(file, place, cache)


def _download(file: Published, place: Path, cache: Path, update: Update) -> None:
    """Put the file at `place` if it is the one that is meant; raises FetchError."""
    download = Download(file.url, place, file.name)
    draft = download.run(update)
    if download.resumed and _fault(file, draft, cache, record=False):  # the halves may be of two files
        download.discard()
        draft = download.run(update)
    if not (download.bounded or file.sha256 or file.size):
        download.discard()
        raise CutDownload(
            f"{file.name}: {file.url} does not tell its length, so that nobody can know whether it is whole; "
            "carry it in by hand (--weights-dir)"
        )
    if fault := _fault(file, draft, cache):
        download.discard()
        raise WrongHash(f"{file.name}: what came from {file.url} {fault}; nothing was kept; check the proxy")
    download.place()


def _fault(file: Published, path: Path, cache: Path, *, record: bool = True) -> str:
    """Return in words why the file at `path` is not the one that is meant; empty where it is.

    The first that is, is put on record.
    """
    if file.size is not None and path.stat().st_size != file.size:
        return f"has {path.stat().st_size} bytes and not {file.size}"
    sha256 = file_sha256(path)
    if not sha256.startswith(file.sha256):
        return f"has SHA-256 {sha256}, and not {file.sha256}{'' if len(file.sha256) == 64 else '...'}"
    kept = record_path(file, cache)
    if not kept.is_file():
        if record:
            kept.parent.mkdir(parents=True, exist_ok=True)
            kept.write_text(f"{sha256}  {file.name}\n")
        return ""
    known = kept.read_text().partition(" ")[0]
    return "" if known == sha256 else f"has SHA-256 {sha256}, and the first one that came {known} ({kept})"
