import asyncio
import io

import httpx
import pytest
from PIL import Image

from gateway.errors import DeadlinePassed, InternalFault, ModelUnavailable
from gateway.health import white_png
from gateway.schemas import NotReady, Ready
from gateway.services import SERVICES
from gateway.settings import Settings
from modelhub_pictures.errors import NotAnImage
from tests.unit.gateway.conftest import PICTURE_BASE64, client_of
from tests.unit.gateway.fakes import FakeTriton

GOOD = {"image": PICTURE_BASE64}
BOTH = frozenset({"image_classification", "ocr"})


async def ready(client: httpx.AsyncClient) -> Ready:
    response = await client.get("/health/ready")
    assert response.status_code == 200, response.text
    return Ready.model_validate_json(response.content)


async def not_ready(client: httpx.AsyncClient) -> NotReady:
    response = await client.get("/health/ready")
    assert response.status_code == 503, response.text
    answer = NotReady.model_validate_json(response.content)
    assert answer.error_code == 50301
    assert response.headers["x-request-id"] == answer.request_id
    return answer


async def test_live_is_the_answer_itself(client: httpx.AsyncClient, triton: FakeTriton) -> None:
    triton.loaded = ModelUnavailable()
    response = await client.get("/health/live")
    assert response.status_code == 200
    assert response.json() == {"request_id": response.headers["x-request-id"], "success": True}


async def test_ready_is_proved_by_a_real_inference_through_each_service(
    client: httpx.AsyncClient, triton: FakeTriton
) -> None:
    answer = await ready(client)
    assert answer.services.keys() == SERVICES.keys()
    assert {answer.services[name].reason for name in BOTH} == {"answered a probe"}
    assert {model for model, *_ in triton.calls} == BOTH
    assert all(inputs["image"].item().startswith(b"\x89PNG") for _, inputs, *_ in triton.calls)


async def test_a_proof_holds_for_its_age(client: httpx.AsyncClient, triton: FakeTriton) -> None:
    for _ in range(3):
        await ready(client)
    assert len(triton.calls) == 2


async def test_a_real_answer_is_a_proof(client: httpx.AsyncClient, triton: FakeTriton) -> None:
    await client.post("/api/predict/ocr", json=GOOD)
    assert (await ready(client)).services["ocr"].reason == "answered 0 s ago"
    assert [model for model, *_ in triton.calls].count("ocr") == 1


async def test_a_triton_that_was_away_has_to_prove_itself_again(
    client: httpx.AsyncClient, triton: FakeTriton
) -> None:
    await ready(client)
    there, triton.loaded = triton.loaded, ModelUnavailable()
    await not_ready(client)
    triton.loaded = there
    await ready(client)
    assert len(triton.calls) == 4


async def test_without_age_every_check_asks(triton: FakeTriton) -> None:
    async with client_of(Settings(readiness_max_age_s=0), triton) as client:
        for _ in range(3):
            await ready(client)
    assert len(triton.calls) == 6


@pytest.mark.parametrize("error", [InternalFault(), ModelUnavailable(), DeadlinePassed(), RuntimeError("?")])
async def test_a_fault_revokes_the_proof(
    client: httpx.AsyncClient, triton: FakeTriton, error: Exception
) -> None:
    await ready(client)
    good, triton.outputs["ocr"] = triton.outputs["ocr"], error
    await client.post("/api/predict/ocr", json=GOOD)
    answer = await not_ready(client)
    assert answer.services["image_classification"].ready
    assert not answer.services["ocr"].ready
    assert answer.error_msg.startswith("not ready: ocr: ")
    assert "RuntimeError" not in answer.error_msg
    triton.outputs["ocr"] = good
    await ready(client)


async def test_a_deadline_that_the_caller_shortened_revokes_nothing(
    client: httpx.AsyncClient, triton: FakeTriton
) -> None:
    await ready(client)
    triton.hangs = True
    headers = {"X-ModelHub-Timeout-Ms": "20"}
    response = await client.post("/api/predict/ocr", json=GOOD, headers=headers)
    assert response.json()["error_code"] == 50401
    triton.hangs = False
    await ready(client)
    assert len(triton.calls) == 3


async def test_a_bad_picture_of_a_caller_revokes_nothing(
    client: httpx.AsyncClient, triton: FakeTriton
) -> None:
    await ready(client)
    triton.outputs["ocr"] = NotAnImage("no image")
    await client.post("/api/predict/ocr", json=GOOD)
    assert (await ready(client)).services["ocr"].ready


async def test_a_probe_whose_picture_is_refused_is_not_ready(
    client: httpx.AsyncClient, triton: FakeTriton
) -> None:
    triton.outputs["ocr"] = NotAnImage("no image")
    assert "ocr: its answer to a probe is faulty" in (await not_ready(client)).error_msg


async def test_what_is_not_loaded_does_not_keep_the_rest_from_being_ready(
    client: httpx.AsyncClient, triton: FakeTriton
) -> None:
    triton.loaded = frozenset({"ocr", "ocr_preprocess", "something_else"})
    answer = await ready(client)
    assert answer.services.keys() == SERVICES.keys()
    assert answer.services["image_classification"].model_dump() == {
        "loaded": False,
        "ready": False,
        "reason": "not loaded",
    }


async def test_nothing_loaded_is_not_ready(client: httpx.AsyncClient, triton: FakeTriton) -> None:
    triton.loaded = frozenset({"something_else"})
    assert (await not_ready(client)).error_msg == "not ready: not loaded"


async def test_triton_away_is_not_ready(client: httpx.AsyncClient, triton: FakeTriton) -> None:
    await ready(client)
    triton.loaded = ModelUnavailable()
    assert (await not_ready(client)).error_msg == "not ready: the inference server is not reachable"


async def test_many_checks_at_once_are_one_probe(triton: FakeTriton) -> None:
    triton.hangs = True
    async with client_of(Settings(deadline_s=0.2), triton) as client:
        answers = await asyncio.gather(*(not_ready(client) for _ in range(20)))
    assert len(triton.calls) == 2
    assert all("deadline" in answer.error_msg for answer in answers)


async def test_a_checker_that_gives_up_does_not_stop_the_probe(triton: FakeTriton) -> None:
    triton.hangs = True
    async with client_of(Settings(deadline_s=0.2), triton) as client:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(client.get("/health/ready"), 0.05)
        await not_ready(client)
    assert (len(triton.calls), triton.cancelled) == (2, 0)


def test_the_probe_picture_is_white() -> None:
    with Image.open(io.BytesIO(white_png(3))) as picture:
        assert (picture.format, picture.mode, picture.size) == ("PNG", "L", (3, 3))
        assert picture.getextrema() == (255, 255)
