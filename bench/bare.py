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


def classification(name: str, postprocess_kind: type[ClassificationPostprocess]) -> Pipeline:
    """Return a new pipeline of the classification net `name`, for one thread."""
    preprocess, net, postprocess = (
        ClassificationPreprocess(manifest(name)),
        runner(name),
        postprocess_kind(manifest(name)),
    )
    return lambda image: postprocess(**net(preprocess(np.array([[image]], dtype=np.object_))))


def image_classification() -> Pipeline:
    """Return a new pipeline, for one thread."""
    return classification("image_classification_net", ClassificationPostprocess)


def scene_classification() -> Pipeline:
    """Return a new pipeline, for one thread."""
    return classification("scene_classification_net", ScenePostprocess)


def image_similarity() -> Pipeline:
    """Return a new pipeline, for one thread, that compares a picture with itself."""
    name = "image_similarity_net"
    preprocess, net, postprocess = (
        SimilarityPreprocess(manifest(name)),
        runner(name),
        SimilarityPostprocess(manifest(name)),
    )

    def run(image: bytes) -> Tensors:
        payload = np.array([image], dtype=np.object_)
        return postprocess(**net(preprocess(payload, payload)))

    return run


def foreground_segmentation() -> Pipeline:
    """Return a new pipeline, for one thread."""
    name = "foreground_segmentation_net"
    net = runner(name)
    preprocess, postprocess = ForegroundPreprocess(manifest(name)), ForegroundPostprocess(manifest(name))

    def run(image: bytes) -> Tensors:
        prepared = preprocess(np.array([image], dtype=np.object_))
        alpha = net({"pixels": prepared["pixels"][None]})["alpha"][0]
        return postprocess(alpha, prepared["picture_size"])

    return run


def image_colorization() -> Pipeline:
    """Return a new pipeline, for one thread."""
    name = "image_colorization_net"
    net = runner(name)
    preprocess, postprocess = ColorizationPreprocess(manifest(name)), ColorizationPostprocess(manifest(name))

    def run(image: bytes) -> Tensors:
        prepared = preprocess(np.array([image], dtype=np.object_))
        chroma = net({"pixels": prepared["pixels"][None]})["chroma"][0]
        return postprocess(chroma, prepared["luma"])

    return run


def object_detection() -> Pipeline:
    """Return a new pipeline, for one thread."""
    name = "object_detection_net"
    net = runner(name)
    preprocess = ObjectDetectionPreprocess(manifest(name))
    postprocess = ObjectDetectionPostprocess(manifest(name))

    def run(image: bytes) -> Tensors:
        prepared = preprocess(np.array([image], dtype=np.object_))
        raw = net({"pixels": prepared["pixels"][None]})
        return postprocess(raw["box_encodings"][0], raw["class_logits"][0], prepared["picture_size"])

    return run


def semantic_segmentation() -> Pipeline:
    """Return a new pipeline, for one thread."""
    name = "semantic_segmentation_net"
    net = runner(name)
    preprocess = SemanticSegmentationPreprocess(manifest(name))
    postprocess = SemanticSegmentationPostprocess(manifest(name))

    def run(image: bytes) -> Tensors:
        prepared = preprocess(np.array([image], dtype=np.object_))
        class_probs = net({"pixels": prepared["pixels"][None]})["class_probs"][0]
        return postprocess(class_probs, prepared["picture_size"])

    return run


def instance_segmentation() -> Pipeline:
    """Return a new pipeline, for one thread."""
    names = ("instance_segmentation_detection_net", "instance_segmentation_mask_net")
    detect, mask = (runner(name) for name in names)
    preprocess = InstanceSegmentationPreprocess(manifest(names[0]))
    postprocess = InstanceSegmentationPostprocess(*(manifest(name) for name in names))
    loop = asyncio.new_event_loop()

    async def infer(_name: str, tensors: Tensors) -> Tensors:
        return mask(tensors)

    def run(image: bytes) -> Tensors:
        prepared = preprocess(np.array([image], dtype=np.object_))
        raw = detect({"pixels": prepared.pop("pixels")[None]})
        first = {tensor: rows[0] for tensor, rows in raw.items()}
        return loop.run_until_complete(postprocess(**first, **prepared, infer=infer))

    return run


def shelf_counting() -> Pipeline:
    """Return a new pipeline, for one thread."""
    names = ("shelf_counting_detection_net", "shelf_counting_classification_net")
    detect, classify = (runner(name) for name in names)
    preprocess = ShelfCountingPreprocess(manifest(names[0]))
    postprocess = ShelfCountingPostprocess(*(manifest(name) for name in names))
    loop = asyncio.new_event_loop()

    async def infer(_name: str, tensors: Tensors) -> Tensors:
        return classify(tensors)

    def run(image: bytes) -> Tensors:
        prepared = preprocess(np.array([image], dtype=np.object_))
        candidates = detect({"pixels": prepared.pop("pixels")[None]})["candidates"][0]
        return loop.run_until_complete(postprocess(candidates=candidates, **prepared, infer=infer))

    return run


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


PIPELINES: dict[str, Callable[[], Pipeline]] = {
    "image_classification": image_classification,
    "scene_classification": scene_classification,
    "image_similarity": image_similarity,
    "foreground_segmentation": foreground_segmentation,
    "image_colorization": image_colorization,
    "object_detection": object_detection,
    "semantic_segmentation": semantic_segmentation,
    "instance_segmentation": instance_segmentation,
    "shelf_counting": shelf_counting,
    "ocr": ocr,
}
