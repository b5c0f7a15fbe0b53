"""Real pip against a package index on loopback, healthy and not."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest
from rich.progress import Progress

from export.errors import CutDownload, FetchError, NoNetwork, NotInIndex, NotInPackage, WrongHash
from export.fetch import cached_path, fetch
from export.sources import File, Package
from tests.unit.export.package_index import PackageIndex


def test_a_file_is_fetched_once(
    index: PackageIndex, toy_file: File, tmp_path: Path, progress: Progress
) -> None:
    (place,) = fetch([toy_file], tmp_path, progress).values()
    assert place.read_bytes() == b"3.0"
    assert index.requests == ["/simple/toy/", "/files/toy-1.0-py3-none-any.whl"]
    index.close()
    assert fetch([toy_file], tmp_path, progress) == {toy_file: place}


def test_files_of_one_package_need_one_download(
    index: PackageIndex, toy_file: File, tmp_path: Path, progress: Progress
) -> None:
    index.add("toy", "1.0", {toy_file.path: b"3.0", "toy/other.txt": b"3.0"})
    other = msgspec.structs.replace(toy_file, path="toy/other.txt")
    assert len(fetch([toy_file, other], tmp_path, progress)) == 2
    assert len(index.requests) == 2


def test_nothing_else_is_left_in_the_cache(toy_file: File, tmp_path: Path, progress: Progress) -> None:
    fetch([toy_file], tmp_path, progress)
    left = {path.name for path in tmp_path.rglob("*") if path.is_file()}
    assert left == {"factor.txt", ".lock"}


@pytest.mark.parametrize("damage", [b"", b"3.", b"4.0"], ids=["emptied", "cut", "changed"])
def test_a_damaged_cached_file_is_fetched_anew(
    toy_file: File, tmp_path: Path, progress: Progress, damage: bytes
) -> None:
    place = cached_path(toy_file, tmp_path)
    place.parent.mkdir(parents=True)
    place.write_bytes(damage)
    fetch([toy_file], tmp_path, progress)
    assert place.read_bytes() == b"3.0"


def test_what_a_killed_exporter_left_is_cleaned(toy_file: File, tmp_path: Path, progress: Progress) -> None:
    left = tmp_path / "toy-1.0" / ".download" / "toy-1.0-py3-none-any.whl"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"half a wheel")
    fetch([toy_file], tmp_path, progress)
    assert not left.parent.exists()


def test_two_exporters_at_once_download_once(
    index: PackageIndex, toy_file: File, tmp_path: Path, progress: Progress
) -> None:
    with ThreadPoolExecutor(2) as pool:
        runs = [pool.submit(fetch, [toy_file], tmp_path, progress) for _ in range(2)]
        places = [run.result()[toy_file] for run in runs]
    assert places[0] == places[1]
    assert len(index.requests) == 2


@dataclass(frozen=True)
class Fault:
    error: type[FetchError]
    advice: str
    break_index: Callable[[PackageIndex], object] = lambda index: None
    change_row: Callable[[File], File] = lambda file: file


def _cut(index: PackageIndex) -> None:
    index.cut_after = 100_000


def _cut_without_length(index: PackageIndex) -> None:
    index.cut_after, index.declares_length, index.declares_hash = 100_000, False, None


def _wrong_hash(index: PackageIndex) -> None:
    index.declares_hash = "wrong"


def _overloaded(index: PackageIndex) -> None:
    index.file_status = 503


def _overloaded_page(index: PackageIndex) -> None:
    index.page_status = 503


def _forbidden(index: PackageIndex) -> None:
    index.page_status = 403


def _forbidden_file(index: PackageIndex) -> None:
    index.file_status = 403


def _gone(index: PackageIndex) -> None:
    index.file_status = 410


def _of(**changes: object) -> Callable[[File], File]:
    return lambda file: msgspec.structs.replace(file, **changes)


FAULTS = {
    "connection refused": Fault(NoNetwork, "check the network", PackageIndex.close),
    "index overloaded": Fault(NoNetwork, "check the network", _overloaded),
    "index overloaded at once": Fault(NoNetwork, "check the network", _overloaded_page),
    "cut": Fault(CutDownload, "run the export again", _cut),
    "cut, length not told": Fault(CutDownload, "run the export again", _cut_without_length),
    "not what the index promises": Fault(WrongHash, "check the index", _wrong_hash),
    "not what the catalogue says": Fault(WrongHash, "check the index", change_row=_of(sha256="1" * 64)),
    "unknown package": Fault(NotInIndex, "use an index", change_row=_of(package=Package("tay", "1.0"))),
    "unknown version": Fault(NotInIndex, "use an index", change_row=_of(package=Package("toy", "2.0"))),
    "no such file": Fault(
        NotInPackage, "correct its row in export/lite_nets.py", change_row=_of(path="toy/none.txt")
    ),
    "forbidden": Fault(FetchError, "check the credentials", _forbidden),
    "file forbidden": Fault(FetchError, "check the credentials", _forbidden_file),
    "anything else": Fault(FetchError, "mend that", _gone),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
def test_faults_are_told_from_each_other(
    index: PackageIndex, toy_file: File, tmp_path: Path, progress: Progress, fault: Fault
) -> None:
    fault.break_index(index)
    file = fault.change_row(toy_file)
    with pytest.raises(FetchError, match=re.escape(fault.advice)) as caught:
        fetch([file], tmp_path, progress)
    assert type(caught.value) is fault.error
    message = str(caught.value)
    assert message.startswith(str(file.package))
    assert "\n" not in message
    assert bool(caught.value.detail) == (fault.advice == "mend that")
    assert not cached_path(file, tmp_path).exists()
    assert not (tmp_path / f"{file.package.name}-{file.package.version}" / ".download").exists()
