"""How a peer is configured, and which configuration was the fastest of those tried."""

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Self

PEERS = BENTOML, LITSERVE = "BentoML", "LitServe"

SERVICE_VARIABLE = "MODELHUB_PEER_SERVICE"
_PREFIX = "MODELHUB_PEER_"


@dataclass(frozen=True)
class Variant:
    """A peer's configuration."""

    workers: int = 2
    """Processes that run pipelines."""
    threads: int = 1
    """BentoML: pipelines in each, run at the same time."""
    batch: int = 1
    """LitServe: largest batch; 1 for none."""
    batch_wait_ms: float = 0.0
    """LitServe: how long a batch waits for more."""
    fast_queue: bool = False
    """LitServe: answers come by ZeroMQ, not by a manager's queue."""
    front_ends: int = 1
    """LitServe: HTTP processes."""

    def description(self) -> str:
        """Return what differs from the defaults, for people."""
        changes = {name: value for name, value in asdict(self).items() if value != getattr(Variant, name)}
        return ", ".join(f"{name} {value}" for name, value in changes.items()) or "defaults"

    def environment(self) -> dict[str, str]:
        """Return the variables that configure a peer's process."""
        return {_variable(name): str(value) for name, value in asdict(self).items()}

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """Return what `environment()` of another process was made from; raises KeyError without it."""

        def variable(name: str) -> str:
            return environment[_variable(name)]

        return cls(
            workers=int(variable("workers")),
            threads=int(variable("threads")),
            batch=int(variable("batch")),
            batch_wait_ms=float(variable("batch_wait_ms")),
            fast_queue=variable("fast_queue") == str(True),
            front_ends=int(variable("front_ends")),
        )


def _variable(name: str) -> str:
    return f"{_PREFIX}{name.upper()}"


TRIALS = {
    BENTOML: (Variant(), Variant(workers=1, threads=2), Variant(threads=2)),
    LITSERVE: (
        Variant(),
        Variant(fast_queue=True),
        Variant(front_ends=2),
        Variant(fast_queue=True, front_ends=2),
        Variant(batch=4, batch_wait_ms=2),
    ),
}
"""What `python -m bench.peers trials` measures; variants that batch only where the pipeline does."""

FASTEST = {BENTOML: Variant(workers=1, threads=2), LITSERVE: Variant(fast_queue=True)}
"""What the comparison uses."""
