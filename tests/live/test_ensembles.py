"""The ensembles as Triton's own clients see them: both protocols alike, batches honest, errors alone."""

import base64
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import orjson
import pytest
from tritonclient.grpc.model_config_pb2 import DataType
from tritonclient.utils import InferenceServerException, triton_to_np_dtype

from embedded.paths import REPOSITORY
from embedded.system import System
from gateway.responses import PiecewiseResponse, success
from gateway.services import SERVICES, Service
from tests import web
from tests.hazards import HAZARDS, REFUSED, Hazard, every_refused
from tests.live.triton import Arrays, infer_grpc, infer_http, payloads
from tests.repository.test_configs import NETS, by_name
from vision.manifest import load_manifest, manifest_path
from vision.stage_times import STAGE_TIMES

TOLERANCE = 1e-5
WILD = 320
"""What a net is given where its config leaves a side open and its manifest names none."""

every_service = pytest.mark.parametrize("service", SERVICES.values(), ids=list(SERVICES))


def inputs(service: Service, *files: bytes) -> Arrays:
    """The ensemble's tensors for one request, or for a batch where it takes one; each picture field alike."""
    return {name: payloads(*files, batched=service.batched) for name in service.pictures}


def rendered(service: Service, outputs: Arrays) -> dict[str, object]:
    """What the gateway makes of an ensemble's outputs, less the common fields."""
    response = success("id", service.render(outputs))
    body = b"".join(response.pieces()) if isinstance(response, PiecewiseResponse) else response.body
    fields: dict[str, object] = orjson.loads(body)
    del fields["request_id"], fields["success"]
    return fields


@every_service
@pytest.mark.parametrize("picture", ["astronaut.png", "page.png"])
def test_json_grpc_and_http_answer_alike(
    service: Service, picture: str, system: System, sample_pictures: Path
) -> None:
    file = (sample_pictures / picture).read_bytes()
    body = dict.fromkeys(service.pictures, base64.b64encode(file).decode())
    answer = web.post(f"{system.gateway_url()}/api/predict/{service.name}", json=body, timeout=60).json()
    del answer["request_id"], answer["success"]
    over_grpc = infer_grpc(system.settings.triton_grpc_url, service.name, inputs(service, file))
    over_http = infer_http(system.triton_url().removeprefix("http://"), service.name, inputs(service, file))
    for outputs in (over_grpc, over_http):
        assert rendered(service, outputs) == answer


@every_service
def test_plain_json_is_answered_in_plain_json(
    service: Service, system: System, sample_pictures: Path
) -> None:
    """Without the protocol's binary parts, as the API page has it; what is no text would break it."""
    text = base64.b64encode((sample_pictures / "page.png").read_bytes()).decode()
    shape = [1, 1] if service.batched else [1]
    tensors = [
        {"name": name, "shape": shape, "datatype": "BYTES", "data": [text]} for name in service.pictures
    ]
    url = f"{system.triton_url()}/v2/models/{service.name}/infer"
    response = web.post(url, json={"inputs": tensors}, timeout=60)
    found = {one["name"]: one for one in orjson.loads(response.content)["outputs"]}
    assert response.status_code == 200
    if "out_image" in found:
        (picture,) = found["out_image"]["data"]
        assert base64.b64decode(picture, validate=True).startswith(b"\xff\xd8\xff")


@every_service
def test_an_answer_tells_when_the_steps_were_at_work(
    service: Service, triton_grpc_url: str, sample_pictures: Path
) -> None:
    files = [(sample_pictures / name).read_bytes() for name in ("astronaut.png", "coffee.png")]
    files = files if service.batched else files[:1]
    sent_at = time.time_ns()
    times = infer_grpc(triton_grpc_url, service.name, inputs(service, *files))[STAGE_TIMES]
    received_at = time.time_ns()
    assert times.shape == ((len(files), 4) if service.batched else (4,))
    for row in times.reshape(-1, 4):
        assert sent_at < row[0] < row[1] < row[2] < row[3] < received_at


def test_a_picture_in_a_batch_is_answered_as_if_alone(triton_grpc_url: str, sample_pictures: Path) -> None:
    files = [(sample_pictures / name).read_bytes() for name in ("chelsea.png", "coffee.png", "flower.jpg")]
    service = "image_classification"
    together = infer_grpc(triton_grpc_url, service, {"image": payloads(*files, batched=True)})
    for row, file in enumerate(files):
        alone = infer_grpc(triton_grpc_url, service, {"image": payloads(file, batched=True)})
        assert together["class_name"][row] == alone["class_name"][0]
        assert np.abs(together["class_probs"][row] - alone["class_probs"][0]).max() <= TOLERANCE


@by_name({name: config for name, config in NETS.items() if config.max_batch_size > 1})
def test_a_row_in_a_nets_batch_equals_the_row_alone(name: str, triton_grpc_url: str) -> None:
    (entry,) = NETS[name].input
    side = int(str(load_manifest(manifest_path(REPOSITORY, name)).settings.get("size", WILD)))
    shape = [side if dim < 0 else dim for dim in entry.dims]
    dtype = triton_to_np_dtype(DataType.Name(entry.data_type).removeprefix("TYPE_"))
    rows = np.random.default_rng(11).integers(0, 255, (3, *shape)).astype(dtype)
    together = infer_grpc(triton_grpc_url, name, {entry.name: rows})
    for index in range(len(rows)):
        alone = infer_grpc(triton_grpc_url, name, {entry.name: rows[index : index + 1]})
        for output, array in alone.items():
            assert np.isfinite(array).all()
            assert np.abs(together[output][index] - array[0]).max(initial=0) <= TOLERANCE


@every_service
@every_refused
def test_a_refused_picture_carries_its_code(service: Service, hazard: Hazard, triton_grpc_url: str) -> None:
    with pytest.raises(InferenceServerException, match=rf"\[{hazard.code}\] ") as caught:
        infer_grpc(triton_grpc_url, service.name, inputs(service, hazard.make()))
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
    del outputs[STAGE_TIMES]
    assert {name: array.shape[0] for name, array in outputs.items()} == dict.fromkeys(outputs, 0)
    assert outputs["detection_keypoints"].shape == (0, 4, 2)


def test_no_things_are_an_answer_with_empty_masks(triton_grpc_url: str) -> None:
    black = next(hazard for hazard in HAZARDS if hazard.name == "empty_black")
    inputs = {"image": payloads(black.make(), batched=False)}
    outputs = infer_grpc(triton_grpc_url, "instance_segmentation", inputs)
    del outputs[STAGE_TIMES]
    assert tuple(outputs.pop("detection_masks_size").tolist()) == black.upright[::-1]
    assert {name: array.shape[0] for name, array in outputs.items()} == dict.fromkeys(outputs, 0)
