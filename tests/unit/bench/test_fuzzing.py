"""What is sent depends on its number alone, and an answer that is wrong is noticed."""

import asyncio
import json
import socket
from collections import Counter
from typing import Any

import pytest

from bench import fuzz
from bench.fuzz import Run, case, send_all
from bench.fuzzing import fault
from gateway.services import SERVICES
from tests.unit.gateway.conftest import ServeApp, serve, triton

__all__ = ["serve", "triton"]  # fixtures

SERVICE = SERVICES["image_similarity"]
GOOD: dict[str, Any] = {"request_id": "x", "success": True, "similarity": 99.5, "l2_distance": 0.1}
REFUSED: dict[str, Any] = {"request_id": "x", "success": False, "error_code": 40004, "error_msg": "no"}


def test_a_case_is_its_number_and_seed() -> None:
    cases = [case(6, number) for number in range(60)]
    assert cases == [case(6, number) for number in range(60)]
    assert cases != [case(7, number) for number in range(60)]
    assert Counter(service.name for service, _ in cases) == dict.fromkeys(SERVICES, 6)


@pytest.mark.parametrize(
    ("status", "body", "wrong"),
    [
        (200, GOOD, False),
        (400, REFUSED, False),
        (413, {**REFUSED, "error_code": 41302}, False),
        (500, {**REFUSED, "error_code": 50001}, True),
        (503, {**REFUSED, "error_code": 50301}, True),
        (504, {**REFUSED, "error_code": 50401}, True),
        (400, {**REFUSED, "error_code": 41302}, True),
        (400, {**REFUSED, "more": 1}, True),
        (400, {key: value for key, value in REFUSED.items() if key != "error_msg"}, True),
        (200, {**GOOD, "similarity": 101}, True),
        (200, {key: value for key, value in GOOD.items() if key != "l2_distance"}, True),
        (200, REFUSED, True),
        (200, [], True),
        (404, {**REFUSED, "error_code": 40401}, True),
    ],
)
def test_an_answer_of_another_shape_or_code_is_a_fault(status: int, body: object, *, wrong: bool) -> None:
    assert bool(fault(SERVICE, status, json.dumps(body).encode())) == wrong


def test_an_answer_that_is_no_json_is_a_fault() -> None:
    assert fault(SERVICE, 502, b"<html>bad gateway</html>")


def test_every_service_that_is_not_there_is_a_fault_and_the_others_are_counted(serve: ServeApp) -> None:
    run = Run()
    asyncio.run(send_all(f"http://127.0.0.1:{serve()}", 6, iter(range(100)), run))
    assert sum(run.codes.values()) + len(run.faults) == 100
    assert len(run.ids) == sum(run.codes.values())
    assert any("50001" in wrong or "KeyError" in wrong for wrong in run.faults)
    assert run.codes["ocr", 40001]


def test_a_server_that_says_nothing_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fuzz, "GRACE_S", 0.2)
    monkeypatch.setenv("MODELHUB_DEADLINE_S", "0.1")
    run = Run()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        asyncio.run(send_all(f"http://127.0.0.1:{silent.getsockname()[1]}", 6, iter(range(3)), run))
    assert len(run.faults) == 3
    assert not run.codes


def test_a_request_id_that_comes_twice_is_a_fault(monkeypatch: pytest.MonkeyPatch, serve: ServeApp) -> None:
    monkeypatch.setattr("gateway.responses.new_request_id", lambda: "the same")
    run = Run()
    asyncio.run(send_all(f"http://127.0.0.1:{serve()}", 6, iter([9, 19, 29]), run))
    assert any("came before" in wrong for wrong in run.faults)
