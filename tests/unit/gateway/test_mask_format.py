"""Masks in the form that the query names, read by COCO's tools, by Pillow and by the client."""

import base64
import io
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as coco
from pydantic import TypeAdapter

from gateway.services import SERVICES
from modelhub.masks import classes_of_pixels, decoded
from modelhub_pictures.voc import VOC_CLASSES
from tests.unit.gateway.checks import assert_failure
from tests.unit.gateway.conftest import PICTURE_BASE64
from tests.unit.gateway.fakes import FakeTriton
from tests.unit.gateway.segmented import MASKED, foreground, instances, semantic
from vision.mask_formats import MASK_FORMATS

GOOD = {"image": PICTURE_BASE64}
ROUNDS = range(5)


async def asked(client: httpx.AsyncClient, service: str, query: str = "") -> dict[str, Any]:
    response = await client.post(f"/api/predict/{service}{query}", json=GOOD)
    assert response.status_code == 200, response.text
    models = SERVICES[service].answers_in_form if query else (SERVICES[service].answer,)
    valid: Any = models[0]
    for model in models[1:]:
        valid |= model
    TypeAdapter(valid).validate_json(response.content)
    answer: dict[str, Any] = response.json()
    return answer


@pytest.mark.parametrize("form", MASK_FORMATS)
@pytest.mark.parametrize("seed", ROUNDS)
async def test_one_mask_is_the_same_in_every_form(
    client: httpx.AsyncClient, triton: FakeTriton, form: str, seed: int
) -> None:
    outputs = triton.outputs["foreground_segmentation"] = foreground(np.random.default_rng(seed))
    answer = await asked(client, "foreground_segmentation", f"?mask_format={form}")
    assert list(answer) == ["request_id", "success", "human_ratio", "mask"]
    assert np.array_equal(decoded(answer["mask"]), outputs["mask"])


@pytest.mark.parametrize("form", MASK_FORMATS)
@pytest.mark.parametrize("seed", ROUNDS)
async def test_every_things_mask_is_the_same_in_every_form(
    client: httpx.AsyncClient, triton: FakeTriton, form: str, seed: int
) -> None:
    triton.outputs["instance_segmentation"] = instances(np.random.default_rng(seed))
    plain = await asked(client, "instance_segmentation")
    answer = await asked(client, "instance_segmentation", f"?mask_format={form}")
    assert list(answer) == list(plain)
    for mask, one in zip(answer["detection_masks"], plain["detection_masks"], strict=True):
        assert np.array_equal(decoded(mask), decoded(one))
    assert {key: value for key, value in answer.items() if key not in ("detection_masks", "request_id")} == {
        key: value for key, value in plain.items() if key not in ("detection_masks", "request_id")
    }


@pytest.mark.parametrize("form", MASK_FORMATS)
async def test_nothing_found_is_no_masks(client: httpx.AsyncClient, triton: FakeTriton, form: str) -> None:
    triton.outputs["instance_segmentation"] = instances(np.random.default_rng(0), number=0)
    answer = await asked(client, "instance_segmentation", f"?mask_format={form}")
    assert answer["detection_masks"] == []


@pytest.mark.parametrize("seed", ROUNDS)
async def test_classes_as_pictures_lose_nothing_but_the_last_bits_of_probabilities(
    client: httpx.AsyncClient, triton: FakeTriton, seed: int
) -> None:
    outputs = triton.outputs["semantic_segmentation"] = semantic(np.random.default_rng(seed))
    answer = await asked(client, "semantic_segmentation", "?mask_format=png")
    assert list(answer) == ["request_id", "success", "probs", "preds"]
    preds, probs = (Image.open(io.BytesIO(base64.b64decode(answer[name]))) for name in ("preds", "probs"))
    assert (preds.format, preds.mode, probs.mode) == ("PNG", "L", "L")
    assert np.array_equal(np.asarray(preds), outputs["preds"])
    assert np.abs(np.asarray(probs) / 255 - outputs["probs"]).max() <= 0.5 / 255 + 1e-6


@pytest.mark.parametrize("form", [form for form in MASK_FORMATS if form != "png"])
@pytest.mark.parametrize("seed", ROUNDS)
async def test_classes_as_regions_are_the_same_pixels(
    client: httpx.AsyncClient, triton: FakeTriton, form: str, seed: int
) -> None:
    outputs = triton.outputs["semantic_segmentation"] = semantic(np.random.default_rng(seed))
    answer = await asked(client, "semantic_segmentation", f"?mask_format={form}")
    assert list(answer) == ["request_id", "success", "preds"]
    assert [region["class"] for region in answer["preds"]] == np.unique(outputs["preds"]).tolist()
    for region in answer["preds"]:
        mask = outputs["preds"] == region["class"]
        assert region["class_name"] == VOC_CLASSES[region["class"]]
        assert np.array_equal(decoded(region["mask"]), mask)
        assert region["prob"] == pytest.approx(outputs["probs"][mask].mean(dtype=np.float64), abs=1e-6)
    assert np.array_equal(classes_of_pixels(answer)[0], outputs["preds"])


async def test_coco_reads_what_is_sent(client: httpx.AsyncClient, triton: FakeTriton) -> None:
    outputs = triton.outputs["foreground_segmentation"] = foreground(np.random.default_rng(7))
    answer = await asked(client, "foreground_segmentation", "?mask_format=coco_rle")
    assert np.array_equal(coco.decode(answer["mask"]), outputs["mask"])


@pytest.mark.parametrize("service", MASKED)
async def test_without_the_query_and_with_others_the_answer_is_the_contracts(
    client: httpx.AsyncClient, triton: FakeTriton, service: str
) -> None:
    triton.outputs[service] = MASKED[service](np.random.default_rng(1))
    one = await client.post(f"/api/predict/{service}", json=GOOD)
    other = await client.post(f"/api/predict/{service}?mask=png&maskformat=rle", json=GOOD)
    SERVICES[service].answer.model_validate_json(one.content)
    assert one.json() | {"request_id": ""} == other.json() | {"request_id": ""}
    assert len(one.content) == len(other.content)


@pytest.mark.parametrize(
    "query", ["mask_format=", "mask_format=PNG", "mask_format=bmp", "mask_format=png&mask_format=png"]
)
@pytest.mark.parametrize("service", MASKED)
async def test_another_form_is_refused_and_those_there_are_are_named(
    client: httpx.AsyncClient, triton: FakeTriton, service: str, query: str
) -> None:
    failure = assert_failure(await client.post(f"/api/predict/{service}?{query}", json=GOOD), 40002)
    assert failure.error_msg == "mask_format: one of rle, coco_rle, png, polygon is allowed, once"
    assert not triton.calls


@pytest.mark.parametrize("service", [name for name in SERVICES if name not in MASKED])
async def test_a_service_without_masks_refuses_every_form(
    client: httpx.AsyncClient, triton: FakeTriton, service: str
) -> None:
    failure = assert_failure(await client.post(f"/api/predict/{service}?mask_format=rle", json=GOOD), 40002)
    assert all(name in failure.error_msg for name in MASKED)
    assert not triton.calls


def test_the_services_with_masks_are_those_that_know_forms() -> None:
    assert {name for name, service in SERVICES.items() if service.answers_in_form} == set(MASKED)
