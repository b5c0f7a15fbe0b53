"""`modelhub services` against a stand-in."""

import json

from modelhub.results import RESULTS
from tests.unit.client.command.conftest import SERVICES, Command, StandIn
from tests.unit.client.scripted import refusing


def test_every_service_is_listed_with_what_it_answers(command: Command, gateway: StandIn) -> None:
    gateway.services = tuple(RESULTS)
    result = command("services", "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout) == [
        {"service": name, "answers": f"What {name} says", "ready": True, "reason": "answered"}
        for name in RESULTS
    ]
    table = command("services").stdout
    assert all(name in table for name in RESULTS)


def test_one_that_is_not_ready_is_told_why(command: Command, gateway: StandIn) -> None:
    gateway.ill = {"object_detection": "[late] by 3"}
    result = command("services")
    assert result.exit_code == 1
    assert "no: [late] by 3" in result.stdout
    assert result.stdout.count("yes") == len(SERVICES) - 1


def test_where_nobody_answers_the_status_says_so(command: Command) -> None:
    with refusing() as port:
        result = command("services", "--url", f"http://127.0.0.1:{port}")
    assert result.exit_code == 3
    assert "nothing answers" in result.stderr


def test_somebody_elses_server_is_no_gateway(command: Command, gateway: StandIn) -> None:
    gateway.described = lambda: {"paths": ["what is this"]}  # type: ignore[method-assign]
    result = command("services")
    assert result.exit_code == 1
    assert "not as ModelHub does" in result.stderr


def test_triton_itself_does_not_describe_services(command: Command) -> None:
    result = command("services", "--url", "grpc://127.0.0.1:8001")
    assert result.exit_code == 2
    assert "known to the gateway" in result.stderr
