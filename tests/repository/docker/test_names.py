"""What docker-compose.yml calls things, and how much it grants, against the code that it runs."""

import ast
import os
import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from starlette.routing import Route

from embedded.assemble import find_triton, triton_environment
from embedded.checks import HEADROOM_BYTES, REGION_BYTES
from embedded.paths import ROOT
from embedded.repository import stub_counts
from gateway.app import create_app
from gateway.settings import Settings
from tests import commands
from tests.repository.docker.compose import (
    DEFAULTS,
    PREFIX,
    SERVICES_OF_COMPOSE,
    TRITONS,
    amount,
    seconds,
    variable,
)
from vision.manifest import Profile

BODY_COPIES = 6
"""How often a request's body is held for moments (`Settings.max_in_flight`)."""


def test_gateway_knows_every_variable_and_is_given_every_setting() -> None:
    environment: Mapping[str, str | None] = SERVICES_OF_COMPOSE["gateway"]["environment"]
    fixed = {name: value for name, value in environment.items() if value is not None}
    ports = {
        variable(field) for field in Settings.model_fields if field.startswith("triton_") and "port" in field
    }
    settings_of_all = {variable(field) for field in Settings.model_fields}
    assert set(environment) | ports == settings_of_all | {"MODELHUB_MAX_PIXELS"}  # modelhub_pictures' own
    assert not ports & set(environment)  # Triton listens on its own defaults, which the code has too
    settings = Settings.model_validate(
        {name.removeprefix(PREFIX).lower(): value for name, value in fixed.items()}
    )
    assert settings.host == "0.0.0.0"
    for name in TRITONS:
        assert settings.triton_host in SERVICES_OF_COMPOSE[name]["networks"]["inside"]["aliases"]


def test_the_two_tritons_are_never_served_together() -> None:
    assert SERVICES_OF_COMPOSE["triton-cpu"]["profiles"] == ["cpu"]
    assert SERVICES_OF_COMPOSE["triton-gpu"]["profiles"] == ["gpu"]
    assert SERVICES_OF_COMPOSE["gateway"]["profiles"] == ["cpu", "gpu"]
    needed = SERVICES_OF_COMPOSE["gateway"]["depends_on"]
    assert set(needed) == set(TRITONS)
    assert not any(entry["required"] for entry in needed.values())


@pytest.mark.parametrize("name", TRITONS)
def test_triton_is_given_what_its_stubs_and_its_script_read(name: str) -> None:
    environment = SERVICES_OF_COMPOSE[name]["environment"]
    read = set(re.findall(r"environ\S*\(\"(\w+)\"", (ROOT / "modelhub_pictures" / "limits.py").read_text()))
    script = set(
        re.findall(r"\$\{?(MODELHUB_\w+)", (ROOT / "deploy" / "docker" / "serve-triton.sh").read_text())
    )
    beside_the_gateway = {"MODELHUB_TRITON_HOST"}  # in a pod; here they are two hosts
    assert set(environment) == (read | script) - beside_the_gateway
    assert environment["MODELHUB_PROFILE"] == f"${{MODELHUB_PROFILE:-{Profile.LITE.value}}}"


def probed(name: str) -> tuple[int, str]:
    """Return the port and the path that a health check asks."""
    test = SERVICES_OF_COMPOSE[name]["healthcheck"]["test"]
    assert test[0] == "CMD"
    ast.parse(test[-1])
    match = re.search(r"'http://127\.0\.0\.1:(\d+)(/\S*)'", test[-1])
    assert match
    return int(match[1]), match[2]


def test_health_checks_ask_what_is_answered() -> None:
    paths = {route.path for route in create_app(Settings()).routes if isinstance(route, Route)}
    port, path = probed("gateway")
    assert path in paths
    assert str(port) == SERVICES_OF_COMPOSE["gateway"]["environment"][variable("port")]
    assert [probed(name) for name in TRITONS] == [(DEFAULTS.triton_http_port, "/v2/health/ready")] * 2
    assert seconds(SERVICES_OF_COMPOSE["gateway"]["healthcheck"]["timeout"]) > DEFAULTS.deadline_s


def test_triton_knows_every_flag_that_it_is_started_with() -> None:
    parts = find_triton()
    told = commands.run(
        [parts.binary, "--help"],
        env=triton_environment(parts, os.environ),
    )
    script = (ROOT / "deploy" / "docker" / "serve-triton.sh").read_text()
    flags = set(re.findall(r"--[\w-]+", script.partition("exec tritonserver")[2])) | {"--model-config-name"}
    assert {flag for flag in flags if flag not in told.stdout + told.stderr} == set()


def test_gateway_asks_at_the_ports_that_triton_has_unless_told() -> None:
    """The script names no ports; those are Triton's own."""
    ports = (DEFAULTS.triton_http_port, DEFAULTS.triton_grpc_port, DEFAULTS.triton_metrics_port)
    assert ports == (8000, 8001, 8002)
    assert "-port" not in (ROOT / "deploy" / "docker" / "serve-triton.sh").read_text()


def test_nothing_is_killed_before_it_has_finished() -> None:
    script = (ROOT / "deploy" / "docker" / "serve-triton.sh").read_text()
    (timeout,) = re.findall(r"--exit-timeout-secs=(\d+)", script)
    for name in TRITONS:
        assert seconds(SERVICES_OF_COMPOSE[name]["stop_grace_period"]) > int(timeout)
    assert seconds(SERVICES_OF_COMPOSE["gateway"]["stop_grace_period"]) > DEFAULTS.deadline_s


@pytest.mark.parametrize("name", TRITONS)
def test_triton_has_the_shared_memory_that_the_largest_answer_takes(name: str) -> None:
    service = SERVICES_OF_COMPOSE[name]
    stubs = max(sum(stub_counts(ROOT / profile.repository).values()) for profile in Profile)
    assert amount(service["shm_size"]) >= stubs * REGION_BYTES + HEADROOM_BYTES
    assert amount(service["deploy"]["resources"]["limits"]["memory"]) > 2 * amount(service["shm_size"])


def test_gateway_has_the_memory_for_what_it_admits() -> None:
    memory = amount(SERVICES_OF_COMPOSE["gateway"]["deploy"]["resources"]["limits"]["memory"])
    assert memory > DEFAULTS.max_in_flight * DEFAULTS.max_body_bytes * BODY_COPIES


@pytest.mark.parametrize("name", TRITONS)
def test_repositories_lie_side_by_side(name: str) -> None:
    mounted = {volume.split(":")[0]: volume.split(":")[1] for volume in SERVICES_OF_COMPOSE[name]["volumes"]}
    assert mounted == {f"./{profile.repository}": f"/app/{profile.repository}" for profile in Profile}
    for link in (ROOT / Profile.FULL.repository).iterdir():
        if link.is_symlink():
            target = Path(os.path.normpath(link.parent / link.readlink()))
            assert target.parent in {ROOT / profile.repository for profile in Profile}


def test_gpu_is_reserved_for_the_gpu_alone() -> None:
    (device,) = SERVICES_OF_COMPOSE["triton-gpu"]["deploy"]["resources"]["reservations"]["devices"]
    assert device["driver"] == "nvidia"
    assert device["capabilities"] == ["gpu"]
    assert "reservations" not in SERVICES_OF_COMPOSE["triton-cpu"]["deploy"]["resources"]
