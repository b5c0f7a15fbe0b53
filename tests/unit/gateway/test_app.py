"""Requests and answers, field by field."""

import base64
import re
from typing import Any

import httpx
import numpy as np
import pytest

from gateway.services import SERVICES
from gateway.settings import Settings
from tests.unit.gateway.checks import assert_failure
from tests.unit.gateway.conftest import PICTURE, PICTURE_BASE64, client_of
from tests.unit.gateway.fakes import LABELS, FakeTriton, ocr, strings
from vision.manifest import SEEDED_NETS

GOOD = {"image": PICTURE_BASE64}
DETECTION_FIELDS = {"detection_boxes", "detection_scores", "detection_classes", "detection_class_names"}
OCR_FIELDS = DETECTION_FIELDS | {
    "detection_keypoints",
    "detection_texts_ids",
    "detection_texts",
    "detection_texts_scores",
}


async def post(
    client: httpx.AsyncClient,
    service: str,
    json: object = GOOD,
    content: bytes | None = None,
    headers: dict[str, str] | None = None,
) -> dict[str, Any]:
    body: dict[str, Any] = {"json": json} if content is None else {"content": content}
    response = await client.post(f"/api/predict/{service}", headers=headers, **body)
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/json; charset=utf-8"
    answer: dict[str, Any] = response.json()
    assert answer["success"] is True
    assert re.fullmatch("[0-9a-f]{32}", answer["request_id"])
    assert response.headers["x-request-id"] == answer["request_id"]
    SERVICES[service].answer.model_validate_json(response.content)
    return answer


async def test_image_classification(client: httpx.AsyncClient) -> None:
    answer = await post(client, "image_classification")
    assert set(answer) == {"class", "class_name", "class_probs", "request_id", "success"}
    assert answer["class"] == 1
    assert answer["class_name"] == "goldfish"
    assert list(answer["class_probs"]) == list(LABELS)
    assert list(answer["class_probs"].values()) == [0.125, 0.75, float(np.float32(0.1))]


async def test_ocr(client: httpx.AsyncClient) -> None:
    answer = await post(client, "ocr")
    assert set(answer) == OCR_FIELDS | {"request_id", "success"}
    assert answer["detection_texts"] == ["Hello", "你好"]
    assert answer["detection_class_names"] == ["text", "text"]
    assert answer["detection_boxes"] == [[1.5, 2.0, 30.0, 40.0]] * 2
    assert answer["detection_keypoints"][0] == [[1.5, 2.0], [1.5, 40.0], [30.0, 40.0], [30.0, 2.0]]
    assert answer["detection_texts_ids"] == [[0] * 5] * 2


async def test_semantic_segmentation(client: httpx.AsyncClient, triton: FakeTriton) -> None:
    probs = np.array([[0.5, 1], [0.25, 0.1234], [0.3, 1]], dtype=np.float32)
    preds = np.array([[0, 20], [7, 15], [1, 3]], dtype=np.uint8)
    triton.outputs["semantic_segmentation"] = {"probs": probs, "preds": preds}
    answer = await post(client, "semantic_segmentation")
    assert list(answer) == ["request_id", "success", "probs", "preds"]
    assert answer["preds"] == preds.tolist()
    assert answer["probs"] == [[0.5, 1.0], [0.25, 0.1234], [0.3, 1.0]]


async def test_an_answer_large_enough_for_threads(client: httpx.AsyncClient, triton: FakeTriton) -> None:
    random = np.random.default_rng(6)
    probs = (random.integers(0, 10_001, (700, 900)) / 10_000).astype(np.float32)
    preds = random.integers(0, 21, (700, 900)).astype(np.uint8)
    triton.outputs["semantic_segmentation"] = {"probs": probs, "preds": preds}
    plain = {"Accept-Encoding": "identity"}
    response = await client.post("/api/predict/semantic_segmentation", json=GOOD, headers=plain)
    assert int(response.headers["content-length"]) == len(response.content) > 5_000_000
    answer = response.json()
    assert np.array_equal(np.array(answer["probs"], dtype=np.float32), probs)
    assert np.array_equal(answer["preds"], preds)


async def test_a_probability_that_is_no_number_is_a_fault(
    client: httpx.AsyncClient, triton: FakeTriton
) -> None:
    probs = np.full((600, 600), np.nan, dtype=np.float32)
    triton.outputs["semantic_segmentation"] = {"probs": probs, "preds": np.zeros((600, 600), np.uint8)}
    assert_failure(await client.post("/api/predict/semantic_segmentation", json=GOOD), 50001)


@pytest.mark.parametrize("counts", [[], [[6]], [[0, 1, 2, 3], [6]]])
async def test_instance_segmentation(
    client: httpx.AsyncClient, triton: FakeTriton, counts: list[list[int]]
) -> None:
    found = len(counts)
    detections = {name: tensor for name, tensor in ocr(["a"] * found).items() if name in DETECTION_FIELDS}
    triton.outputs["instance_segmentation"] = detections | {
        "detection_masks_counts": np.array([one for mask in counts for one in mask], dtype=np.int32),
        "detection_masks_lengths": np.array([len(mask) for mask in counts], dtype=np.int32),
        "detection_masks_size": np.array([2, 3], dtype=np.int32),
    }
    answer = await post(client, "instance_segmentation")
    assert set(answer) == DETECTION_FIELDS | {"detection_masks", "request_id", "success"}
    assert answer["detection_masks"] == [{"counts": mask, "size": [2, 3]} for mask in counts]
    assert len(answer["detection_boxes"]) == found


async def test_no_text_is_an_answer_with_every_key(client: httpx.AsyncClient, triton: FakeTriton) -> None:
    triton.outputs["ocr"] = ocr([])
    answer = await post(client, "ocr")
    assert set(answer) == OCR_FIELDS | {"request_id", "success"}
    assert all(answer[name] == [] for name in OCR_FIELDS)


@pytest.mark.parametrize(("service", "shape"), [("image_classification", (1, 1)), ("ocr", (1,))])
async def test_the_files_bytes_go_to_the_ensemble_of_the_same_name(
    client: httpx.AsyncClient, triton: FakeTriton, service: str, shape: tuple[int, ...]
) -> None:
    answer = await post(client, service)
    ((model, inputs, request_id, timeout_s),) = triton.calls
    assert model == service
    assert inputs["image"].shape == shape
    assert inputs["image"].item() == PICTURE
    assert request_id == answer["request_id"]
    assert 29 < timeout_s <= 30


@pytest.mark.parametrize(
    "text",
    [
        f"data:image/png;base64,{PICTURE_BASE64}",
        base64.encodebytes(PICTURE).decode(),
        base64.urlsafe_b64encode(PICTURE).decode(),
        PICTURE_BASE64.rstrip("="),
        f"\r\n\t {PICTURE_BASE64}",
    ],
)
async def test_every_accepted_form_of_base64(
    client: httpx.AsyncClient, triton: FakeTriton, text: str
) -> None:
    await post(client, "ocr", json={"image": text})
    assert triton.calls[0][1]["image"].item() == PICTURE


@pytest.mark.parametrize(
    "content_type", [None, "application/octet-stream", "text/plain", "multipart/form-data", "x"]
)
async def test_any_content_type(client: httpx.AsyncClient, content_type: str | None) -> None:
    headers = {"Content-Type": content_type} if content_type else {}
    await post(client, "ocr", content=f'{{"image": "{PICTURE_BASE64}"}}'.encode(), headers=headers)


async def test_fields_that_the_service_does_not_know_are_ignored(client: httpx.AsyncClient) -> None:
    await post(client, "ocr", json=GOOD | {"imageb": 3, "input": {"url": None}})


async def test_the_last_of_two_fields_of_one_name_counts(
    client: httpx.AsyncClient, triton: FakeTriton
) -> None:
    await post(client, "ocr", content=f'{{"image": 1, "image": "{PICTURE_BASE64}"}}'.encode())


async def test_a_body_large_enough_for_a_thread(client: httpx.AsyncClient, triton: FakeTriton) -> None:
    content = bytes(range(256)) * 8192
    await post(client, "ocr", json={"image": base64.b64encode(content).decode()})
    assert triton.calls[0][1]["image"].item() == content


async def test_every_request_has_an_id_of_its_own(client: httpx.AsyncClient) -> None:
    assert len({(await post(client, "ocr"))["request_id"] for _ in range(20)}) == 20


async def test_the_misspelt_key_is_there_only_where_it_is_wished(triton: FakeTriton) -> None:
    async with client_of(Settings(alias_detection_classe_names=True), triton) as client:
        answer = await post(client, "ocr")
        assert answer["detection_classe_names"] == answer["detection_class_names"] == ["text", "text"]
        assert "detection_classe_names" not in await post(client, "image_classification")


def test_answers_are_described_with_all_their_fields() -> None:
    for service in SERVICES.values():
        described = {field.alias or name for name, field in service.answer.model_fields.items()}
        assert described == {*service.fields, "request_id", "success"}


async def test_an_answer_of_seeded_nets_says_so_in_its_headers(
    client: httpx.AsyncClient, triton: FakeTriton
) -> None:
    """And nowhere in its body, which is the documented one."""
    plain = await client.post("/api/predict/image_classification", json=GOOD)
    assert "x-modelhub-weights" not in plain.headers
    outputs = triton.outputs["image_classification"]
    assert isinstance(outputs, dict)
    triton.outputs["image_classification"] = outputs | {SEEDED_NETS: strings("some_net", shape=(1, 1))}
    marked = await client.post("/api/predict/image_classification", json=GOOD)
    assert marked.headers["x-modelhub-weights"] == "seeded"
    assert {**marked.json(), "request_id": ""} == {**plain.json(), "request_id": ""}


async def test_a_large_answer_of_seeded_nets_says_so_too(
    client: httpx.AsyncClient, triton: FakeTriton
) -> None:
    preds = np.zeros((700, 900), dtype=np.uint8)
    triton.outputs["semantic_segmentation"] = {
        "probs": np.zeros((700, 900), dtype=np.float32),
        "preds": preds,
        SEEDED_NETS: strings("some_net"),
    }
    response = await client.post("/api/predict/semantic_segmentation", json=GOOD)
    assert response.status_code == 200
    assert response.headers["x-modelhub-weights"] == "seeded"
