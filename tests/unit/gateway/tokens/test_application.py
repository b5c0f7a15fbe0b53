"""The application asks for tokens where it should, and before anything costs."""

import httpx
import pytest

from gateway.settings import Settings
from tests.unit.gateway.checks import assert_failure
from tests.unit.gateway.conftest import PICTURE_BASE64, client_of
from tests.unit.gateway.fakes import FakeTriton
from tests.unit.gateway.tokens.requests import (
    OTHER,
    PATH,
    SECRET,
    Signed,
    Write,
    plain,
)


@pytest.fixture
def guarded(write: Write) -> httpx.AsyncClient:
    path = write(f"ocr {SECRET}\n{OTHER}\n")
    return client_of(Settings(token_file=str(path)), FakeTriton())


GOOD = b'{"image": "%s"}' % PICTURE_BASE64.encode()


@pytest.mark.parametrize("headers", [plain(SECRET), Signed(body=GOOD).headers()], ids=["plain", "signed"])
async def test_the_application_lets_in_who_has_a_token(
    guarded: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    async with guarded as client:
        response = await client.post(PATH, content=GOOD, headers=headers)
    assert response.status_code == 200, response.text


async def test_the_application_refuses_everybody_else(
    guarded: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    wrong = [{}, plain(SECRET + "x"), Signed(secret=OTHER + "x", body=GOOD).headers(), Signed().headers()]
    async with guarded as client:
        for headers in wrong:
            response = await client.post(PATH, content=GOOD, headers=headers)
            assert_failure(response, 40101)
            assert response.headers["www-authenticate"] == 'Bearer realm="modelhub"'
            assert SECRET not in response.text
        narrow = await client.post("/api/predict/image_classification", content=GOOD, headers=plain(SECRET))
        assert_failure(narrow, 40101)
    assert all(SECRET not in str(vars(record)) for record in caplog.records)


@pytest.mark.parametrize("host", ["gateway{path}?", "gateway{path}#", "a@b{path}?", "[::1]{path};"])
async def test_a_signature_for_one_service_opens_no_other_whatever_host_is_asked(
    guarded: httpx.AsyncClient, host: str
) -> None:
    headers = {**Signed(secret=OTHER, body=GOOD).headers(), "Host": host.format(path=PATH)}
    async with guarded as client:
        response = await client.post("/api/predict/image_classification", content=GOOD, headers=headers)
    assert_failure(response, 40101)


@pytest.mark.parametrize("path", ["/health/live", "/health/ready", "/openapi.json"])
async def test_health_and_documentation_stay_open(guarded: httpx.AsyncClient, path: str) -> None:
    async with guarded as client:
        assert (await client.get(path)).status_code in (200, 503)


async def test_who_has_no_token_is_told_before_the_body_is_read(write: Write) -> None:
    app = Settings(token_file=str(write(SECRET)), max_body_bytes=10)
    async with client_of(app, FakeTriton()) as client:
        assert_failure(await client.post(PATH, content=b" " * 100), 40101)
        assert_failure(await client.post(PATH, content=b" " * 100, headers=plain(SECRET)), 41301)
