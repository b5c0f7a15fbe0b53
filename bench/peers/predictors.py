"""From a picture's Base64 to the body of the documented answer: all of the work, and nothing of any server.

Runs in the environments of the peers. What the gateway does beyond it (limits, URLs, deadlines, admission)
they need not do.
"""

from collections.abc import Callable, Sequence
from queue import SimpleQueue

import numpy as np
from starlette.responses import Response

from evaluation.pipelines import PIPELINES, Pipeline, configured_runner, manifest
from gateway.responses import PiecewiseResponse, new_request_id, success
from gateway.services import SERVICES
from vision.base64_text import decode_base64
from vision.classification import ClassificationPostprocess, ClassificationPreprocess
from vision.tensors import Tensors

BATCHED = "image_classification"
"""The service whose stages take several pictures at once."""

BatchPipeline = Callable[[Sequence[bytes]], list[Tensors]]
"""Picture files to the answer's tensors of each."""


class Predictor:
    """One service's answers, from as many threads at a time as it has pipelines."""

    def __init__(self, service: str, pipelines: int = 1) -> None:
        """Load the nets, once for each of `pipelines`."""
        self._service = SERVICES[service]
        self._free: SimpleQueue[Pipeline] = SimpleQueue()
        for _ in range(pipelines):
            self._free.put(PIPELINES[service](runners=configured_runner))

    def __call__(self, image: str) -> bytes:
        """Return the body for a picture's Base64."""
        pipeline = self._free.get()
        try:
            outputs = pipeline(decode_base64(image.encode("ascii")))
        finally:
            self._free.put(pipeline)
        return body(self._service.name, outputs)


class BatchPredictor:
    """Answers of `BATCHED`, several at a time."""

    def __init__(self) -> None:
        """Load the net."""
        self._pipeline = batched_classification()

    def __call__(self, images: Sequence[str]) -> list[bytes]:
        """Return the body for each of some pictures' Base64."""
        outputs = self._pipeline([decode_base64(image.encode("ascii")) for image in images])
        return [body(BATCHED, one) for one in outputs]


def batched_classification() -> BatchPipeline:
    """Return a new pipeline whose net runs once for all pictures.

    Each picture's tensors keep a batch axis, of 1.
    """
    net = manifest(f"{BATCHED}_net")
    preprocess, run, postprocess = (
        ClassificationPreprocess(net),
        configured_runner(net.net),
        ClassificationPostprocess(net),
    )

    def pipeline(files: Sequence[bytes]) -> list[Tensors]:
        payload = np.array([[file] for file in files], dtype=np.object_)
        outputs = postprocess(**run(preprocess(payload)))
        return [
            {name: tensor[row : row + 1] for name, tensor in outputs.items()} for row in range(len(files))
        ]

    return pipeline


def body(service: str, outputs: Tensors) -> bytes:
    """Return the JSON that the gateway would send."""
    answer = success(new_request_id(), SERVICES[service].render(outputs))
    return b"".join(answer.pieces()) if isinstance(answer, PiecewiseResponse) else bytes(answer.body)


def response(content: bytes) -> Response:
    """Return what both peers send: the body as it is."""
    return Response(content, media_type="application/json")
