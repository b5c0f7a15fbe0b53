"""What the autoscaler looks at: recorded, adapted and asked for under one name, of metrics that there are."""

import re
from typing import Any

import pytest
import yaml
from prometheus_client import Gauge

from embedded.paths import ROOT
from embedded.repository import read_configs
from gateway import metrics
from tests.repository.kubernetes.manifests import KUBERNETES, OVERLAYS, one
from tests.repository.observation.expressions import grouped_by, selected
from vision.manifest import Profile

OF_TRITON = {
    "nv_inference_queue_duration_us",
    "nv_inference_request_success",
    "nv_inference_pending_request_count",
}
"""Those used here; a live test asks a real Triton for them."""


def rules() -> dict[str, str]:
    (group,) = one("cpu", "PrometheusRule")["spec"]["groups"]
    return {rule["record"]: rule["expr"] for rule in group["rules"]}


def adapted() -> dict[str, dict[str, Any]]:
    file = KUBERNETES / "components" / "scaling" / "prometheus-adapter.yaml"
    return {rule["name"]["as"]: rule for rule in yaml.safe_load(file.read_text())["rules"]["custom"]}


def asked(overlay: str) -> list[str]:
    told = one(overlay, "HorizontalPodAutoscaler")["spec"]["metrics"]
    return [item["pods"]["metric"]["name"] for item in told]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_autoscaler_asks_for_what_the_adapter_makes_of_what_is_recorded(overlay: str) -> None:
    assert len(asked(overlay)) == len(rules()) == 3
    assert set(asked(overlay)) == set(adapted())
    series = {rule["seriesQuery"].partition("{")[0] for rule in adapted().values()}
    assert series == set(rules())
    for name, rule in adapted().items():  # the colons of recorded series are no part of an API's path
        assert rule["seriesQuery"].partition("{")[0].rpartition(":")[0].replace(":", "_") == name
        assert rule["resources"]["overrides"] == {
            "namespace": {"resource": "namespace"},
            "pod": {"resource": "pod"},
        }


def test_rules_are_of_metrics_that_there_are_and_give_a_number_a_pod() -> None:
    ours = {metric._name for metric in vars(metrics).values() if isinstance(metric, Gauge)}
    for name, expression in rules().items():
        named = {one.name for one in selected(expression)}
        assert named, name
        assert named <= ours | OF_TRITON, name
        assert {"namespace", "pod"} <= grouped_by(expression) <= {"namespace", "pod", "model"}, name


def test_queues_of_composing_models_alone_count() -> None:
    patterns = {match for rule in rules().values() for match in re.findall(r'model=~"([^"]+)"', rule)}
    (pattern,) = patterns
    for profile in Profile:
        for config in read_configs(ROOT / profile.repository):
            counted = re.fullmatch(pattern, config.name) is not None
            assert counted is (config.platform != "ensemble"), config.name


def test_pods_are_not_let_go_in_a_lull() -> None:
    behaviour = one("cpu", "HorizontalPodAutoscaler")["spec"]["behavior"]
    assert behaviour["scaleDown"]["stabilizationWindowSeconds"] >= 300
    assert behaviour["scaleUp"]["stabilizationWindowSeconds"] <= 60
