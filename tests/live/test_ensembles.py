"""The ensembles as Triton's own clients see them: both protocols alike, batches honest, errors alone."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from tritonclient.utils import InferenceServerException

from embedded.system import System
from tests.hazards import HAZARDS, Hazard
from tests.live.triton import infer_grpc, infer_http, payloads

BATCHED = {"image_classification": True, "ocr": False}
TOLERANCE = 1e-5
REFUSED = [hazard for hazard in HAZARDS if hazard.code is not None]


@pytest.fixture(scope="session")
def triton_http_url(system: System) -> str:
    return system.triton_url().removeprefix("http://")


@pytest.mark.parametrize("service", BATCHED)
def test_http_and_grpc_answer_alike(
    service: str, triton_grpc_url: str, triton_http_url: str, sample_pictures: Path
) -> None:
    image = payloads((sample_pictures / "page.png").read_bytes(), batched=BATCHED[service])
    over_grpc = infer_grpc(triton_grpc_url, service, {"image": image})
    over_http = infer_http(triton_http_url, service, {"image": image})
    assert over_grpc.keys() == over_http.keys()
    for name, array in over_grpc.items():
        assert array.shape == over_http[name].shape
        assert (array == over_http[name]).all()


def test_a_picture_in_a_batch_is_answered_as_if_alone(triton_grpc_url: str, sample_pictures: Path) -> None:
    files = [(sample_pictures / name).read_bytes() for name in ("chelsea.png", "coffee.png", "flower.jpg")]
    service = "image_classification"
    together = infer_grpc(triton_grpc_url, service, {"image": payloads(*files, batched=True)})
    for row, file in enumerate(files):
        alone = infer_grpc(triton_grpc_url, service, {"image": payloads(file, batched=True)})
        assert together["class_name"][row] == alone["class_name"][0]
        assert np.abs(together["class_probs"][row] - alone["class_probs"][0]).max() <= TOLERANCE


@pytest.mark.parametrize(
    ("net", "tensor", "shape"),
    [
        ("image_classification_net", "pixels", (280, 280, 3)),
        ("ocr_detection_net", "pixels", (96, 160, 3)),
        ("ocr_angle_net", "lines", (48, 192, 3)),
        ("ocr_recognition_net", "lines", (48, 320, 3)),
    ],
)
def test_a_row_in_a_nets_batch_equals_the_row_alone(
    net: str, tensor: str, shape: tuple[int, ...], triton_grpc_url: str
) -> None:
    rows = np.random.default_rng(11).integers(0, 255, (3, *shape), dtype=np.uint8)
    together = infer_grpc(triton_grpc_url, net, {tensor: rows})
    for index in range(len(rows)):
        alone = infer_grpc(triton_grpc_url, net, {tensor: rows[index : index + 1]})
        for name, array in alone.items():
            assert np.isfinite(array).all()
            assert np.abs(together[name][index] - array[0]).max() <= TOLERANCE


@pytest.mark.parametrize("service", BATCHED)
@pytest.mark.parametrize("hazard", REFUSED, ids=[hazard.name for hazard in REFUSED])
def test_a_refused_picture_carries_its_code(service: str, hazard: Hazard, triton_grpc_url: str) -> None:
    image = payloads(hazard.make(), batched=BATCHED[service])
    with pytest.raises(InferenceServerException, match=rf"\[{hazard.code}\] ") as caught:
        infer_grpc(triton_grpc_url, service, {"image": image})
    assert caught.value.status() == "StatusCode.INVALID_ARGUMENT"


def test_bad_requests_among_good_ones_fail_alone(triton_grpc_url: str, sample_pictures: Path) -> None:
    """Sent at once, so that the net's dynamic batches mix what is around them."""
    good = [(sample_pictures / name).read_bytes() for name in ("chelsea.png", "coffee.png", "rocket.jpg")]
    bad = [hazard.make() for hazard in REFUSED]
    service = "image_classification"

    def answer(file: bytes) -> bytes | str:
        try:
            outputs = infer_grpc(triton_grpc_url, service, {"image": payloads(file, batched=True)})
        except InferenceServerException as error:
            return str(error.status())
        name: bytes = outputs["class_name"][0, 0]
        return name

    expected = [answer(file) for file in good]
    files = [*good, *bad] * 6
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(answer, files))
    width = len(good) + len(bad)
    for start in range(0, len(answers), width):
        assert answers[start : start + len(good)] == expected
        assert set(answers[start + len(good) : start + width]) == {"StatusCode.INVALID_ARGUMENT"}


def test_no_text_is_an_answer_with_empty_tensors(triton_grpc_url: str) -> None:
    black = next(hazard for hazard in HAZARDS if hazard.name == "empty_black").make()
    outputs = infer_grpc(triton_grpc_url, "ocr", {"image": payloads(black, batched=False)})
    assert {name: array.shape[0] for name, array in outputs.items()} == dict.fromkeys(outputs, 0)
    assert outputs["detection_keypoints"].shape == (0, 4, 2)
