"""Every rendered object is what its schema allows, and the schemas do refuse."""

import copy
from typing import Any

import pytest

from tests.repository.kubernetes.manifests import OVERLAYS, Manifest, objects, one
from tests.repository.kubernetes.schemas import problem


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_object_is_valid(overlay: str) -> None:
    found = objects(overlay)
    assert len(found) >= 9
    assert [told for item in found if (told := problem(item))] == []


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_nothing_is_there_twice(overlay: str) -> None:
    names = [(item["kind"], item["metadata"]["name"]) for item in objects(overlay)]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_everything_is_in_the_namespace(overlay: str) -> None:
    namespace = one(overlay, "Namespace")["metadata"]["name"]
    for item in objects(overlay):
        if item["kind"] != "Namespace":
            assert item["metadata"]["namespace"] == namespace


@pytest.mark.parametrize(
    ("overlay", "kind", "path"),
    [
        ("cpu", "Deployment", ("spec", "template", "spec", "containers", 0, "livenessProbe")),
        ("cpu", "Deployment", ("spec", "template", "spec", "volumes", 0, "emptyDir")),
        ("cpu", "Service", ("spec",)),
        ("cpu", "NetworkPolicy", ("spec", "egress", 0)),
        ("cpu", "HorizontalPodAutoscaler", ("spec", "behavior", "scaleUp")),
        ("cpu", "PodDisruptionBudget", ("spec",)),
        ("cpu", "PodMonitor", ("spec", "podMetricsEndpoints", 0)),
        ("cpu", "PrometheusRule", ("spec", "groups", 0, "rules", 0)),
        ("gpu", "PersistentVolumeClaim", ("spec",)),
        ("kserve", "ServingRuntime", ("spec",)),
        ("kserve", "ServingRuntime", ("spec", "supportedModelFormats", 0)),
        ("kserve", "ServingRuntime", ("spec", "containers", 0, "startupProbe", "exec")),
        ("kserve", "ServingRuntime", ("spec", "volumes", 1, "emptyDir")),
        ("kserve", "InferenceService", ("spec", "predictor")),
        ("kserve", "InferenceService", ("spec", "predictor", "model", "modelFormat")),
        ("kserve", "InferenceService", ("spec", "predictor", "securityContext")),
        ("kserve", "Job", ("spec", "template", "spec", "securityContext")),
    ],
    ids=lambda value: ".".join(map(str, value)) if isinstance(value, tuple) else value,
)
def test_a_misspelt_field_is_refused(overlay: str, kind: str, path: tuple[str | int, ...]) -> None:
    item = copy.deepcopy(one(overlay, kind))
    at(item, path)["periodSecond"] = 10
    assert "periodSecond" in problem(item)


@pytest.mark.parametrize(
    ("overlay", "kind", "path", "wrong"),
    [
        ("cpu", "Deployment", ("spec", "template", "spec", "containers", 0, "startupProbe"), "ten"),
        ("cpu", "PodMonitor", ("spec", "podMetricsEndpoints"), {}),
        ("kserve", "ServingRuntime", ("spec", "containers", 0, "livenessProbe", "timeoutSeconds"), "60"),
        ("kserve", "InferenceService", ("spec", "predictor", "terminationGracePeriodSeconds"), "90"),
    ],
)
def test_a_value_of_another_type_is_refused(
    overlay: str, kind: str, path: tuple[str | int, ...], wrong: object
) -> None:
    item = copy.deepcopy(one(overlay, kind))
    at(item, path[:-1])[path[-1]] = wrong
    assert problem(item)


def at(item: Manifest, path: tuple[str | int, ...]) -> Any:  # noqa: ANN401 - whatever is there
    found: Any = item
    for step in path:
        found = found[step]
    return found
