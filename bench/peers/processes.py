"""The peers as processes: started for one service, stopped with all that they started."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from bench.peers.variants import BENTOML, LITSERVE, SERVICE_VARIABLE, Variant
from bench.speed import gateway_call
from embedded.paths import ROOT, RUN
from embedded.process import Child

START_TIMEOUT_S, STOP_GRACE_S = 90.0, 5.0
_LOOK_AGAIN_S = 0.3
_FOLDER = RUN / "peers"

_COMMANDS: dict[str, Callable[[int], tuple[str, ...]]] = {
    BENTOML: lambda port: (
        f"{ROOT}/.venv-bentoml/bin/bentoml", "serve", "bench.peers.bentoml_server:Peer",
        "--host", "127.0.0.1", "--port", str(port),
    ),
    LITSERVE: lambda port: (
        f"{ROOT}/.venv-litserve/bin/python", "-m", "bench.peers.litserve_server", str(port),
    ),
}  # fmt: skip


class PeerFailed(RuntimeError):  # noqa: N818
    """A peer does not answer; the message ends with the last lines of its log."""


@dataclass(frozen=True)
class Peer:
    """A started peer."""

    child: Child
    url: str


@contextmanager
def started(peer: str, service: str, variant: Variant, port: int) -> Iterator[Peer]:
    """Yield a peer that is coming up, and end it with all that it started."""
    environment = {
        **os.environ, **variant.environment(), SERVICE_VARIABLE: service, "PYTHONPATH": str(ROOT),
        "BENTOML_HOME": str(_FOLDER / "bentoml"), "BENTOML_DO_NOT_TRACK": "True",
    }  # fmt: skip
    child = Child(peer, _COMMANDS[peer](port), environment, _FOLDER / f"{peer.lower()}-{port}.log")
    try:
        yield Peer(child, f"http://127.0.0.1:{port}")
    finally:
        child.stop(STOP_GRACE_S)


def answering(peer: Peer, service: str, image: bytes) -> str:
    """Return the peer's URL once it answers `image`. Raises PeerFailed.

    Whatever it says before that, errors included, means that it is starting.
    """
    ends_at = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < ends_at and peer.child.exit_status() is None:
        try:
            gateway_call(peer.url, service)(image)
        except (OSError, RuntimeError):
            time.sleep(_LOOK_AGAIN_S)
        else:
            return peer.url
    raise PeerFailed(f"{peer.child.name} does not answer {service}:\n{peer.child.last_lines()}")
