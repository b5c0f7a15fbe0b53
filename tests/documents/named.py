"""What a command names that has to exist: make targets, modules, files, Compose's and Kubernetes' names."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import yaml

from tests.documents.blocks import Block

OURS = (
    "backends|bench|client|demo|deploy|docs|documents|embedded|export|gateway|model_repository|requirements"
)
_MODULE = re.compile(rf"-m ((?:{OURS}|training|vision|modelhub)(?:\.\w+)*)")
_PATH = re.compile(rf"(?<![\w./-])((?:{OURS}|tests|trained|training|vision)/[\w./*-]*[\w*])")
_TARGET = re.compile(r"(?<![\w/.-])make ((?:[a-z][\w-]*|[A-Z_]+=\S+)(?: (?:[a-z][\w-]*|[A-Z_]+=\S+))*)")
_MADE = ("model_repository", "weights", "run", "out")
"""Folders in which commands name what they make themselves."""


def faults(block: Block, root: Path) -> list[str]:
    """Return what is wrong with a block that is not run."""
    if block.language == "python":
        return list(_python_faults(block.text))
    return [*_shell_faults(block.text), *missing(block.text, root)]


def missing(text: str, root: Path) -> list[str]:
    """Return what a shell's text names and is not there."""
    told = re.sub(r"#.*", "", text)
    return [
        *(f"no make target {name}" for name in sorted(_named_targets(told) - targets(root))),
        *(f"no module {name}" for name in sorted(set(_MODULE.findall(told))) if not _is_module(name, root)),
        *(f"no file {name}" for name in sorted(set(_PATH.findall(told))) if not _is_there(name, root)),
        *_compose_faults(told, root),
        *_kubernetes_faults(told, root),
    ]


def targets(root: Path) -> set[str]:
    """Return the Makefile's targets."""
    return set(re.findall(r"^([a-z][a-z-]*):", (root / "Makefile").read_text(), re.MULTILINE))


def _named_targets(text: str) -> set[str]:
    return {word for words in _TARGET.findall(text) for word in words.split() if "=" not in word}


def _shell_faults(text: str) -> Iterator[str]:
    result = subprocess.run(["bash", "-n"], input=text, text=True, capture_output=True, check=False)
    if result.returncode:
        yield result.stderr.strip()


def _python_faults(text: str) -> Iterator[str]:
    try:
        ast.parse(text)
    except SyntaxError as error:
        yield str(error)


def _is_module(name: str, root: Path) -> bool:
    base = root / "client" if name.startswith("modelhub") else root
    path = base.joinpath(*name.split("."))
    return path.with_suffix(".py").is_file() or (path / "__main__.py").is_file()


def _is_there(name: str, root: Path) -> bool:
    return name.startswith(_MADE) or any(root.glob(name))


def _compose_faults(text: str, root: Path) -> Iterator[str]:
    if "docker compose" not in text:
        return
    services = yaml.safe_load((root / "docker-compose.yml").read_text())["services"]
    profiles = {profile for service in services.values() for profile in service.get("profiles", ())}
    for line in re.findall(r"docker compose (.*)", text):
        for profile in re.findall(r"--profile (\S+)", line):
            if profile not in profiles:
                yield f"no profile {profile} of Compose"
        for service in re.findall(r"(?:exec|logs|restart) ([a-z][\w-]*)", line):
            if service not in services:
                yield f"no service {service} of Compose"


def _kubernetes_faults(text: str, root: Path) -> Iterator[str]:
    if "kubectl" not in text:
        return
    there = "\n".join(path.read_text() for path in (root / "deploy" / "kubernetes").rglob("*.y*ml"))
    used = [
        *re.findall(r"kubectl .*?-n (\S+)", text),
        *re.findall(r"\b(?:deployment|service|statefulset)/([\w-]+)", text),
        *re.findall(r"create secret generic (\S+)", text),
    ]
    for name in used:
        if not re.search(rf"[nN]ame: {re.escape(name)}\b|namespace: {re.escape(name)}\b", there):
            yield f"nothing of Kubernetes is named {name}"
