"""The client against a gateway that answers as a script says: what is sent, what is read, when again."""

import base64
import io
import json
import random
import time
from pathlib import Path
from typing import assert_type

import httpx
import numpy as np
import orjson
import pytest
from PIL import Image

from gateway.deadline import HEADER
from modelhub import AsyncModelHub, ModelHub, ServiceError, retries
from modelhub.http import LONGEST_TIMEOUT_MS, TIMEOUT_HEADER
from modelhub.pictures import Picture
from modelhub.results import (
    RESULTS,
    ForegroundSegmentation,
    ImageSimilarity,
    ObjectDetection,
    Result,
)
from tests.unit.client.hubs import Hub, both
from tests.unit.client.outputs import OUTPUTS
from tests.unit.client.scripted import (
    BREAKS,
    BREAKS_HALFWAY,
    HANGS,
    SUCCESS,
    Asked,
    Reply,
    failure,
    scripted,
)

FILE = b"\x89PNG of any kind"
IN_BASE64 = base64.b64encode(FILE).decode()
BRACED = b"\n {no picture, and no JSON"
URL = "https://images.example/cat.jpg"


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retries, "FIRST_PAUSE_S", 0.001)


def sent(asked: Asked) -> object:
    return json.loads(asked.body)


@both
@pytest.mark.parametrize(
    ("pictures", "body"),
    [
        ((BRACED,), {"image": base64.b64encode(BRACED).decode()}),
        ((URL,), {"input": {"url": URL}}),
        ((FILE, FILE), {"imagea": IN_BASE64, "imageb": IN_BASE64}),
        ((URL, FILE), {"inputa": {"url": URL}, "imageb": IN_BASE64}),
    ],
)
async def test_the_documented_fields_are_sent(hub: Hub, pictures: tuple[Picture, ...], body: object) -> None:
    with scripted(Reply()) as script:
        async with hub(script.url) as asking:
            assert await asking.answer("a_service", *pictures) == SUCCESS
    (asked,) = script.asked
    assert (asked.method, asked.path) == ("POST", "/api/predict/a_service")
    assert asked.headers["Content-Type"] == "application/json"
    assert sent(asked) == body


@both
async def test_one_picture_is_sent_as_it_is(hub: Hub) -> None:
    with scripted(Reply()) as script:
        async with hub(script.url) as asking:
            assert await asking.answer("a_service", FILE) == SUCCESS
    (asked,) = script.asked
    assert asked.headers["Content-Type"].startswith("image/")
    assert asked.body == FILE


@both
@pytest.mark.filterwarnings("error")
async def test_a_large_picture_is_sent_whole_each_time(hub: Hub) -> None:
    picture = random.Random(3).randbytes(5_000_000)
    with scripted(BREAKS, Reply()) as script:
        async with hub(script.url) as asking:
            await asking.answer("a_service", picture)
    assert [asked.body == picture for asked in script.asked] == [True, True]


@both
async def test_files_and_pictures_in_memory_are_sent(hub: Hub, tmp_path: Path) -> None:
    path = tmp_path / "猫.png"
    path.write_bytes(FILE)
    with scripted(Reply()) as script:
        async with hub(script.url) as asking:
            await asking.answer("a_service", path, Image.new("RGB", (3, 2), (9, 8, 7)))
    body = json.loads(script.asked[0].body)
    assert body["imagea"] == IN_BASE64
    with Image.open(io.BytesIO(base64.b64decode(body["imageb"]))) as read:
        assert (read.format, read.size, read.getpixel((2, 1))) == ("PNG", (3, 2), (9, 8, 7))


@both
@pytest.mark.parametrize("number", [0, 3])
async def test_other_numbers_of_pictures_are_not_sent(hub: Hub, number: int) -> None:
    with scripted(Reply()) as script:
        async with hub(script.url) as asking:
            with pytest.raises(ValueError, match=f"one picture or two, not {number}"):
                await asking.answer("a_service", *[FILE] * number)
    assert not script.asked


@both
async def test_a_mask_format_is_asked_for_in_the_query(hub: Hub) -> None:
    with scripted(Reply()) as script:
        async with hub(script.url) as asking:
            await asking.answer("a_service", FILE, mask_format="coco_rle")
    assert script.asked[0].path == "/api/predict/a_service?mask_format=coco_rle"


@both
async def test_a_services_name_stays_one_part_of_the_path(hub: Hub) -> None:
    with scripted(Reply()) as script:
        async with hub(f"{script.url}/behind/a/proxy/") as asking:
            await asking.answer("../no such?x=1#y", FILE)
    assert script.asked[0].path == "/behind/a/proxy/api/predict/..%2Fno%20such%3Fx%3D1%23y"


@both
async def test_the_token_is_sent_where_there_is_one(hub: Hub) -> None:
    with scripted(Reply()) as script:
        async with hub(script.url, token="s3cret") as asking:
            await asking.answer("a_service", FILE)
        async with hub(script.url) as asking:
            await asking.answer("a_service", FILE)
    assert [asked.headers["Authorization"] for asked in script.asked] == ["Bearer s3cret", None]


@both
@pytest.mark.parametrize(("timeout_s", "told"), [(12.5, (12_000, 12_500)), (1e9, (LONGEST_TIMEOUT_MS,) * 2)])
async def test_the_gateway_is_told_how_long_the_caller_waits(
    hub: Hub, timeout_s: float, told: tuple[int, int]
) -> None:
    with scripted(Reply()) as script:
        async with hub(script.url, timeout_s=timeout_s) as asking:
            await asking.answer("a_service", FILE)
    assert TIMEOUT_HEADER == HEADER
    assert told[0] <= int(script.asked[0].headers[HEADER]) <= told[1]


@both
async def test_a_failure_is_raised_with_its_code(hub: Hub) -> None:
    with scripted(failure(40004)) as script:
        async with hub(script.url) as asking:
            with pytest.raises(ServiceError, match=r"40004: told 40004 \(HTTP 400\)") as caught:
                await asking.answer("a_service", FILE)
    failed = caught.value
    assert (failed.status, failed.code, failed.message, failed.retry_after_s) == (
        400,
        40004,
        "told 40004",
        None,
    )


@both
@pytest.mark.parametrize("code", [40001, 40101, 40401, 41301, 42201])
async def test_a_callers_fault_is_not_sent_again(hub: Hub, code: int) -> None:
    with scripted(failure(code), Reply()) as script:
        async with hub(script.url) as asking:
            with pytest.raises(ServiceError) as caught:
                await asking.answer("a_service", FILE)
    assert caught.value.code == code
    assert len(script.asked) == 1


PASSING = {
    "50001": failure(50001),
    "50301": failure(50301),
    "50401": failure(50401),
    "42901": failure(42901, Retry_After="0"),
    "42901 without a time": failure(42901),
    "a proxy's page": Reply(502, b"<html>Bad Gateway</html>"),
    "no answer": BREAKS,
    "half an answer": BREAKS_HALFWAY,
}


@both
@pytest.mark.parametrize("name", PASSING)
async def test_what_may_pass_is_sent_again(hub: Hub, name: str) -> None:
    with scripted(PASSING[name], PASSING[name], Reply()) as script:
        async with hub(script.url) as asking:
            assert await asking.answer("a_service", FILE) == SUCCESS
    assert len({asked.body for asked in script.asked}) == 1
    assert len(script.asked) == 3


@both
@pytest.mark.parametrize("name", PASSING)
async def test_what_does_not_pass_is_raised_after_as_many_attempts(hub: Hub, name: str) -> None:
    with scripted(PASSING[name]) as script:
        async with hub(script.url, retries=2) as asking:
            with pytest.raises(retries.FAILURES):
                await asking.answer("a_service", FILE)
    assert len(script.asked) == 3


@both
async def test_who_is_told_to_come_later_than_the_time_is_over_does_not_wait(hub: Hub) -> None:
    with scripted(failure(42901, Retry_After="3600"), Reply()) as script:
        async with hub(script.url, timeout_s=30) as asking:
            with pytest.raises(ServiceError) as caught:
                await asking.answer("a_service", FILE)
    assert (caught.value.code, caught.value.retry_after_s) == (42901, 3600)
    assert len(script.asked) == 1


@both
async def test_retry_after_is_waited_for_and_later_attempts_have_less_time(hub: Hub) -> None:
    with scripted(failure(42901, Retry_After="1"), Reply()) as script:
        async with hub(script.url, timeout_s=20) as asking:
            began = time.monotonic()
            await asking.answer("a_service", FILE)
    assert time.monotonic() - began >= 1
    first, second = (int(asked.headers[HEADER]) for asked in script.asked)
    assert second <= first - 1000


@both
async def test_a_server_that_says_nothing_is_given_up(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("modelhub.http.GRACE_S", 0.05)
    with scripted(HANGS) as script:
        async with hub(script.url, timeout_s=0.1) as asking:
            with pytest.raises(httpx.TimeoutException):
                await asking.answer("a_service", FILE)
    assert len(script.asked) <= 1  # none where the time was over before it was read


@both
async def test_where_nobody_listens_httpx_says_so(hub: Hub) -> None:
    async with hub("http://127.0.0.1:1", retries=1) as asking:
        with pytest.raises(httpx.ConnectError):
            await asking.answer("a_service", FILE)


STRANGE = {
    "text": Reply(200, b"It works!"),
    "no object": Reply(200, b"[]"),
    "no success": Reply(200, b"{}"),
    "success in words": Reply(200, b'{"success": "true"}'),
    "nothing": Reply(200, b""),
    "a redirect": Reply(302, b"", {"Location": "https://elsewhere.example/"}),
    "bytes of no text": Reply(404, b"\xff\xfe\x00"),
    "a code in words": Reply(404, b'{"success": false, "error_code": "40401"}'),
}


@both
@pytest.mark.parametrize("name", STRANGE)
async def test_what_is_no_answer_of_ours_is_a_failure_of_its_status(hub: Hub, name: str) -> None:
    reply = STRANGE[name]
    with scripted(reply) as script:
        async with hub(script.url) as asking:
            with pytest.raises(ServiceError, match="not an answer of ModelHub") as caught:
                await asking.answer("a_service", FILE)
    assert (caught.value.status, caught.value.code) == (reply.status, reply.status * 100)
    assert len(script.asked) == 1


@both
async def test_services_are_those_that_are_documented(hub: Hub) -> None:
    paths = dict.fromkeys(("/health/live", "/api/predict/ocr", "/api/predict/image_similarity"), "")
    with scripted(failure(50301), Reply(200, json.dumps({"paths": paths}).encode())) as script:
        async with hub(script.url) as asking:
            assert await asking.services() == ["ocr", "image_similarity"]
    assert [(asked.method, asked.path) for asked in script.asked] == [("GET", "/openapi.json")] * 2


@both
@pytest.mark.parametrize("reply", [failure(40101), Reply(404, b"no"), Reply(200, b"[]"), Reply(200, b"{}")])
async def test_services_that_are_not_told_are_a_failure(hub: Hub, reply: Reply) -> None:
    with scripted(reply) as script:
        async with hub(script.url) as asking:
            with pytest.raises(ServiceError) as caught:
                await asking.services()
    assert caught.value.status == reply.status


@both
async def test_predict_gives_typed_results(hub: Hub) -> None:
    answer = SUCCESS | {"similarity": 88.5, "l2_distance": 0.25}
    with scripted(Reply(200, json.dumps(answer).encode())) as script:
        async with hub(script.url) as asking:
            result = await asking.predict("image_similarity", FILE, FILE)
            with pytest.raises(LookupError, match="an_eleventh has no typed results"):
                await asking.predict("an_eleventh", FILE)
    assert isinstance(result, ImageSimilarity)
    assert (result.request_id, result.similarity, result.l2_distance) == ("an id", 88.5, 0.25)


async def types(hub: ModelHub, other: AsyncModelHub) -> None:
    """Never called: mypy reads it, in `make check`."""
    assert_type(hub.predict(ObjectDetection, FILE), ObjectDetection)
    assert_type(hub.predict(ImageSimilarity, FILE, FILE), ImageSimilarity)
    assert_type(hub.predict("object_detection", FILE), Result)
    assert_type(await other.predict(ObjectDetection, FILE), ObjectDetection)
    assert_type(await other.predict("object_detection", FILE), Result)


@both
@pytest.mark.parametrize("service", OUTPUTS)
async def test_predict_takes_the_class_of_a_result_for_its_service(hub: Hub, service: str) -> None:
    kind = RESULTS[service]
    answer = SUCCESS | kind.render(OUTPUTS[service](np.random.default_rng(3)))
    content = orjson.dumps(answer, option=orjson.OPT_SERIALIZE_NUMPY)
    with scripted(Reply(200, content)) as script:
        async with hub(script.url) as asking:
            results = [await asking.predict(named, FILE) for named in (kind, service)]
    assert [type(result) for result in results] == [kind, kind]
    by_class, by_name = (asked.path for asked in script.asked)
    assert by_class == by_name
    assert by_class.startswith(f"/api/predict/{service}")


@both
async def test_predict_asks_for_masks_that_are_as_exact_and_smaller(hub: Hub) -> None:
    answer = SUCCESS | {"human_ratio": "0.5", "mask": {"counts": [1, 1], "size": [1, 2]}}
    with scripted(Reply(200, json.dumps(answer).encode())) as script:
        async with hub(script.url) as asking:
            result = await asking.predict("foreground_segmentation", FILE)
            await asking.answer("foreground_segmentation", FILE)
    assert isinstance(result, ForegroundSegmentation)
    assert result.mask.tolist() == [[False, True]]
    with_form, without = (asked.path for asked in script.asked)
    assert with_form == f"{without}?mask_format=rle"


@both
async def test_the_environments_proxies_and_credentials_are_not_used(
    hub: Hub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    netrc = tmp_path / "netrc"
    netrc.write_text("default login somebody password s3cret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    with scripted(Reply()) as script:
        async with hub(script.url) as asking:
            await asking.answer("a_service", FILE)
    assert script.asked[0].headers["Authorization"] is None


@pytest.mark.parametrize("options", [{"timeout_s": 0}, {"timeout_s": -1}, {"retries": -1}])
def test_times_and_numbers_that_mean_nothing_are_refused(options: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="above 0"):
        ModelHub("http://127.0.0.1:1", **options)  # type: ignore[arg-type]
