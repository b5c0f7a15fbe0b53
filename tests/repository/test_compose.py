"""docker-compose.yml and deploy/docker against the code that they run.

No engine is needed: what an engine would be told is held against what the code says.
"""

import ast
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from starlette.routing import Route

from embedded.assemble import find_triton, triton_environment
from embedded.checks import HEADROOM_BYTES, REGION_BYTES, count_stubs
from embedded.paths import ROOT
from export.tensorrt.configs import CONFIG_NAME
from export.tensorrt.errors import NotServable
from gateway.app import create_app
from gateway.settings import Settings
from tests.repository.test_production import CONTAINER_PYTHON
from vision.manifest import Profile

TRITONS = ("triton-cpu", "triton-gpu")
ONNXRUNTIME = "1.19"
"""Of tritonserver:24.10-py3, the release that export/checks.py speaks of."""
BODY_COPIES = 6
"""How often a request's body is held for moments (`Settings.max_in_flight`)."""
OF_WHEELS_BACKEND = {"backends.onnxruntime.model", "backends.onnx_config"}
"""What only a Triton without the native ONNX Runtime backend reads."""
OF_TRITON = {"triton_python_backend_utils"}
ELSEWHERE = {"tensorrt", "tensorrt_rtx"}
"""Imported by `export.tensorrt` only when it builds, which it does in environments that have them."""

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES_OF_COMPOSE: dict[str, dict[str, Any]] = COMPOSE["services"]
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


# What is hardened


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
        "user",
        "entrypoint",
        "command",
        "devices",
    }
    assert not forbidden & set(service)


@pytest.mark.parametrize("name", SERVICES_OF_COMPOSE)
def test_service_does_not_run_as_root(name: str) -> None:
    user = instructions(name, "USER")[-1]
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", user)


@pytest.mark.parametrize("name", SERVICES_OF_COMPOSE)
def test_mounts_are_read_only_and_exist(name: str) -> None:
    for volume in SERVICES_OF_COMPOSE[name].get("volumes", []):
        source, target, mode = volume.split(":")
        assert mode == "ro"
        assert (ROOT / source).is_dir()
        assert target.startswith("/app/")
    for scratch in SERVICES_OF_COMPOSE[name]["tmpfs"]:
        assert {"noexec", "nosuid", "nodev"} <= set(scratch.partition(":")[2].split(","))


def test_only_the_gateway_is_published_and_on_loopback_by_default() -> None:
    assert [name for name, service in SERVICES_OF_COMPOSE.items() if "ports" in service] == ["gateway"]
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


def test_nothing_secret_stands_in_the_files() -> None:
    files = [ROOT / "docker-compose.yml", *(ROOT / "deploy" / "docker").iterdir()]
    assert {file.name: SECRET.findall(file.read_text()) for file in files} == {
        file.name: [] for file in files
    }


def test_images_can_take_nothing_else_from_the_checkout() -> None:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    allowed = {ROOT / rule[1:] for rule in rules if rule.startswith("!")}
    sources = {source for name in SERVICES_OF_COMPOSE for source, _ in copies(name)}
    assert all(path.exists() for path in allowed | sources)
    outside = {source for source in sources if not allowed & {source, *source.parents}}
    assert not outside
    unused = {folder for folder in allowed if not any(folder in {path, *path.parents} for path in sources)}
    assert not unused


# What the code calls things


def test_gateway_knows_every_variable_and_is_given_every_setting() -> None:
    environment: Mapping[str, str | None] = SERVICES_OF_COMPOSE["gateway"]["environment"]
    fixed = {name: value for name, value in environment.items() if value is not None}
    ports = {
        variable(field) for field in Settings.model_fields if field.startswith("triton_") and "port" in field
    }
    assert set(environment) | ports == {variable(field) for field in Settings.model_fields}
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
    read = set(re.findall(r"environ\S*\(\"(\w+)\"", (ROOT / "vision" / "limits.py").read_text()))
    script = set(
        re.findall(r"\$(MODELHUB_\w+)", (ROOT / "deploy" / "docker" / "serve-triton.sh").read_text())
    )
    assert set(environment) == read | script
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
    told = subprocess.run(
        [parts.binary, "--help"],
        env=triton_environment(parts, os.environ),
        capture_output=True,
        text=True,
        check=False,
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
    stubs = max(count_stubs(ROOT / profile.repository) for profile in Profile)
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


# Versions


def bases() -> list[str]:
    files = {dockerfile_of(name) for name in SERVICES_OF_COMPOSE}
    names = {name for file in files for name in stages(file)}
    return [stage.base for file in files for stage in stages(file).values() if stage.base not in names]


def test_base_images_are_pinned() -> None:
    for base in bases():
        assert re.search(r":\d+\.\d+\S*$", base), base


def test_release_is_the_same_everywhere() -> None:
    (release,) = {match[1] for base in bases() if (match := re.search(r"tritonserver:(\S+)-py3$", base))}
    for page in [ROOT / "README.md", *(ROOT / "docs").glob("*.md"), *(ROOT / "deploy").rglob("*")]:
        if page.is_file():
            said = set(re.findall(r"(?:tritonserver|tensorrt):(\d\d\.\d\d)", page.read_text()))
            assert said <= {release}, page
    assert f"({release}: ONNX Runtime {ONNXRUNTIME}" in (ROOT / "README.md").read_text()


def test_onnx_runtime_and_python_are_those_of_the_image() -> None:
    assert f"ONNX Runtime {ONNXRUNTIME}" in (ROOT / "export" / "checks.py").read_text()
    pins = {
        file.name: set(re.findall(r"^onnxruntime==(\d+\.\d+)", file.read_text(), re.MULTILINE))
        for file in (ROOT / "requirements").glob("*.txt")
    }
    assert {name: found for name, found in pins.items() if found - {ONNXRUNTIME}} == {}
    dockerfile = dockerfile_of("triton-cpu").read_text()
    assert f"Python is {CONTAINER_PYTHON}, its ONNX Runtime {ONNXRUNTIME}" in dockerfile
    assert f"Python {CONTAINER_PYTHON} " in (ROOT / "requirements" / "container.in").read_text()


@pytest.mark.parametrize("name", SERVICES_OF_COMPOSE)
def test_installs_take_wheels_with_hashes_alone(name: str) -> None:
    installs = [line for line in instructions(name, "RUN") if "pip install" in line]
    assert installs
    for line in installs:
        assert "--require-hashes" in line
        assert "--only-binary=:all:" in line
    assert not [line for line in instructions(name, "RUN") if "pip install" not in line]
    for lock in (file for file, _ in copies(name) if file.suffix == ".txt"):
        pins = re.findall(r"^[\w.\-\[\]]+==.*\\\n    --hash=sha256:", lock.read_text(), re.MULTILINE)
        assert len(pins) == len(re.findall(r"^\w", lock.read_text(), re.MULTILINE))


def test_gpu_stage_replaces_no_package_of_the_cpu_stage() -> None:
    cpu, gpu = locked("triton-cpu"), locked("triton-gpu")
    assert cpu == {name: gpu[name] for name in cpu}
    assert int(cpu["numpy"].partition(".")[0]) < 2


# What is imported


def imports(module: Path) -> Iterator[str]:
    """Yield the full names of everything that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def file_of(module: str) -> Path | None:
    path = ROOT.joinpath(*module.split("."))
    return next((file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file()), None)


def closure(starts: Iterator[Path]) -> tuple[set[str], set[str]]:
    """Return what `starts` come to import: others' packages, by import name, and modules of ours."""
    waiting, seen, foreign = list(starts), set[str](), set[str]()
    while waiting:
        for name in imports(waiting.pop()):
            file = file_of(name)
            if file is not None and name not in seen:
                seen.add(name)
                waiting.append(file)
            elif not (ROOT / name.partition(".")[0]).is_dir():
                foreign.add(name.partition(".")[0])
    return foreign - sys.stdlib_module_names, seen


STARTS = {
    "triton-cpu": sorted(ROOT.glob("model_repository/*/1/model.py")),
    "triton-gpu": [ROOT / "export" / "tensorrt" / "__main__.py"],
    "gateway": [ROOT / "gateway" / "__main__.py"],
}


@pytest.mark.parametrize("name", SERVICES_OF_COMPOSE)
def test_images_carry_all_that_is_imported(name: str) -> None:
    foreign, ours = closure(iter(STARTS[name]))
    assert ours
    lacking = foreign - OF_TRITON - ELSEWHERE
    distributions = packages_distributions()
    present = locked(name)
    lacking = {
        package
        for package in lacking
        if not {canonical(one) for one in distributions.get(package, [package])} & set(present)
    }
    assert not lacking
    folders = {source.name for source, _ in copies(name)}
    assert {module.partition(".")[0] for module in ours} <= folders


def test_container_has_every_package_of_vision_and_backends() -> None:
    """The ONNX Runtime backend in Python is left out: the container has the native one."""
    files = [*(ROOT / "vision").rglob("*.py"), *(ROOT / "backends").rglob("*.py")]
    native = {file for name in OF_WHEELS_BACKEND if (file := file_of(name))}
    assert len(native) == len(OF_WHEELS_BACKEND)
    foreign, _ = closure(file for file in files if file not in native)
    _, steps = closure(iter(STARTS["triton-cpu"]))
    assert not OF_WHEELS_BACKEND & steps
    distributions = packages_distributions()
    needed = {canonical(distributions[package][0]) for package in foreign - OF_TRITON}
    assert needed == set(locked("triton-cpu"))
    assert needed == named_in("container.in")


def named_in(name: str) -> set[str]:
    text = (ROOT / "requirements" / name).read_text()
    return {canonical(match) for match in re.findall(r"^([a-z][\w-]*)", text, re.MULTILINE)}


# What starts


@pytest.fixture
def image(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A folder with what the named service's image has of ours, and a `tritonserver` that tells its flags."""
    root = tmp_path / "app"
    for source, target in copies(request.param):
        if source.is_dir():
            shutil.copytree(source, root / target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            (root / target).mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, root / target)
    binaries = tmp_path / "bin"
    binaries.mkdir()
    (binaries / "tritonserver").write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    (binaries / "tritonserver").chmod(0o755)
    return root


def start(image: Path, service: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run what the image runs, in its folder, with nothing else of ours importable."""
    command = yaml.safe_load(instructions(service, "CMD")[-1])
    path = f"{image.parent / 'bin'}{os.pathsep}{Path(sys.executable).parent}{os.pathsep}{os.defpath}"
    return subprocess.run(
        [part.replace("/app/", f"{image}/") for part in command],
        cwd=image,
        env={"PATH": path, "PYTHONPATH": str(image), "HOME": str(image.parent), **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize("profile", Profile)
@pytest.mark.parametrize("image", ["triton-cpu"], indirect=True)
def test_triton_is_started_on_the_profiles_repository(image: Path, profile: Profile) -> None:
    ended = start(image, "triton-cpu", MODELHUB_PROFILE=profile.value)
    assert ended.returncode == 0, ended.stderr
    told = ended.stdout.splitlines()
    assert f"--model-repository={image / profile.repository}" in told
    assert not [flag for flag in told if "config-name" in flag]


@pytest.mark.parametrize("image", ["triton-cpu"], indirect=True)
def test_triton_is_not_started_on_an_unknown_profile(image: Path) -> None:
    ended = start(image, "triton-cpu", MODELHUB_PROFILE="large; tritonserver")
    assert ended.returncode != 0
    assert "large" in ended.stderr
    assert ended.stdout == ""


@pytest.mark.parametrize("image", ["triton-gpu"], indirect=True)
def test_triton_is_started_with_plans_only_if_they_are_there(image: Path) -> None:
    net = image / Profile.LITE.repository / "some_net"
    (net / "configs").mkdir(parents=True)
    (net / "1").mkdir()
    (net / "configs" / f"{CONFIG_NAME}.pbtxt").write_text('name: "some_net" backend: "tensorrt"')
    (net / "config.pbtxt").write_text('name: "some_net" backend: "onnxruntime"')
    refused = start(image, "triton-gpu", MODELHUB_PROFILE="lite")
    assert refused.returncode == NotServable("").exit_status, refused.stderr
    assert "some_net" in refused.stderr
    assert refused.stdout == ""
    # A net that stays on ONNX Runtime needs no plan.
    (net / "configs" / f"{CONFIG_NAME}.pbtxt").write_text('name: "some_net" backend: "onnxruntime"')
    (net / "1" / "model.onnx").write_bytes(b"graph")
    started = start(image, "triton-gpu", MODELHUB_PROFILE="lite")
    assert started.returncode == 0, started.stderr
    assert f"--model-config-name={CONFIG_NAME}" in started.stdout.splitlines()


@pytest.mark.parametrize("image", ["gateway"], indirect=True)
def test_gateway_starts_from_what_its_image_has(image: Path) -> None:
    """A setting that cannot be ends it with a line about that setting: all was imported by then."""
    ended = start(image, "gateway", MODELHUB_PORT="none")
    assert ended.returncode == 1
    assert ended.stderr.startswith("settings:")
