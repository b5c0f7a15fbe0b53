"""The BentoML service: `bentoml serve bench.peers.bentoml_server:Peer`, configured by the environment.

Without BentoML's adaptive batching: a method that batches takes a list from each caller, so that the
documented JSON needs a second service in front of it, and on a CPU there is nothing to win: a picture costs
the net as much in a batch of 4 as alone, and a tenth more in one of 8.
"""

import os
from typing import Any

import bentoml

from bench.peers.predictors import Predictor, response
from bench.peers.variants import SERVICE_VARIABLE, Variant

_SERVICE = os.environ[SERVICE_VARIABLE]
_VARIANT = Variant.from_environment()


@bentoml.service(
    workers=_VARIANT.workers,
    threads=_VARIANT.threads,
    traffic={"timeout": 300},
    # What costs time at every request and answers nothing here.
    logging={"access": {"enabled": False}},
    metrics={"enabled": False},
)
class Peer:
    """A request a pipeline."""

    def __init__(self) -> None:
        self._answers = Predictor(_SERVICE, _VARIANT.threads)

    @bentoml.api(route=f"/api/predict/{_SERVICE}")
    def predict(self, image: str) -> Any:  # noqa: ANN401 - a Response, which pydantic cannot describe
        """Answer one picture."""
        return response(self._answers(image))
