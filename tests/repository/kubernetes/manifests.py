"""The overlays of deploy/kubernetes/ as kustomize renders them, and the pods in them."""

import functools
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from embedded.paths import ROOT
from tests import commands

KUBERNETES = ROOT / "deploy" / "kubernetes"
OVERLAYS = ("cpu", "gpu", "kserve")
every_overlay = pytest.mark.parametrize("overlay", OVERLAYS)

Manifest = dict[str, Any]


@functools.cache
def _rendered(overlay: str) -> str:
    kubectl = Path(sys.executable).with_name("kubectl")
    done = commands.run(
        [kubectl, "kustomize", KUBERNETES / "overlays" / overlay],
    )
    assert done.returncode == 0, done.stderr
    assert not done.stderr  # what is deprecated is told there
    return done.stdout


def objects(overlay: str) -> list[Manifest]:
    """Everything that `kubectl apply -k` would apply, anew for each caller."""
    return list(yaml.load_all(_rendered(overlay), Loader=yaml.CSafeLoader))


def one(overlay: str, kind: str, name: str = "") -> Manifest:
    """The overlay's object of that kind, and of a name that begins so."""
    (found,) = (
        item
        for item in objects(overlay)
        if item["kind"] == kind and item["metadata"]["name"].startswith(name)
    )
    return found


class Serving(NamedTuple):
    """The pod that serves, with each of its containers by the part that it plays."""

    pod: Manifest
    triton: Manifest
    gateway: Manifest
    before: list[Manifest]
    """Containers that end before Triton starts, in order."""
    volumes: dict[str, Manifest]


def serving(overlay: str) -> Serving:
    if overlay != "kserve":
        pod = one(overlay, "Deployment")["spec"]["template"]["spec"]
        *before, triton = pod["initContainers"]
        (gateway,) = pod["containers"]
        return Serving(pod, triton, gateway, before, by_name(pod["volumes"]))
    runtime = one(overlay, "ServingRuntime")["spec"]
    containers = by_name(runtime["containers"])
    pod = one(overlay, "InferenceService")["spec"]["predictor"]
    triton, gateway = containers["kserve-container"], containers["transformer-container"]
    return Serving(pod, triton, gateway, [], by_name(runtime["volumes"]))


def by_name(items: list[Manifest]) -> dict[str, Manifest]:
    return {item["name"]: item for item in items}


def pods_and_containers(overlay: str) -> Iterator[tuple[Manifest, list[Manifest]]]:
    """Every pod of an overlay and all its containers."""
    pod, triton, gateway, before, _ = serving(overlay)
    yield pod, [*before, triton, gateway]
    for item in objects(overlay):
        if item["kind"] == "Job":
            job = item["spec"]["template"]["spec"]
            yield job, job["containers"]


def environment(overlay: str, container: Manifest) -> dict[str, str | None]:
    """A container's variables; None for those that come out of a Secret."""
    maps = {
        item["metadata"]["name"]: item["data"] for item in objects(overlay) if item["kind"] == "ConfigMap"
    }
    found: dict[str, str | None] = {}
    for source in container.get("envFrom", []):
        found |= maps[source["configMapRef"]["name"]]
    return found | {entry["name"]: entry.get("value") for entry in container.get("env", [])}


def ports(container: Manifest) -> dict[str, int]:
    return {port["name"]: port["containerPort"] for port in container.get("ports", [])}


def amount(quantity: str) -> int:
    """Bytes of `2Gi`."""
    match = re.fullmatch(r"(\d+)(Mi|Gi)", quantity)
    assert match, quantity
    return int(match[1]) << {"Mi": 20, "Gi": 30}[match[2]]
