"""OpenAPI is what the file in `docs/` says, and says what the gateway does."""

from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from gateway.compression import CODINGS, SMALLEST_BYTES
from gateway.openapi import document
from gateway.representation import JSON, PICTURES, QUERY
from gateway.schemas import Failure
from gateway.services import SERVICES, Service
from vision.mask_formats import MASK_FORMATS

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
    assert FILE.read_bytes() == document(indented=True), "run: python -m gateway.openapi > docs/openapi.json"


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
    answers = operation["responses"]["200"]["content"]["application/json"]["schema"]
    models = [one["$ref"].rpartition("/")[2] for one in answers.get("anyOf", [answers])]
    assert body.rpartition("/")[2] == SERVICES[name].request.__name__
    expected = (SERVICES[name].answer, *SERVICES[name].answers_in_form)
    assert models == [model.__name__ for model in expected]
    failures = {status: response for status, response in operation["responses"].items() if status != "200"}
    assert {status: examples(response).keys() for status, response in failures.items()} == CONTRACT


@pytest.mark.parametrize("service", SERVICES.values(), ids=list(SERVICES))
def test_every_service_documents_forms_and_bodies_that_are_pictures(
    openapi: dict[str, Any], service: Service
) -> None:
    content = openapi["paths"][f"/api/predict/{service.name}"]["post"]["requestBody"]["content"]
    assert ("image/*" in content) == (len(service.pictures) == 1)
    form = content["multipart/form-data"]["schema"]
    assert form["properties"].keys() == service.request.parts().keys()
    required = [{one["required"][0] for one in either["anyOf"]} for either in form["allOf"]]
    parts = {field: part for part, field in service.request.parts().items()}
    assert required == [{parts[field] for field in either} for either in service.request.alternatives]


@pytest.mark.parametrize("name", list(SERVICES))
def test_every_service_documents_how_its_answer_is_compressed(openapi: dict[str, Any], name: str) -> None:
    headers = openapi["paths"][f"/api/predict/{name}"]["post"]["responses"]["200"]["headers"]
    assert headers["Content-Encoding"]["schema"]["enum"] == list(CODINGS)
    assert str(SMALLEST_BYTES) in headers["Content-Encoding"]["description"]


@pytest.mark.parametrize("name", list(SERVICES))
def test_every_service_documents_forms_of_masks_where_it_has_any_and_pictures(
    openapi: dict[str, Any], name: str
) -> None:
    operation = openapi["paths"][f"/api/predict/{name}"]["post"]
    forms = [one["schema"]["enum"] for one in operation["parameters"] if one["name"] == QUERY]
    assert forms == ([list(MASK_FORMATS)] if SERVICES[name].answers_in_form else [])
    assert operation["responses"]["200"]["content"].keys() == {JSON, *PICTURES}


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
