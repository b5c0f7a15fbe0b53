"""OpenAPI is what the file in `docs/` says, and says what the gateway does."""

from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from gateway.openapi import document
from gateway.schemas import Failure
from gateway.services import SERVICES

FILE = Path(__file__).resolve().parents[3] / "docs" / "openapi.json"

CONTRACT = {  # the rows of the error table that these services can give
    "400": {"40001", "40002", "40003", "40004", "40005"},
    "401": {"40101"},
    "404": {"40401"},
    "405": {"40501"},
    "413": {"41301", "41302"},
    "422": {"42201"},
    "429": {"42901"},
    "500": {"50001"},
    "503": {"50301"},
    "504": {"50401"},
}


@pytest.fixture(scope="module")
def openapi() -> dict[str, Any]:
    schema: dict[str, Any] = orjson.loads(document())
    return schema


def test_the_file_is_up_to_date() -> None:
    assert FILE.read_bytes() == document(), "run: python -m gateway.openapi > docs/openapi.json"


async def test_the_gateway_serves_it(client: httpx.AsyncClient, openapi: dict[str, Any]) -> None:
    assert (await client.get("/openapi.json")).json() == openapi


def test_every_service_and_health_check_has_its_path(openapi: dict[str, Any]) -> None:
    services = {f"/api/predict/{name}" for name in SERVICES}
    assert openapi["paths"].keys() == services | {"/health/live", "/health/ready"}


@pytest.mark.parametrize("name", list(SERVICES))
def test_every_service_documents_its_body_its_answer_and_every_failure(
    openapi: dict[str, Any], name: str
) -> None:
    operation = openapi["paths"][f"/api/predict/{name}"]["post"]
    body = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"]
    answer = operation["responses"]["200"]["content"]["application/json"]["schema"]["$ref"]
    assert body.rpartition("/")[2] == SERVICES[name].request.__name__
    assert answer.rpartition("/")[2] == SERVICES[name].answer.__name__
    failures = {status: response for status, response in operation["responses"].items() if status != "200"}
    assert {status: examples(response).keys() for status, response in failures.items()} == CONTRACT


@pytest.mark.parametrize("name", list(SERVICES))
def test_every_example_of_a_failure_is_one(openapi: dict[str, Any], name: str) -> None:
    for status, response in openapi["paths"][f"/api/predict/{name}"]["post"]["responses"].items():
        for code, example in examples(response).items():
            assert code.startswith(status)
            assert Failure.model_validate(example["value"]).error_code == int(code)


def test_every_reference_leads_somewhere(openapi: dict[str, Any]) -> None:
    for reference in references(openapi):
        assert reference.removeprefix("#/components/schemas/") in openapi["components"]["schemas"]


def examples(response: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = response["content"]["application/json"].get("examples", {})
    return found


def references(node: object) -> list[str]:
    if isinstance(node, dict):
        own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
        return own + [found for value in node.values() for found in references(value)]
    if isinstance(node, list):
        return [found for value in node for found in references(value)]
    return []
