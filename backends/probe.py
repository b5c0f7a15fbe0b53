"""Tells whether Triton answers: sends a tiny picture through every ensemble; ends with 0, or with 1 and why.

    python3 -m backends.probe

It runs inside Triton's container, as Kubernetes' probe. Triton 24.10 calls itself live and ready when the
process of a step has died; only an inference that this process takes says so. Each ensemble is asked twice at
one time: where a step has two processes, each is then given a request, mostly.

A Triton that is busy is not dead. A full queue counts as an answer, and one is waited for longer than the
gateway's requests live. It speaks HTTP and KServe's JSON by the standard library alone: a probe should not
cost much itself.
"""

import argparse
import http.client
import json
import os
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from vision.manifest import Profile

PICTURE = (
    "iVBORw0KGgoAAAANSUhEUgAAACAAAAAgCAAAAABWESUoAAAAFklEQVR4nGP4TwAwjCoYVTCqYKQq"
    "AAA/aPwuq5iY/wAAAABJRU5ErkJggg=="
)
"""A white PNG file, Base64."""

TOGETHER = 2
"""Requests to one ensemble at a time: as many as a step has processes."""

BUDGET_S = 50.0
"""Less than the probes' timeout, more than a request may take (`MODELHUB_DEADLINE_S`)."""

BUSY = "Exceeds maximum queue size"


class Triton:
    """Triton's HTTP endpoint, until a point of the monotonic clock."""

    def __init__(self, host: str, port: int, ends_at: float) -> None:
        self._host, self._port, self._ends_at = host, port, ends_at

    def problem(self, ensemble: str) -> str:
        """Return why `ensemble` did not answer, in one line; empty if it did."""
        path = f"/v2/models/{ensemble}"
        try:
            status, text = self._call("GET", path)
            if status == http.client.OK:
                status, text = self._call("POST", f"{path}/infer", request_of(json.loads(text)))
        except (OSError, http.client.HTTPException, ValueError) as error:
            return f"{ensemble}: {error!r}"
        if status == http.client.OK or BUSY in text:
            return ""
        return f"{ensemble}: {status} {' '.join(text.split())[:200]}"

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> tuple[int, str]:
        left = self._ends_at - time.monotonic()
        if left <= 0:
            raise TimeoutError("no time is left")
        connection = http.client.HTTPConnection(self._host, self._port, timeout=left)
        try:
            connection.request(method, path, body=None if body is None else json.dumps(body))
            answer = connection.getresponse()
            return answer.status, answer.read().decode(errors="replace")
        finally:
            connection.close()


def request_of(metadata: dict[str, Any]) -> dict[str, Any]:
    """Return the request that gives every input of a model, by its metadata, the picture."""
    shapes = ((entry["name"], [1] * len(entry["shape"])) for entry in metadata["inputs"])
    inputs = [
        {"name": name, "datatype": "BYTES", "shape": shape, "data": [PICTURE]} for name, shape in shapes
    ]
    # Whatever the answer holds, it is not read: as bytes it costs least.
    return {"inputs": inputs, "parameters": {"binary_data_output": True}}


def ensembles(repository: Path) -> list[str]:
    """Return the names of a repository's ensembles."""
    configs = sorted(repository.glob("*/config.pbtxt"))
    return [path.parent.name for path in configs if 'platform: "ensemble"' in path.read_text()]


def problems(names: Sequence[str], host: str, port: int, budget_s: float) -> list[str]:
    """Return what is wrong with the ensembles, a line each."""
    triton = Triton(host, port, time.monotonic() + budget_s)
    asked = [name for name in names for _ in range(TOGETHER)]
    with ThreadPoolExecutor(max_workers=len(asked)) as pool:
        return sorted({problem for problem in pool.map(triton.problem, asked) if problem})


def served() -> Path:
    """Return the repository that serve-triton.sh serves."""
    return Path(__file__).resolve().parents[1] / Profile(os.environ["MODELHUB_PROFILE"]).repository


def main(arguments: Sequence[str] | None = None) -> int:
    """Return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repository", type=Path, help="by default that of MODELHUB_PROFILE")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--budget-s", type=float, default=BUDGET_S)
    given = parser.parse_args(arguments)
    names = ensembles(given.repository or served())
    found = problems(names, given.host, given.port, given.budget_s) if names else ["no ensemble to ask"]
    sys.stderr.write("".join(f"{line}\n" for line in found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
