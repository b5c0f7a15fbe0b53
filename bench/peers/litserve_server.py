"""The LitServe server: `python -m bench.peers.litserve_server PORT`, configured by the environment."""

import os
import sys
from collections.abc import Sequence
from typing import Any

import litserve
from starlette.requests import Request
from starlette.responses import Response

from bench.peers.predictors import BatchPredictor, Predictor, response
from bench.peers.variants import SERVICE_VARIABLE, Variant


class PlainApi(litserve.LitAPI):
    """A request a pipeline."""

    def __init__(self, service: str, **options: Any) -> None:  # noqa: ANN401 - LitServe's own
        super().__init__(api_path=f"/api/predict/{service}", **options)
        self.service = service

    def setup(self, device: str) -> None:
        """Load the nets, in the worker."""
        self._answers: Any = Predictor(self.service)

    def decode_request(self, request: Request) -> str:
        """Return the picture's Base64."""
        image: str = request["image"]  # a dict of the JSON by now, whatever the annotation makes of the route
        return image

    def predict(self, image: str) -> bytes:
        """Answer one picture."""
        answer: bytes = self._answers(image)
        return answer

    def encode_response(self, answer: bytes) -> Response:
        """Return what is sent."""
        return response(answer)


class BatchingApi(PlainApi):
    """Requests that come together run together."""

    def setup(self, device: str) -> None:
        """Load the net, in the worker."""
        self._answers = BatchPredictor()

    def batch(self, images: Sequence[str]) -> Sequence[str]:
        """Return the pictures as they are."""
        return images

    def predict(self, images: Sequence[str]) -> list[bytes]:  # type: ignore[override]
        """Answer several pictures."""
        answers: list[bytes] = self._answers(images)
        return answers

    def unbatch(self, answers: list[bytes]) -> list[bytes]:
        """Return the answers one by one."""
        return answers


def main() -> None:
    """Serve on loopback."""
    service, variant = os.environ[SERVICE_VARIABLE], Variant.from_environment()
    api = (
        BatchingApi(service, max_batch_size=variant.batch, batch_timeout=variant.batch_wait_ms / 1e3)
        if variant.batch > 1
        else PlainApi(service)
    )
    server = litserve.LitServer(
        api,
        accelerator="cpu",
        devices=1,
        workers_per_device=variant.workers,
        timeout=300,
        fast_queue=variant.fast_queue,
    )
    server.run(
        host="127.0.0.1",
        port=int(sys.argv[1]),
        num_api_servers=variant.front_ends,
        generate_client_file=False,
        log_level="warning",
    )


if __name__ == "__main__":
    main()
