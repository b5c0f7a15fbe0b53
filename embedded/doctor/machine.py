"""Findings of the machine itself, with the standard library of any Python from 3.8 on."""

from __future__ import annotations  # an old Python must be told that it is one

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from embedded.doctor.finding import NOTE, OK, PROBLEM, Finding, looked_at

GIB = 1024**3
PYTHONS = ((3, 11), (3, 12))
"""Those that Triton's wheel has stubs for."""
TO_START = 2 * GIB
"""Memory for Triton with all `lite` nets (1.2 GB, measured) and the gateway, and room for requests."""
TO_STAY = 5 * GIB
"""What they hold once large pictures have passed through every service (4.7 GB, measured)."""
TO_BUILD = 4 * GIB
"""Disk for the environments, the downloads and the nets."""
TO_RUN = GIB // 4
"""Disk for logs and what is saved."""
INDEX_TIMEOUT_S = 20.0
COMMAND_TIMEOUT_S = 15.0


def findings(root: Path, *, serving: bool, built: bool) -> Iterator[Finding]:
    """Yield the findings of a machine with its checkout at `root`.

    `serving`: the system runs, and has its memory. `built`: environment and nets are in place.
    """
    yield looked_at("Python", lambda: python(sys.version_info[:2], sys.executable))
    yield looked_at("tools", tools)
    yield looked_at("processor", lambda: processor(Path("/proc/cpuinfo").read_text(), os.uname().machine))
    yield looked_at("memory", lambda: memory(available_memory(Path("/")), serving=serving))
    yield looked_at("disk", lambda: disk(root, built=built))
    yield looked_at("package index", lambda: index(sys.executable, needed=not built))
    yield looked_at("GPU", lambda: gpu(output(["nvidia-smi", *GPU_QUERY])))
    yield looked_at(
        "Docker", lambda: docker(output(["docker", "version", "--format", "{{.Server.Version}}"]))
    )


def python(version: tuple[int, int], executable: str) -> Finding:
    """Judge the Python that the environment is built from, or is."""
    told = f"{version[0]}.{version[1]} ({executable})"
    if version in PYTHONS:
        return Finding("Python", OK, told)
    return Finding(
        "Python",
        PROBLEM,
        f"{told}: Triton's stubs are made for 3.11 and 3.12",
        "run `make PYTHON=python3.11 up`",
    )


def tools() -> Finding:
    """Judge whether the programs are there that setting up and serving call."""
    missing = [name for name in ("make", "nice") if shutil.which(name) is None]
    if missing:
        return Finding("tools", PROBLEM, f"not found: {', '.join(missing)}", "apt-get install make coreutils")
    return Finding("tools", OK, "make and nice are there")


def processor(cpuinfo: str, machine: str) -> Finding:
    """Judge the processor by `/proc/cpuinfo` and the name of its architecture."""
    if machine != "x86_64":
        return Finding(
            "processor",
            PROBLEM,
            f"{machine}: Triton's wheel is for x86_64 alone",
            "use another machine, or Docker with NVIDIA's image for this one (docs/docker.md)",
        )
    flags = set((re.search(r"^flags\s*:(.*)$", cpuinfo, re.MULTILINE) or ["", ""])[1].split())
    cores = f"{os.cpu_count()} cores"
    if "avx2" not in flags:
        return Finding("processor", NOTE, f"{cores}, no AVX2: everything works, several times as slow")
    if not flags & {"avx512_vnni", "avx_vnni"}:
        return Finding("processor", NOTE, f"{cores}, AVX2 but no VNNI: nets of 8-bit integers are slower")
    return Finding("processor", OK, f"{cores}, AVX2, VNNI")


def available_memory(system: Path) -> int:
    """Return the bytes that programs may still take, by the kernel and by its control group."""
    meminfo = (system / "proc" / "meminfo").read_text()
    available = int(re.findall(r"^MemAvailable:\s+(\d+) kB", meminfo, re.MULTILINE)[0]) * 1024
    group = system / "sys" / "fs" / "cgroup"
    try:
        limit = int((group / "memory.max").read_text())
        used = int((group / "memory.current").read_text())
        cached = re.findall(r"^inactive_file (\d+)$", (group / "memory.stat").read_text(), re.MULTILINE)
    except (OSError, ValueError):  # there is no group, or it has no limit: "max"
        return available
    return min(available, limit - used + sum(map(int, cached)))


def memory(available: int, *, serving: bool) -> Finding:
    """Judge the bytes that are free; a system that serves has its own already."""
    told = f"{available / GIB:.1f} GiB free"
    if serving:
        return Finding("memory", OK, f"{told}, beside what serves")
    if available < TO_START:
        return Finding(
            "memory", PROBLEM, f"{told}, {TO_START / GIB:.0f} GiB are needed to start", "end something"
        )
    if available < TO_STAY:
        return Finding(
            "memory",
            NOTE,
            f"{told}: enough to start; large pictures in every service take {TO_STAY / GIB:.0f} GiB",
        )
    return Finding("memory", OK, told)


def disk(root: Path, *, built: bool) -> Finding:
    """Judge the room on the checkout's disk."""
    free, needed = shutil.disk_usage(root).free, TO_RUN if built else TO_BUILD
    told = f"{free / GIB:.1f} GiB free at {root}"
    if free < needed:
        return Finding(
            "disk", PROBLEM, f"{told}, {needed / GIB:.2g} GiB are needed", "delete something there"
        )
    return Finding("disk", OK, told)


def environment(root: Path) -> Finding:
    """Judge whether the environment is built, and from the requirements of today."""
    stamp = root / ".venv" / ".stamp"
    if not stamp.exists():
        return Finding(
            "environment", PROBLEM, "not built", "run `make setup`, or `make up`, which does it too"
        )
    if not (root / ".venv" / "bin" / "python").exists():  # a link to what is no more
        return Finding("environment", PROBLEM, "its Python is gone", "run `rm -r .venv` and `make setup`")
    sources = [root / "requirements" / "serve.txt", root / "requirements" / "triton.txt"]
    if any(source.stat().st_mtime > stamp.stat().st_mtime for source in sources):
        return Finding("environment", PROBLEM, "older than the requirements", "run `make setup`")
    return Finding("environment", OK, "built")


def index(executable: str, *, needed: bool) -> Finding:
    """Judge whether a package index answers to `pip`, with the address and certificates that it has."""
    try:
        asked = subprocess.run(
            [executable, "-m", "pip", "index", "versions", "--disable-pip-version-check", "pip"],
            capture_output=True,
            text=True,
            timeout=INDEX_TIMEOUT_S,
            check=False,
        )
        why = "" if asked.returncode == 0 else _last_line(asked.stderr)
    except subprocess.TimeoutExpired:
        why = f"no answer within {INDEX_TIMEOUT_S:.0f} s"
    if not why:
        return Finding("package index", OK, "answers to pip")
    return Finding(
        "package index",
        PROBLEM if needed else NOTE,
        f"not reachable: {why}" + ("" if needed else "; all that comes from it is here already"),
        "connect to a network, or tell pip of your index and proxy (PIP_INDEX_URL, https_proxy)",
    )


GPU_QUERY = ("--query-gpu=name,driver_version,memory.total", "--format=csv,noheader")


def gpu(answer: str | None) -> Finding:
    """Judge what `nvidia-smi` answers to GPU_QUERY; None if it cannot be asked."""
    if not answer:
        return Finding(
            "GPU", NOTE, "none with NVIDIA's driver is seen: `lite` needs none, `full` is slow without"
        )
    return Finding("GPU", OK, "; ".join(answer.splitlines()))


def docker(version: str | None) -> Finding:
    """Judge what a Docker engine says of its version; None if none answers."""
    if not version:
        return Finding("Docker", NOTE, "no engine answers: only `docker compose` needs one")
    return Finding("Docker", OK, version.splitlines()[0])


def output(command: Sequence[str]) -> str | None:
    """Return what a command prints; None where it is not there, fails or hangs."""
    try:
        ran = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=COMMAND_TIMEOUT_S,
            check=True,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return ran.stdout.strip() or None


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "pip does not say why"
