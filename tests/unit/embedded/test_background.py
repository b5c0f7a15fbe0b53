"""A launcher in the background: found while it lives, and nobody else taken for it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import psutil
import pytest

from embedded.background import LOG_FILE, STATE_FILE, Serving, announced, found, start, stop
from embedded.errors import ProcessDied

URL = "http://127.0.0.1:8080"


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as process:
        yield process
        process.kill()


def written(run: Path, pid: int, born: float) -> None:
    (run / STATE_FILE).write_bytes(msgspec.json.encode(Serving(pid, born, URL)))


def test_who_serves_is_found_while_it_does(tmp_path: Path) -> None:
    assert found(tmp_path) is None
    with announced(tmp_path, URL):
        serving = found(tmp_path)
        assert serving is not None
        assert (serving.pid, serving.url) == (os.getpid(), URL)
    assert found(tmp_path) is None
    assert not list(tmp_path.iterdir())


def test_what_stands_there_of_the_dead_is_not_believed(
    tmp_path: Path, sleeper: subprocess.Popen[bytes]
) -> None:
    born = psutil.Process(sleeper.pid).create_time()
    written(tmp_path, sleeper.pid, born)
    assert found(tmp_path) is not None
    written(tmp_path, sleeper.pid, born - 5)  # its id was another's
    assert found(tmp_path) is None
    written(tmp_path, sleeper.pid, born)
    sleeper.kill()
    sleeper.wait()
    assert found(tmp_path) is None


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"pid": "x"}'])
def test_a_damaged_file_is_no_launcher(tmp_path: Path, content: bytes) -> None:
    (tmp_path / STATE_FILE).write_bytes(content)
    assert found(tmp_path) is None


def test_a_start_that_fails_says_what_the_launcher_said(tmp_path: Path) -> None:
    with pytest.raises(ProcessDied, match="No such command"):
        start(["no-such-command"], tmp_path, report=lambda line: None)
    assert (tmp_path / LOG_FILE).exists()


def test_who_waits_no_longer_ends_what_was_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("embedded.background.subprocess.Popen", _sleeping)
    started.clear()

    def report(line: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        start(["up"], tmp_path, report)
    assert started[0].returncode == -signal.SIGTERM


started: list[subprocess.Popen[bytes]] = []
_popen = subprocess.Popen


def _sleeping(command: list[str], **options: object) -> subprocess.Popen[bytes]:
    started.append(_popen(["sleep", "60"]))
    return started[0]


def test_a_launcher_that_is_told_to_stop_is_waited_for(
    tmp_path: Path, sleeper: subprocess.Popen[bytes]
) -> None:
    serving = Serving(sleeper.pid, psutil.Process(sleeper.pid).create_time(), URL)
    stop(serving, 20)
    assert serving.process() is None  # though nobody has buried it yet
    sleeper.wait()
    assert not psutil.pid_exists(sleeper.pid)
    stop(serving, 20)  # once more does no harm


def test_one_that_does_not_end_is_told_of_and_not_killed(tmp_path: Path) -> None:
    deaf = "import signal as s, time; s.signal(s.SIGTERM, s.SIG_IGN); print(flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", deaf], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        serving = Serving(process.pid, psutil.Process(process.pid).create_time(), URL)
        began = time.monotonic()
        with pytest.raises(ProcessDied, match=f"kill -9 {process.pid}"):
            stop(serving, 0.3)
        assert time.monotonic() - began >= 0.3
        assert process.poll() is None
        process.kill()
