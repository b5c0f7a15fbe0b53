"""The services without Triton and without a gateway: the same stages and nets, called in a plain thread.

What the ratio in `make bench` divides by: decode, preprocessing, inference and post-processing, nothing else,
with nets of one thread. A service whose nets are configured for more is faster than this for a single client.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime as ort

from backends.onnx_config import session_options
from vision.classification import ClassificationPostprocess, ClassificationPreprocess
from vision.manifest import NET_VERSION, ONNX_FILE, Manifest, load_manifest, manifest_path
from vision.ocr.stages import OcrPostprocess, OcrPreprocess
from vision.tensors import Tensors

REPOSITORY = Path(__file__).resolve().parent.parent / "model_repository"
ONE_THREAD = {"parameters": {"intra_op_thread_count": {"string_value": "1"}}}

Pipeline = Callable[[bytes], Tensors]
"""A picture file to the answer's tensors."""


def session(net: str) -> ort.InferenceSession:
    """Return a session of one thread, as an instance in the repository is configured."""
    path = REPOSITORY / net / NET_VERSION / ONNX_FILE
    return ort.InferenceSession(path, session_options(ONE_THREAD), providers=["CPUExecutionProvider"])


def runner(net: str) -> Callable[[Tensors], Tensors]:
    """Return a function that runs one batch of `net`."""
    loaded = session(net)
    names = [output.name for output in loaded.get_outputs()]
    return lambda tensors: dict(zip(names, loaded.run(names, tensors), strict=True))


def manifest(net: str) -> Manifest:
    """Return the manifest of an exported net."""
    return load_manifest(manifest_path(REPOSITORY, net))


def image_classification() -> Pipeline:
    """Return a new pipeline, for one thread."""
    name = "image_classification_net"
    preprocess, net, postprocess = (
        ClassificationPreprocess(manifest(name)),
        runner(name),
        ClassificationPostprocess(manifest(name)),
    )
    return lambda image: postprocess(**net(preprocess(np.array([[image]], dtype=np.object_))))


def ocr() -> Pipeline:
    """Return a new pipeline, for one thread."""
    names = ("ocr_detection_net", "ocr_angle_net", "ocr_recognition_net")
    manifests = [manifest(name) for name in names]
    runners = {name: runner(name) for name in names}
    preprocess, postprocess = OcrPreprocess(manifests[0]), OcrPostprocess(*manifests)

    loop = asyncio.new_event_loop()  # one for all calls: `asyncio.run` formats what it returns, at a cost

    async def infer(name: str, tensors: Tensors) -> Tensors:
        return runners[name](tensors)

    def run(image: bytes) -> Tensors:
        working = preprocess(np.array([image], dtype=np.object_))
        pixels = working.pop("pixels")
        text_map = runners[names[0]]({"pixels": pixels[None]})["text_map"][0]
        return loop.run_until_complete(postprocess(text_map=text_map, **working, infer=infer))

    return run


PIPELINES: dict[str, Callable[[], Pipeline]] = {"image_classification": image_classification, "ocr": ocr}
