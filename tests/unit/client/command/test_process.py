"""`modelhub predict` as a process of its own: signals, and readers who have had enough."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.unit.client.command.conftest import (
    SERVICE,
    Command,
    Reply,
    StandIn,
    classified,
    picture,
)


def process(gateway: StandIn, *words: str, stdout: int = subprocess.PIPE) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", "from modelhub.command import main; main()", "predict", SERVICE, *words],
        env={**os.environ, "MODELHUB_URL": gateway.url},
        stdout=stdout,
        stderr=subprocess.PIPE,
        bufsize=0,  # what readline left would be lost to communicate
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_keeps_and_sums_up_what_is_done(
    command: Command, gateway: StandIn, number: signal.Signals
) -> None:
    for index in range(40):
        picture(f"in/{index:02}.png", f"#0000{index:02x}")
    released = threading.Event()

    def behave(file: bytes, times: int) -> Reply:
        if len(gateway.asked) > 6:
            released.wait(30)
        return classified()

    gateway.behave = behave
    running = process(gateway, "in", "--out", "out", "--jobs", "2")
    assert running.stdout is not None
    lines = [running.stdout.readline() for _ in range(5)]
    running.send_signal(number)
    rest, told = running.communicate(timeout=30)
    released.set()
    assert running.returncode == 130
    done = len(lines) + len(rest.splitlines())
    assert 5 <= done < 40
    assert len(list(Path("out").glob("*.png"))) == done
    assert f"{done} answered in" in told.decode()
    assert f"{40 - done} not answered, since the run was stopped" in told.decode()
    assert b"Traceback" not in told


def ends_quietly(running: "subprocess.Popen[bytes]") -> None:
    assert running.wait(60) == 1
    assert running.stderr is not None
    assert b"Traceback" not in running.stderr.read()
    running.stderr.close()


def test_a_reader_who_has_had_enough_ends_it_quietly(command: Command, gateway: StandIn) -> None:
    for index in range(200):
        picture(f"in/{index:03}.png", f"#0000{index:02x}")
    gone = threading.Event()

    def behave(file: bytes, times: int) -> Reply:
        if len(gateway.asked) > 20:
            gone.wait(30)
        return classified()

    gateway.behave = behave
    running = process(gateway, "in")
    assert running.stdout is not None
    running.stdout.readline()
    running.stdout.close()
    gone.set()
    ends_quietly(running)
    assert len(gateway.asked) < 200


def test_a_reader_who_has_had_enough_of_failures_ends_it_as_quietly(
    command: Command, gateway: StandIn
) -> None:
    Path("list").write_text("\n".join(f"absent-{index}.png" for index in range(5000)))
    running = process(gateway, "--from-list", "list", "--json")
    assert running.stdout is not None
    running.stdout.readline()
    running.stdout.close()  # long before the pipe could hold all
    ends_quietly(running)
