"""Pictures as answers: by `Accept`, drawn as the client draws, after Triton and beside everything else."""

import asyncio
import base64
import io
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from gateway import drawing
from gateway.settings import Settings
from modelhub.present import annotate
from modelhub_pictures.errors import NotAnImage
from tests.hazards import encode, exif_rotated
from tests.unit.gateway.checks import assert_failure
from tests.unit.gateway.conftest import PICTURE, PICTURE_BASE64, client_of
from tests.unit.gateway.fakes import FakeTriton, strings
from tests.unit.gateway.segmented import MASKED
from vision.manifest import SEEDED_NETS

GOOD = {"image": PICTURE_BASE64}
PNG = {"Accept": "image/png"}
URL = "/api/predict/image_classification"


def picture(width: int = 80, height: int = 60) -> Image.Image:
    colours = np.random.default_rng(4).integers(0, 256, (height // 4, width // 4, 3)).astype(np.uint8)
    return Image.fromarray(colours).resize((width, height))


def body(*pictures: bytes) -> dict[str, str]:
    names = ("image",) if len(pictures) == 1 else ("imagea", "imageb")
    return {name: base64.b64encode(one).decode() for name, one in zip(names, pictures, strict=True)}


@pytest.mark.parametrize(("media_type", "form"), [("png", "PNG"), ("jpeg", "JPEG"), ("webp", "WEBP")])
async def test_the_answer_is_a_picture_of_the_type_that_is_asked_for(
    client: httpx.AsyncClient, media_type: str, form: str
) -> None:
    sent = picture()
    response = await client.post(
        URL, json=body(encode(sent, "PNG")), headers={"Accept": f"image/{media_type}"}
    )
    assert response.status_code == 200
    assert response.headers["content-type"] == f"image/{media_type}"
    assert "Accept" in response.headers["vary"].split(", ")
    assert len(response.headers["x-request-id"]) == 32
    drawn = Image.open(io.BytesIO(response.content))
    assert (drawn.format, drawn.size) == (form, sent.size)
    if form == "PNG":
        answer = (await client.post(URL, json=body(encode(sent, "PNG")))).json()
        assert np.array_equal(np.asarray(drawn), np.asarray(annotate("image_classification", answer, sent)))


async def test_json_says_that_it_was_chosen(client: httpx.AsyncClient) -> None:
    assert "Accept" in (await client.post(URL, json=GOOD)).headers["vary"].split(", ")


@pytest.mark.parametrize("service", MASKED)
async def test_masks_are_drawn_whatever_form_of_them_is_asked_for(
    client: httpx.AsyncClient, triton: FakeTriton, service: str
) -> None:
    triton.outputs[service] = MASKED[service](np.random.default_rng(2))
    sent = picture()
    plain = (await client.post(f"/api/predict/{service}", json=body(encode(sent, "PNG")))).json()
    expected = np.asarray(annotate(service, plain, sent))
    assert not np.array_equal(expected, np.asarray(sent))
    for query in ("", "?mask_format=polygon"):
        response = await client.post(
            f"/api/predict/{service}{query}", json=body(encode(sent, "PNG")), headers=PNG
        )
        assert np.array_equal(np.asarray(Image.open(io.BytesIO(response.content))), expected)


async def test_two_pictures_are_shown_side_by_side(client: httpx.AsyncClient, triton: FakeTriton) -> None:
    triton.outputs["image_similarity"] = {"similarity": np.array([50.0]), "l2_distance": np.array([1.0])}
    files = (encode(picture(), "PNG"), encode(picture(40, 90), "PNG"))
    response = await client.post("/api/predict/image_similarity", json=body(*files), headers=PNG)
    assert Image.open(io.BytesIO(response.content)).size == (120, 90)


async def test_a_picture_on_its_side_is_drawn_upright(client: httpx.AsyncClient) -> None:
    file = exif_rotated()
    lying = Image.open(io.BytesIO(file))
    response = await client.post(URL, json=body(file), headers=PNG)
    assert Image.open(io.BytesIO(response.content)).size == (lying.height, lying.width)


async def test_a_large_picture_is_reduced_and_its_boxes_with_it(
    client: httpx.AsyncClient, triton: FakeTriton
) -> None:
    triton.outputs["object_detection"] = {
        "detection_boxes": np.array([[1000, 2000, 1500, 3000]], dtype=np.float32),
        "detection_scores": np.ones(1, dtype=np.float32),
        "detection_classes": np.ones(1, dtype=np.int32),
        "detection_class_names": strings("cat"),
    }
    file = encode(Image.new("RGB", (4096, 2000), "white"), "PNG")
    response = await client.post("/api/predict/object_detection", json=body(file), headers=PNG)
    drawn = Image.open(io.BytesIO(response.content))
    assert drawn.size == (drawing.MAX_SIDE, 1000)
    coloured = np.argwhere((np.asarray(drawn) != 255).any(axis=2))
    assert coloured.max(axis=0) == pytest.approx([750, 1500], abs=4)
    assert coloured[:, 1].min() == pytest.approx(1000, abs=4)


async def test_server_timing_has_the_drawing_and_json_has_none(client: httpx.AsyncClient) -> None:
    def stages(response: httpx.Response) -> list[str]:
        return [part.split(";")[0] for part in response.headers["server-timing"].split(", ")]

    drawn = await client.post(URL, json=GOOD, headers=PNG)
    assert stages(drawn)[-3:] == ["encode", "draw", "total"]
    assert "draw" not in stages(await client.post(URL, json=GOOD))


async def test_seeded_nets_are_told_of_pictures_too(client: httpx.AsyncClient, triton: FakeTriton) -> None:
    outputs = triton.outputs["image_classification"]
    assert isinstance(outputs, dict)
    outputs[SEEDED_NETS] = strings("a_net", shape=(1, 1))
    response = await client.post(URL, json=GOOD, headers=PNG)
    assert response.headers["x-modelhub-weights"] == "seeded"


@pytest.mark.parametrize("json", [{}, {"image": 7}, {"image": "*"}])
async def test_failures_stay_json(client: httpx.AsyncClient, json: dict[str, Any]) -> None:
    response = await client.post(URL, json=json, headers=PNG)
    assert_failure(response, response.json()["error_code"])


async def test_what_triton_refuses_is_never_decoded_here(
    client: httpx.AsyncClient, triton: FakeTriton, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded: list[bytes] = []
    monkeypatch.setattr(drawing, "open_image", decoded.append)
    triton.outputs["image_classification"] = NotAnImage("no picture")
    assert_failure(await client.post(URL, json=GOOD, headers=PNG), 40004)
    assert not decoded


async def test_what_triton_takes_and_we_do_not_is_the_callers_failure(client: httpx.AsyncClient) -> None:
    response = await client.post(URL, json=body(b"no picture at all"), headers=PNG)
    assert_failure(response, 40004)


class Held:
    """A drawing that goes on until it is let go, and how many there are of it."""

    def __init__(self) -> None:
        self.let_go = threading.Event()
        self.running = 0
        self.most = 0
        self._lock = threading.Lock()

    def annotate(self, *_: object, **__: object) -> Image.Image:
        with self._lock:
            self.running += 1
            self.most = max(self.most, self.running)
        self.let_go.wait(20)
        with self._lock:
            self.running -= 1
        return Image.new("RGB", (8, 8))


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Iterator[Held]:
    one = Held()
    monkeypatch.setattr(drawing, "annotate", one.annotate)
    yield one
    one.let_go.set()


async def test_json_goes_on_while_more_pictures_are_drawn_than_there_are_threads(
    client: httpx.AsyncClient, held: Held
) -> None:
    drawn = [asyncio.create_task(client.post(URL, json=GOOD, headers=PNG)) for _ in range(6)]
    async with asyncio.timeout(10):
        while held.running < drawing.MAX_THREADS:
            await asyncio.sleep(0.01)
        for _ in range(5):
            assert (await client.post(URL, json=GOOD)).status_code == 200
        assert not any(task.done() for task in drawn)
        held.let_go.set()
        assert {(await task).status_code for task in drawn} == {200}
    assert held.most == drawing.MAX_THREADS


async def test_a_drawing_that_takes_longer_than_the_deadline_is_not_waited_for(
    triton: FakeTriton, held: Held
) -> None:
    async with client_of(Settings(deadline_s=0.3), triton) as client:
        assert_failure(await client.post(URL, json=GOOD, headers=PNG), 50401)
        assert held.running == 1
        assert (await client.get("/health/live")).status_code == 200


def test_the_picture_is_made_of_the_files_own_bytes() -> None:
    fields = {"class_probs": {"cat": 1.0}}
    file = drawing.drawn("image_classification", fields, [PICTURE], "image/png")
    assert Image.open(io.BytesIO(file)).size == (8, 8)
