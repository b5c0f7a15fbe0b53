"""The services without Triton and without a gateway: the same stages and nets, called in a plain thread.

What the ratio in `make bench` divides by: decode, preprocessing, inference and post-processing, nothing else,
with nets of one thread. A service whose nets are configured for more is faster than this for a single client.
The servers of `bench.peers` run the same pipelines, with as many threads as the repository's configs say.
"""

import asyncio
import re
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from functools import partial
from inspect import iscoroutinefunction
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort

from backends.onnx_config import session_options
from vision.classification import ClassificationPostprocess, ClassificationPreprocess, ScenePostprocess
from vision.foreground_segmentation import ForegroundPostprocess, ForegroundPreprocess
from vision.image_colorization import ColorizationPostprocess, ColorizationPreprocess
from vision.instance_segmentation import InstanceSegmentationPostprocess, InstanceSegmentationPreprocess
from vision.manifest import NET_VERSION, ONNX_FILE, Manifest, load_manifest, manifest_path
from vision.object_detection import ObjectDetectionPostprocess, ObjectDetectionPreprocess
from vision.ocr.stages import OcrPostprocess, OcrPreprocess
from vision.semantic_segmentation import SemanticSegmentationPostprocess, SemanticSegmentationPreprocess
from vision.shelf_counting import ShelfCountingPostprocess, ShelfCountingPreprocess
from vision.similarity import SimilarityPostprocess, SimilarityPreprocess
from vision.tensors import Tensors

REPOSITORY = Path(__file__).resolve().parent.parent / "model_repository"
_THREADS = re.compile(r'key: "intra_op_thread_count" value { string_value: "(\d+)" }')

Runner = Callable[[Tensors], Tensors]
"""Runs one batch of a net."""

Runners = Callable[[str], Runner]
"""Makes the runner of an exported net."""

Pipeline = Callable[[bytes], Tensors]
"""A picture file to the answer's tensors."""


def runner(net: str) -> Runner:
    """Return a runner of an exported net, of one thread."""
    return runner_of(REPOSITORY / net / NET_VERSION / ONNX_FILE)


def configured_runner(net: str) -> Runner:
    """Return a runner of an exported net with as many threads as an instance in the repository has."""
    return runner_of(REPOSITORY / net / NET_VERSION / ONNX_FILE, configured_threads(net))


def configured_threads(net: str) -> int:
    """Return how many threads a net's config gives each instance.

    It is read as text: the environments of `bench.peers` have no Triton protobuf.
    """
    return int(_THREADS.findall((REPOSITORY / net / "config.pbtxt").read_text())[0])


def runner_of(path: Path, threads: int = 1) -> Runner:
    """Return a runner of the graph in a file."""
    config = {"parameters": {"intra_op_thread_count": {"string_value": str(threads)}}}
    session = ort.InferenceSession(path, session_options(config), providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return lambda tensors: dict(zip(names, session.run(names, tensors), strict=True))


def manifest(net: str) -> Manifest:
    """Return the manifest of an exported net."""
    return load_manifest(manifest_path(REPOSITORY, net))


def joined(preprocess: Callable[..., Tensors], net: Runner, postprocess: Callable[..., Tensors]) -> Pipeline:
    """Return the stages and the net between them as one: what stage takes what, names of tensors say."""
    return lambda image: postprocess(**_before_the_last(preprocess, net, image))


def fanning_out(
    preprocess: Callable[..., Tensors],
    net: Runner,
    postprocess: Callable[..., Coroutine[Any, Any, Tensors]],
    others: Mapping[str, Runner],
) -> Pipeline:
    """Return the same where the last stage runs `others` itself, by their names."""
    loop = asyncio.new_event_loop()  # one for all calls: `asyncio.run` formats what it returns, at a cost

    async def infer(name: str, tensors: Tensors) -> Tensors:
        return others[name](tensors)

    def run(image: bytes) -> Tensors:
        return loop.run_until_complete(postprocess(**_before_the_last(preprocess, net, image), infer=infer))

    return run


def _before_the_last(preprocess: Callable[..., Tensors], net: Runner, image: bytes) -> Tensors:
    """Return what the last stage takes: the net's outputs, and what goes past the net."""
    prepared = preprocess(np.array([image], dtype=np.object_))
    outputs = net({"pixels": prepared.pop("pixels")[None]})
    return prepared | {name: rows[0] for name, rows in outputs.items()}


def classification(
    name: str, postprocess_kind: type[ClassificationPostprocess], runners: Runners = runner
) -> Pipeline:
    """Return a new pipeline of the classification net `name`, whose stages take batches."""
    preprocess, net, postprocess = (
        ClassificationPreprocess(manifest(name)),
        runners(name),
        postprocess_kind(manifest(name)),
    )
    return lambda image: postprocess(**net(preprocess(np.array([[image]], dtype=np.object_))))


def image_similarity(runners: Runners = runner) -> Pipeline:
    """Return a new pipeline that compares a picture with itself."""
    name = "image_similarity_net"
    preprocess, net, postprocess = (
        SimilarityPreprocess(manifest(name)),
        runners(name),
        SimilarityPostprocess(manifest(name)),
    )

    def run(image: bytes) -> Tensors:
        payload = np.array([image], dtype=np.object_)
        prepared = preprocess(payload, payload)
        return postprocess(**net({"pixels": prepared.pop("pixels")}), **prepared)

    return run


@dataclass(frozen=True)
class _Service:
    """The stages of a service and the roles of its nets: the first runs between the stages."""

    preprocess: Callable[..., Any]
    postprocess: Callable[..., Any]
    roles: tuple[str, ...] = ("net",)


def _pipeline(service: str, stages: _Service, runners: Runners = runner) -> Pipeline:
    """Return a new pipeline whose stages take one picture."""
    manifests = [manifest(f"{service}_{role}") for role in stages.roles]
    first, nets = manifests[0].net, {one.net: runners(one.net) for one in manifests}
    preprocess, postprocess = stages.preprocess(manifests[0]), stages.postprocess(*manifests)
    if iscoroutinefunction(postprocess.__call__):
        return fanning_out(preprocess, nets[first], postprocess, nets)
    return joined(preprocess, nets[first], postprocess)


_SERVICES = {
    "foreground_segmentation": _Service(ForegroundPreprocess, ForegroundPostprocess),
    "image_colorization": _Service(ColorizationPreprocess, lambda net: ColorizationPostprocess()),
    "object_detection": _Service(ObjectDetectionPreprocess, ObjectDetectionPostprocess),
    "semantic_segmentation": _Service(SemanticSegmentationPreprocess, SemanticSegmentationPostprocess),
    "instance_segmentation": _Service(
        InstanceSegmentationPreprocess, InstanceSegmentationPostprocess, ("detection_net", "mask_net")
    ),
    "shelf_counting": _Service(
        ShelfCountingPreprocess, ShelfCountingPostprocess, ("detection_net", "classification_net")
    ),
    "ocr": _Service(OcrPreprocess, OcrPostprocess, ("detection_net", "angle_net", "recognition_net")),
}
PIPELINES: dict[str, Callable[..., Pipeline]] = {
    "image_classification": partial(classification, "image_classification_net", ClassificationPostprocess),
    "scene_classification": partial(classification, "scene_classification_net", ScenePostprocess),
    "image_similarity": image_similarity,
    **{name: partial(_pipeline, name, stages) for name, stages in _SERVICES.items()},
}
"""By service, what makes a new pipeline; `runners` makes the runners of its nets."""
