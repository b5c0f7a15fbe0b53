"""Published files over real HTTP, from a site on loopback, healthy and not; and files carried in by hand."""

import hashlib
import itertools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
import pytest
from rich.progress import Progress

from export.errors import CutDownload, ExportError, FetchError, NoNetwork, NotPublished, WrongHash
from export.http_download import ATTEMPTS, Download
from export.published import cached_path, fetch_published, record_path
from export.sources import Published
from tests.unit.export.file_server import FileServer

NAME = "checkpoint.pth"


def random_bytes(seed: int, size: int) -> bytes:
    return np.random.default_rng(seed).bytes(size)


OLD, NEW = random_bytes(1, 3_000_000), random_bytes(2, 3_000_000)


def sha256(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


@pytest.fixture
def file(site: FileServer) -> Published:
    site.body = OLD
    return Published(f"{site.url}/{NAME}", NAME, sha256(OLD), len(OLD), "MIT", "toy:seeded")


def unpinned(file: Published) -> Published:
    return msgspec.structs.replace(file, sha256="", size=None)


def fetched(file: Published, cache: Path, progress: Progress, carried: Path | None = None) -> Path:
    (place,) = fetch_published([file], cache, carried, progress).values()
    return place


def left_in(cache: Path) -> set[str]:
    return {path.name for path in cache.rglob("*") if path.is_file() and not path.name.endswith(".lock")}


def test_a_file_is_downloaded_once(
    site: FileServer, file: Published, tmp_path: Path, progress: Progress
) -> None:
    assert fetched(file, tmp_path, progress).read_bytes() == OLD
    site.close()
    assert fetched(file, tmp_path, progress) == cached_path(file, tmp_path)
    assert len(site.requests) == 1
    assert left_in(tmp_path) == {NAME, f"{NAME}.sha256"}
    assert record_path(file, tmp_path).read_text() == f"{sha256(OLD)}  {NAME}\n"


def test_progress_is_told_in_bytes(site: FileServer, tmp_path: Path) -> None:
    site.body = OLD
    site.cuts = [1_200_000]
    told: list[tuple[int, int]] = []
    Download(f"{site.url}/x", tmp_path / NAME, NAME).run(lambda done, whole: told.append((done, whole)))
    assert {whole for _, whole in told} == {len(OLD)}
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert told[-1][0] == len(OLD)


@pytest.mark.parametrize(
    "validators",
    [('"one"', None), (None, "Wed, 25 Aug 2021 10:00:00 GMT"), ('W/"weak"', "Wed, 25 Aug 2021 10:00:00 GMT")],
    ids=["entity tag", "time", "weak tag and time"],
)
def test_what_was_cut_off_is_continued(
    site: FileServer, file: Published, tmp_path: Path, progress: Progress, validators: tuple[str, str]
) -> None:
    site.etag, site.modified = validators
    site.cuts = [1_100_000, 700_000, 5]
    assert fetched(file, tmp_path, progress).read_bytes() == OLD
    assert site.ranges_asked() == ["", "bytes=1100000-", "bytes=1800000-", "bytes=1800005-"]
    assert left_in(tmp_path) == {NAME, f"{NAME}.sha256"}


def test_a_later_exporter_continues_what_an_earlier_one_began(
    site: FileServer, file: Published, tmp_path: Path, progress: Progress
) -> None:
    site.cuts = [2_000_000, *[0] * ATTEMPTS]
    with pytest.raises(CutDownload):
        fetched(file, tmp_path, progress)
    assert not cached_path(file, tmp_path).exists()
    assert left_in(tmp_path) == {f"{NAME}.part", f"{NAME}.part.json"}
    site.cuts, site.requests = [], []
    assert fetched(file, tmp_path, progress).read_bytes() == OLD
    assert site.ranges_asked() == ["bytes=2000000-"]


def without_ranges(site: FileServer) -> None:
    site.ranges = False


def without_validators(site: FileServer) -> None:
    site.etag = None


def only_weak(site: FileServer) -> None:
    site.etag = 'W/"weak"'


@pytest.mark.parametrize("trait", [without_ranges, without_validators, only_weak])
def test_where_it_cannot_be_continued_it_begins_anew(
    site: FileServer,
    file: Published,
    tmp_path: Path,
    progress: Progress,
    trait: Callable[[FileServer], None],
) -> None:
    trait(site)
    site.cuts = [1_100_000, 700_000]
    assert fetched(file, tmp_path, progress).read_bytes() == OLD
    assert len(site.requests) == 3


def test_short_parts_are_put_together(
    site: FileServer, file: Published, tmp_path: Path, progress: Progress
) -> None:
    site.short_parts, site.cuts = True, [2_999_990]
    assert fetched(file, tmp_path, progress).read_bytes() == OLD
    assert len(site.requests) > 3


@pytest.mark.parametrize(
    "change",
    list(itertools.product([True, False], [NEW, NEW[:900_000]])),
    ids=["as long", "shorter", "as long, only its tag tells", "shorter, only its tag tells"],
)
def test_halves_of_two_files_are_never_joined(
    site: FileServer, file: Published, tmp_path: Path, progress: Progress, change: tuple[bool, bytes]
) -> None:
    """The file has no hash that would tell."""
    site.heeds_if_range, body = change

    def replace() -> None:
        site.body, site.etag = body, '"two"'

    site.cuts, site.after_answer = [1_500_000], replace
    assert fetched(unpinned(file), tmp_path, progress).read_bytes() == body


def test_halves_that_nothing_but_the_hash_tells_are_fetched_anew(
    site: FileServer, file: Published, tmp_path: Path, progress: Progress
) -> None:
    file = msgspec.structs.replace(file, sha256=sha256(NEW))

    def change() -> None:
        site.body = NEW

    site.cuts, site.after_answer = [1_500_000], change
    assert fetched(file, tmp_path, progress).read_bytes() == NEW
    assert site.ranges_asked() == ["", "bytes=1500000-", ""]


@pytest.mark.parametrize("damage", [b"", OLD[:-1], NEW], ids=["emptied", "cut", "changed"])
def test_a_damaged_cached_file_is_fetched_anew(
    site: FileServer, file: Published, tmp_path: Path, progress: Progress, damage: bytes
) -> None:
    place = fetched(unpinned(file), tmp_path, progress)
    place.write_bytes(damage)
    assert fetched(unpinned(file), tmp_path, progress).read_bytes() == OLD


def test_leading_digits_of_a_hash_are_checked(
    site: FileServer, file: Published, tmp_path: Path, progress: Progress
) -> None:
    digits = msgspec.structs.replace(file, sha256=sha256(OLD)[:8], size=None)
    assert fetched(digits, tmp_path / "right", progress).read_bytes() == OLD
    other = msgspec.structs.replace(digits, sha256=sha256(NEW)[:8])
    with pytest.raises(WrongHash, match=rf"has SHA-256 {sha256(OLD)}, and not {sha256(NEW)[:8]}\.\.\."):
        fetched(other, tmp_path / "wrong", progress)
    assert left_in(tmp_path / "wrong") == set()


def test_the_first_file_is_trusted_and_no_other(
    site: FileServer, file: Published, tmp_path: Path, progress: Progress
) -> None:
    """Where the publisher states no hash, and past the digits that one states."""
    fetched(unpinned(file), tmp_path, progress).unlink()
    site.body = NEW
    with pytest.raises(WrongHash, match=rf"{NAME}.*{site.url}.*the first one that came {sha256(OLD)}"):
        fetched(unpinned(file), tmp_path, progress)
    assert left_in(tmp_path) == {f"{NAME}.sha256"}
    carried = tmp_path / "carried"
    carried.mkdir()
    (carried / NAME).write_bytes(NEW)
    with pytest.raises(WrongHash, match="the first one that came"):
        fetched(unpinned(file), tmp_path, progress, carried)


def test_two_exporters_at_once_download_once(
    site: FileServer, file: Published, tmp_path: Path, progress: Progress
) -> None:
    with ThreadPoolExecutor(2) as pool:
        runs = [pool.submit(fetched, file, tmp_path, progress) for _ in range(2)]
        assert {run.result().read_bytes() == OLD for run in runs} == {True}
    assert len(site.requests) == 1


def test_redirects_are_followed(
    site: FileServer, file: Published, tmp_path: Path, progress: Progress
) -> None:
    moved = msgspec.structs.replace(file, url=f"{site.url}/moved")
    assert fetched(moved, tmp_path, progress).read_bytes() == OLD
    assert [path for path, _ in site.requests] == ["/moved", "/file"]


def test_the_environments_proxy_is_used(
    site: FileServer, file: Published, tmp_path: Path, progress: Progress, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", site.url)
    far = msgspec.structs.replace(file, url="http://publisher.invalid/checkpoint.pth")
    assert fetched(far, tmp_path, progress).read_bytes() == OLD
    assert [path for path, _ in site.requests] == ["http://publisher.invalid/checkpoint.pth"]
    monkeypatch.setenv("NO_PROXY", "publisher.invalid")
    with pytest.raises(NoNetwork):
        fetched(far, tmp_path / "direct", progress)


@dataclass(frozen=True)
class Fault:
    error: type[FetchError]
    told: str
    status: int
    break_site: Callable[[FileServer], object]
    requests: int = 1
    change_row: Callable[[Published], Published] = lambda file: file


def statuses(*values: int) -> Callable[[FileServer], object]:
    return lambda site: site.statuses.extend(values)


def cuts(*values: int) -> Callable[[FileServer], object]:
    return lambda site: site.cuts.extend(values)


def another(site: FileServer) -> None:
    site.body = NEW


def a_page(site: FileServer) -> None:
    site.content_type = "text/html; charset=utf-8"


def without_length(site: FileServer) -> None:
    site.declares_length, site.cuts = False, [1_000_000]


FAULTS = {
    "connection refused": Fault(NoNetwork, "no answer", 3, FileServer.close, 0),
    "overloaded": Fault(NoNetwork, "HTTP status 503", 3, statuses(*[503] * ATTEMPTS), ATTEMPTS),
    "cut again and again": Fault(CutDownload, "cut off", 4, cuts(*[0] * ATTEMPTS), ATTEMPTS),
    "another file": Fault(WrongHash, f"SHA-256 {sha256(NEW)}", 5, another),
    "gone": Fault(NotPublished, "HTTP status 404", 6, statuses(404)),
    "forbidden": Fault(FetchError, "HTTP status 403", 1, statuses(403)),
    "a portal's page": Fault(FetchError, "a web page came", 1, a_page),
    "cut, and nothing would tell": Fault(
        CutDownload, "does not tell its length", 4, without_length, 1, unpinned
    ),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
def test_faults_are_one_line_with_file_and_url(
    site: FileServer, file: Published, tmp_path: Path, progress: Progress, fault: Fault
) -> None:
    fault.break_site(site)
    with pytest.raises(FetchError) as caught:
        fetched(fault.change_row(file), tmp_path, progress)
    assert type(caught.value) is fault.error
    assert caught.value.exit_status == fault.status
    message = str(caught.value)
    assert message.startswith(NAME)
    assert file.url in message
    assert fault.told in message
    assert "\n" not in message
    assert len(site.requests) == fault.requests
    assert not cached_path(file, tmp_path).exists()


def test_passing_faults_pass(site: FileServer, file: Published, tmp_path: Path, progress: Progress) -> None:
    site.statuses = [503, 429, 502]
    assert fetched(file, tmp_path, progress).read_bytes() == OLD


def test_a_file_carried_in_by_hand_needs_no_network(
    site: FileServer, file: Published, tmp_path: Path, progress: Progress
) -> None:
    site.close()
    carried = tmp_path / "carried"
    carried.mkdir()
    (carried / NAME).write_bytes(OLD)
    before = (carried / NAME).stat()
    assert fetched(file, tmp_path / "cache", progress, carried) == carried / NAME
    assert (carried / NAME).stat().st_mtime_ns == before.st_mtime_ns
    assert not cached_path(file, tmp_path / "cache").exists()


@pytest.mark.parametrize("wrong", [NEW, OLD[:-1]], ids=["another", "cut"])
def test_a_wrong_one_is_named_and_left_as_it_is(
    site: FileServer, file: Published, tmp_path: Path, progress: Progress, wrong: bytes
) -> None:
    carried = tmp_path / "carried"
    carried.mkdir()
    (carried / NAME).write_bytes(wrong)
    with pytest.raises(WrongHash, match=rf"{carried / NAME}: has .*{file.url}"):
        fetched(file, tmp_path / "cache", progress, carried)
    assert (carried / NAME).read_bytes() == wrong
    assert site.requests == []


def test_what_was_not_carried_in_is_downloaded(
    site: FileServer, file: Published, tmp_path: Path, progress: Progress
) -> None:
    carried = tmp_path / "carried"
    carried.mkdir()
    assert fetched(file, tmp_path / "cache", progress, carried).read_bytes() == OLD
    with pytest.raises(ExportError, match="nowhere: no such folder"):
        fetched(file, tmp_path / "cache", progress, tmp_path / "nowhere")
