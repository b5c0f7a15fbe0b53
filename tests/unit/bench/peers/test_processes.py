"""A peer that cannot start is told with its log, and nothing of a peer outlives the comparison."""

import sys
import time
from pathlib import Path

import psutil
import pytest

from bench.peers import processes
from bench.peers.processes import Peer, PeerFailed, answering, started
from bench.peers.variants import BENTOML, Variant
from embedded.process import Child
from tests.conftest import free_ports


def test_a_peer_that_ends_is_told_with_its_last_lines(tmp_path: Path) -> None:
    command = (sys.executable, "-c", "raise SystemExit('no such option')")
    (port,) = free_ports(1)
    peer = Peer(Child("LitServe", command, {}, tmp_path / "log"), f"http://127.0.0.1:{port}")
    with pytest.raises(PeerFailed, match=r"(?s)LitServe does not answer ocr:.*no such option"):
        answering(peer, "ocr", b"picture")


def test_a_peer_that_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(processes, "START_TIMEOUT_S", 0.5)
    (port,) = free_ports(1)
    child = Child("BentoML", ("sleep", "60"), {}, tmp_path / "log")
    try:
        begun = time.monotonic()
        with pytest.raises(PeerFailed, match="BentoML does not answer"):
            answering(Peer(child, f"http://127.0.0.1:{port}"), "ocr", b"picture")
        assert time.monotonic() - begun < 10
    finally:
        child.stop(1)


def test_what_a_peer_started_ends_with_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Even what ignores TERM, as LitServe's workers do."""
    script = "trap '' TERM; sleep 60 & sleep 60 & wait; sleep 60"
    monkeypatch.setitem(processes._COMMANDS, BENTOML, lambda port: ("sh", "-c", script))
    monkeypatch.setattr(processes, "_FOLDER", tmp_path)
    monkeypatch.setattr(processes, "STOP_GRACE_S", 0.2)
    with started(BENTOML, "ocr", Variant(), 1) as peer:
        family: list[psutil.Process] = []
        ends_at = time.monotonic() + 20
        while len(family) < 3 and time.monotonic() < ends_at:
            parent = psutil.Process(peer.child.pid)
            family = [parent, *parent.children(recursive=True)]
        assert len(family) == 3
    _, alive = psutil.wait_procs(family, timeout=10)
    assert alive == []
