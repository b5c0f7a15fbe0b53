"""docker-compose.yml and the Dockerfiles of its services, as the tests read them."""

import re
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from embedded.paths import ROOT
from gateway.settings import Settings
from tests.commands import CONTAINER_PYTHON

TRITONS = ("triton-cpu", "triton-gpu")

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES_OF_COMPOSE: dict[str, dict[str, Any]] = COMPOSE["services"]
BUILT = [name for name, service in SERVICES_OF_COMPOSE.items() if "build" in service]
"""Services whose images are made here; the others' are taken as they are."""
TAKEN = [name for name in SERVICES_OF_COMPOSE if name not in BUILT]
DEFAULTS = Settings.model_construct()
PREFIX = str(Settings.model_config["env_prefix"])


def dockerfile_of(service: str) -> Path:
    return ROOT / str(SERVICES_OF_COMPOSE[service]["build"]["dockerfile"])


class Stage(NamedTuple):
    """What a build stage inherits and adds."""

    base: str
    lines: list[str]


def stages(dockerfile: Path) -> dict[str, Stage]:
    """Return the stages by name; one without a name is `""`."""
    text = re.sub(r"\\\n", " ", dockerfile.read_text())
    found: dict[str, Stage] = {}
    current: list[str] = []
    for line in filter(None, (line.strip() for line in text.splitlines())):
        if match := re.fullmatch(r"FROM (\S+)(?: AS (\S+))?", line):
            current = []
            found[match[2] or ""] = Stage(match[1], current)
        elif not line.startswith("#"):
            current.append(line)
    return found


def instructions(service: str, name: str) -> list[str]:
    """Return the arguments of an instruction in the image of `service`, those of inherited stages first."""
    known = stages(dockerfile_of(service))
    stage: Stage | None = known[SERVICES_OF_COMPOSE[service]["build"].get("target", "")]
    lines: list[str] = []
    while stage is not None:
        lines = stage.lines + lines
        stage = known.get(stage.base)
    return [line.removeprefix(name).strip() for line in lines if line.startswith(name + " ")]


def copies(service: str) -> list[tuple[Path, str]]:
    """Return what the image copies from the checkout, and where to below its folder."""
    pairs = [line.split() for line in instructions(service, "COPY")]
    return [(ROOT / source, target) for source, target in pairs]


def locked(service: str) -> dict[str, str]:
    """Return the packages that the image installs, and their versions on its Python."""
    python = CONTAINER_PYTHON if service in TRITONS else "3.11"
    found: dict[str, str] = {}
    for line in instructions(service, "RUN"):
        for file in re.findall(r"-r (\S+)", line):
            for pin in re.findall(r"^([\w.\-\[\]]+)==(\S+)(.*)", (ROOT / file).read_text(), re.MULTILINE):
                name, version, rest = pin
                if python == "3.10" and "python_full_version >= '3.11'" in rest:
                    continue
                found[canonical(name.partition("[")[0])] = version
    return found


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def amount(text: str) -> int:
    """Return bytes of `2gb`, `8g`, `${NAME:-8g}`."""
    match = re.fullmatch(r"(?:\$\{\w+:-)?(\d+)([mg])b?\}?", text)
    assert match, text
    return int(match[1]) << {"m": 20, "g": 30}[match[2]]


def seconds(text: str) -> int:
    match = re.fullmatch(r"(\d+)([sm])", text)
    assert match, text
    return int(match[1]) * {"s": 1, "m": 60}[match[2]]


def variable(field: str) -> str:
    return f"{PREFIX}{field}".upper()
