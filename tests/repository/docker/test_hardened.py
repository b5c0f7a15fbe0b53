"""What docker-compose.yml allows its services: nothing that they do not need."""

import re

import pytest

from embedded.paths import ROOT
from tests.repository.docker.compose import (
    BUILT,
    COMPOSE,
    DEFAULTS,
    SERVICES_OF_COMPOSE,
    TAKEN,
    TRITONS,
    copies,
    instructions,
    variable,
)


@pytest.mark.parametrize("name", SERVICES_OF_COMPOSE)
def test_service_is_hardened(name: str) -> None:
    service = SERVICES_OF_COMPOSE[name]
    assert service["read_only"] is True
    assert service["init"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["restart"] == "unless-stopped"
    assert set(service["deploy"]["resources"]["limits"]) == {"cpus", "memory", "pids"}
    forbidden = {
        "privileged",
        "cap_add",
        "network_mode",
        "pid",
        "ipc",
        "entrypoint",
        "command",
        "devices",
    }
    assert not forbidden & set(service)


@pytest.mark.parametrize("name", SERVICES_OF_COMPOSE)
def test_service_does_not_run_as_root(name: str) -> None:
    """Ours say so in their images; of others' we do not know."""
    assert ("user" in SERVICES_OF_COMPOSE[name]) == (name in TAKEN)
    user = SERVICES_OF_COMPOSE[name]["user"] if name in TAKEN else instructions(name, "USER")[-1]
    assert re.fullmatch(r"[1-9]\d*:\d+", user)


@pytest.mark.parametrize("name", BUILT)
def test_mounts_are_read_only_and_exist(name: str) -> None:
    for volume in SERVICES_OF_COMPOSE[name].get("volumes", []):
        source, target, mode = volume.split(":")
        assert mode == "ro"
        assert (ROOT / source).is_dir()
        assert target.startswith("/app/")
    for scratch in SERVICES_OF_COMPOSE[name]["tmpfs"]:
        assert {"noexec", "nosuid", "nodev"} <= set(scratch.partition(":")[2].split(","))


@pytest.mark.parametrize("name", TAKEN)
def test_what_watches_is_given_files_to_read_and_its_own_volume(name: str) -> None:
    for volume in SERVICES_OF_COMPOSE[name]["volumes"]:
        source, _, *mode = volume.split(":")
        if source in COMPOSE["volumes"]:
            assert name == "prometheus"
            continue
        assert mode == ["ro"]
        assert (ROOT / source).exists()
        assert source.startswith("./deploy/observation/")
    for scratch in SERVICES_OF_COMPOSE[name]["tmpfs"]:
        assert {"noexec", "nosuid", "nodev"} <= set(scratch.partition(":")[2].split(","))


@pytest.mark.parametrize("name", TAKEN)
def test_what_watches_is_published_on_loopback_alone(name: str) -> None:
    """It asks nobody who they are, and neither the gateway nor Triton is within Grafana's reach."""
    (published,) = SERVICES_OF_COMPOSE[name]["ports"]
    assert re.fullmatch(rf"127\.0\.0\.1:\$\{{MODELHUB_{name.upper()}_PORT:-(\d+)\}}:\1", published)
    networks = {"prometheus": {"inside", "watching"}, "grafana": {"watching"}}
    assert set(SERVICES_OF_COMPOSE[name]["networks"]) == networks[name]


def test_only_the_gateway_is_published_and_on_loopback_by_default() -> None:
    assert [name for name in BUILT if "ports" in SERVICES_OF_COMPOSE[name]] == ["gateway"]
    inside = SERVICES_OF_COMPOSE["gateway"]["environment"][variable("port")]
    host, port = variable("host"), variable("port")
    published = f"${{{host}:-{DEFAULTS.host}}}:${{{port}:-{DEFAULTS.port}}}:{inside}"
    assert SERVICES_OF_COMPOSE["gateway"]["ports"] == [published]
    assert COMPOSE["networks"]["inside"] == {"internal": True}
    for name in TRITONS:
        assert set(SERVICES_OF_COMPOSE[name]["networks"]) == {"inside"}


SECRET = re.compile(
    r"(?i)password|passwd|secret|token|api_?key|private_?key|BEGIN [A-Z ]*KEY|\.ssh|docker\.sock"
    r"|://[^/\s]+:[^/\s]+@"
)
SETTING = re.compile(r"MODELHUB_\w+")  # its name may say what it is for


def test_nothing_secret_stands_in_the_files() -> None:
    folders = (ROOT / "deploy" / "docker", ROOT / "deploy" / "observation")
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    files.append(ROOT / "docker-compose.yml")
    texts = {file.name: SETTING.sub("", file.read_text()) for file in files}
    assert {name: SECRET.findall(text) for name, text in texts.items()} == {name: [] for name in texts}


def test_images_can_take_nothing_else_from_the_checkout() -> None:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    allowed = {ROOT / rule[1:] for rule in rules if rule.startswith("!")}
    sources = {source for name in BUILT for source, _ in copies(name)}
    assert all(path.exists() for path in allowed | sources)
    outside = {source for source in sources if not allowed & {source, *source.parents}}
    assert not outside
    unused = {folder for folder in allowed if not any(folder in {path, *path.parents} for path in sources)}
    assert not unused
