"""One picture, every way to ask: JSON, Triton's HTTP, its gRPC, the library sync, async and past the gateway.

The figure "same result over JSON, Triton HTTP, Triton gRPC and the client library, every service: equal" is
`test_every_way_gives_the_same_answer`.
"""

import asyncio
import base64
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from demo.samples import requests
from embedded.system import System
from gateway.services import SERVICES
from modelhub import AsyncModelHub, ModelHub, ServiceError
from modelhub.http import Answer
from modelhub.results import Result, result_of
from tests import web
from tests.hazards import HAZARDS, REFUSED, exif_rotated
from tests.live.test_ensembles import rendered
from tests.live.triton import infer_grpc, infer_http, payloads

TOLERANCE = 1e-6
"""Of floats."""

Files = Sequence[bytes]
Way = Callable[[System, str, Files], Answer]

BLACK = next(hazard for hazard in HAZARDS if hazard.name == "empty_black")


def files_of(service: str, kind: str) -> Files:
    """A real picture, one that is stored on its side, or one that shows nothing."""
    if kind == "real":
        return next(requests(service))[1]
    one = exif_rotated() if kind == "on its side" else BLACK.make()
    return [one] * len(SERVICES[service].pictures)


def over_json(system: System, service: str, files: Files) -> Answer:
    texts = [base64.b64encode(file).decode() for file in files]
    body = dict(zip(SERVICES[service].pictures, texts, strict=True))
    response = web.post(f"{system.gateway_url()}/api/predict/{service}", json=body, timeout=60)
    answer: Answer = response.raise_for_status().json()
    return answer


def over_triton(infer: Callable[..., Any], url: Callable[[System], str]) -> Way:
    """By Triton's own client; the tensors are rendered as the gateway renders them."""

    def ask(system: System, service: str, files: Files) -> Answer:
        row = SERVICES[service]
        inputs = {
            name: payloads(file, batched=row.batched) for name, file in zip(row.pictures, files, strict=True)
        }
        return {"request_id": "none", "success": True} | rendered(row, infer(url(system), service, inputs))

    return ask


def by_library(url: Callable[[System], str]) -> Way:
    def ask(system: System, service: str, files: Files) -> Answer:
        with ModelHub(url(system)) as hub:
            return hub.answer(service, *files)

    return ask


def by_async_library(url: Callable[[System], str]) -> Way:
    async def asked(system: System, service: str, files: Files) -> Answer:
        async with AsyncModelHub(url(system)) as hub:
            return await hub.answer(service, *files)

    return lambda system, service, files: asyncio.run(asked(system, service, files))


def gateway(system: System) -> str:
    return system.gateway_url()


def triton(system: System) -> str:
    return f"grpc://{system.settings.triton_grpc_url}"


WAYS: Mapping[str, Way] = {
    "Triton HTTP": over_triton(infer_http, lambda system: system.triton_url().removeprefix("http://")),
    "Triton gRPC": over_triton(infer_grpc, lambda system: system.settings.triton_grpc_url),
    "library": by_library(gateway),
    "async library": by_async_library(gateway),
    "library past the gateway": by_library(triton),
    "async library past the gateway": by_async_library(triton),
}


def differences(one: Any, other: Any, place: str = "") -> Iterator[str]:  # noqa: ANN401 - JSON
    """Where two parsed answers are not equal, floats to TOLERANCE."""
    if isinstance(one, dict) and isinstance(other, dict):
        if list(one) != list(other):
            yield f"{place}: {list(one)} and {list(other)}"
        for name in one.keys() & other.keys():
            yield from differences(one[name], other[name], f"{place}.{name}")
    elif isinstance(one, list) and isinstance(other, list):
        yield from _of_lists(one, other, place)
    elif isinstance(one, float) and isinstance(other, float):
        if not abs(one - other) <= TOLERANCE:
            yield f"{place}: {one} and {other}"
    elif (type(one), one) != (type(other), other):
        yield f"{place}: {one!r} and {other!r}"


def _of_lists(one: list[Any], other: list[Any], place: str) -> Iterator[str]:
    if len(one) != len(other):
        yield f"{place}: {len(one)} and {len(other)} long"
    elif one and isinstance(one[0], int | float):
        if {type(value) for value in one} != {type(value) for value in other}:
            yield f"{place}: other types"
        elif not (np.abs(np.subtract(one, other)) <= TOLERANCE * isinstance(one[0], float)).all():
            yield f"{place}: {one} and {other}"
    else:
        for index, (left, right) in enumerate(zip(one, other, strict=True)):
            yield from differences(left, right, f"{place}[{index}]")


@pytest.mark.parametrize(
    ("service", "kind"),
    [
        (service, kind)
        for service in SERVICES
        for kind in ("real", "on its side", "nothing to see")
        if (service, kind) != ("ocr", "on its side")  # 2 s a way; the other services turn it by the same code
    ],
)
def test_every_way_gives_the_same_answer(service: str, kind: str, system: System) -> None:
    files = files_of(service, kind)
    documented = over_json(system, service, files)
    identities = {documented.pop("request_id")}
    for name, ask in WAYS.items():
        answer = ask(system, service, files)
        identities.add(answer.pop("request_id"))
        assert list(differences(answer, documented)) == [], name
    assert len(identities) == len(WAYS)  # of Triton's own two clients all have "none"


@pytest.mark.parametrize("kind", ["real", "nothing to see"])
@pytest.mark.parametrize("service", SERVICES)
def test_typed_results_are_the_same_either_way(service: str, kind: str, system: System) -> None:
    files = files_of(service, kind)
    with ModelHub(gateway(system)) as over_http, ModelHub(triton(system)) as past_it:
        fields, others = (told(hub.predict(service, *files)) for hub in (over_http, past_it))
        from_lists = told(result_of(service, over_http.answer(service, *files)))
    for name, value in fields.items():
        for other in (others[name], from_lists[name]):
            assert type(other) is type(value)
            np.testing.assert_array_equal(other, value)


def told(result: Result) -> dict[str, Any]:
    """A result's fields, with masks as arrays."""
    decoded = {"detection_masks": result.detection_masks} if hasattr(result, "detection_masks") else {}
    return {
        name: value
        for name, value in {**vars(result), **decoded}.items()
        if name not in ("request_id", "encoded_masks")
    }


@pytest.mark.parametrize("hazard", REFUSED, ids=lambda hazard: hazard.name)
def test_every_way_refuses_a_picture_by_the_same_code(hazard: Any, system: System) -> None:  # noqa: ANN401 - a Hazard
    file = hazard.make()
    words = set()
    for url in (gateway(system), triton(system)):
        with ModelHub(url) as hub, pytest.raises(ServiceError) as caught:
            hub.answer("object_detection", file)
        assert (caught.value.status, caught.value.code) == (hazard.code // 100, hazard.code)
        words.add(caught.value.message.removeprefix("image: "))  # the gateway names the field of some
    assert len(words) == 1


def test_every_way_knows_the_same_services(system: System) -> None:
    for url in (gateway(system), triton(system)):
        with ModelHub(url) as hub:
            assert hub.services() == list(SERVICES)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"a": 1.0}, {"a": 1.0 + 2e-6}),
        ({"a": 1}, {"a": 1.0}),
        ({"a": True}, {"a": 1}),
        ({"a": [1.0, 2.0]}, {"a": [1.0, 2.00001]}),
        ({"a": [1, 2]}, {"a": [1, 3]}),
        ({"a": [1]}, {"a": [1.0]}),
        ({"a": [1]}, {"a": [1, 1]}),
        ({"a": [[1.0]]}, {"a": [[float("nan")]]}),
        ({"a": [{"b": "x"}]}, {"a": [{"b": "y"}]}),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        ({"a": 1}, {}),
        ({"a": []}, {"a": {}}),
        ({"a": None}, {"a": []}),
    ],
)
def test_answers_that_differ_are_told_apart(one: object, other: object) -> None:
    assert list(differences(one, other))
    assert list(differences(other, one))


def test_answers_that_are_equal_are_not() -> None:
    one = {"a": [[1.0, 2.0]], "b": {"c": "d"}, "e": [], "f": 1}
    assert not list(differences(one, {"a": [[1.0 + 9e-7, 2.0]], "b": {"c": "d"}, "e": [], "f": 1}))
