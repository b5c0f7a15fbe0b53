"""What alerts and board read, against what the real gateway and the real Triton tell."""

import base64
import re
from pathlib import Path
from typing import NamedTuple

import pytest
from prometheus_client.metrics import MetricWrapperBase

from embedded.system import System
from gateway import metrics
from tests import web
from tests.repository.observation.expressions import BY_PROMETHEUS, expressions, grouped_by, selected
from tests.unit.gateway.conftest import until

SERVICE = "image_classification"
ENDS = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count")}
"""Of the names of a metric's samples."""


class Sample(NamedTuple):
    name: str
    labels: dict[str, str]
    value: float


def told(url: str) -> list[Sample]:
    """What stands there, under the names that Prometheus keeps: a parser's own are another notation's."""
    text = web.get(url).text
    return [
        Sample(name, dict(re.findall(r'(\w+)="([^"]*)"', labels)), float(value))
        for name, labels, value in re.findall(r"^(\w+)(\{.*\})? (\S+)$", text, re.MULTILINE)
    ]


@pytest.fixture
def triton_metrics(system: System) -> str:
    return f"http://{system.settings.triton_host}:{system.settings.triton_metrics_port}/metrics"


@pytest.fixture
def gateway_metrics(system: System) -> str:
    return f"http://{system.settings.metrics_host}:{system.settings.metrics_port}/metrics"


def labels_by_name(*urls: str) -> dict[str, set[str]]:
    """The labels of every sample that is told, by its name."""
    found: dict[str, set[str]] = {}
    for sample in (sample for url in urls for sample in told(url)):
        found.setdefault(sample.name, set()).update(sample.labels)
    return found


def declared() -> dict[str, set[str]]:
    """The gateway's own metrics, which are not told before something is counted, with their labels."""
    found: dict[str, set[str]] = {}
    for metric in vars(metrics).values():
        if isinstance(metric, MetricWrapperBase):
            (family,) = metric.describe()
            for end in ENDS.get(family.type, ("",)):
                found[family.name + end] = {*metric._labelnames, *(["le"] if end == "_bucket" else [])}
    return found


@pytest.fixture
def known(gateway_metrics: str, triton_metrics: str) -> dict[str, set[str]]:
    return declared() | labels_by_name(gateway_metrics, triton_metrics)


@pytest.mark.parametrize("place", expressions())
def test_what_is_read_is_told(place: str, known: dict[str, set[str]]) -> None:
    expression = expressions()[place]
    read = selected(expression)
    assert {name for name, _ in read} <= set(known)
    for name, labels in read:
        assert labels <= known[name] | BY_PROMETHEUS, name
    assert grouped_by(expression) <= BY_PROMETHEUS.union(*(known[name] for name, _ in read))


def test_what_the_gateway_tells_is_what_it_declares(gateway_metrics: str) -> None:
    ours = {name for name in labels_by_name(gateway_metrics) if name.startswith("modelhub_")}
    assert {"modelhub_places", "modelhub_ready"} <= ours <= set(declared())


def total(url: str, name: str, **labels: str) -> float:
    return sum(
        sample.value
        for sample in told(url)
        if sample.name == name and labels.items() <= sample.labels.items()
    )


def test_a_request_is_counted_once_in_the_gateway_and_a_failure_twice_in_triton(
    system: System, gateway_metrics: str, triton_metrics: str, sample_pictures: Path
) -> None:
    """An alert halves Triton's failures of ensembles."""

    def counts() -> tuple[float, ...]:
        return (
            total(gateway_metrics, "modelhub_requests_total", service=SERVICE, code="200"),
            total(gateway_metrics, "modelhub_requests_total", service=SERVICE, code="40004"),
            total(triton_metrics, "nv_inference_request_success", model=SERVICE),
            total(triton_metrics, "nv_inference_request_failure", model=SERVICE),
        )

    before = counts()
    url = f"{system.gateway_url()}/api/predict/{SERVICE}"
    good = base64.b64encode((sample_pictures / "chelsea.png").read_bytes()).decode()
    bad = base64.b64encode(b"no picture").decode()
    answers = [web.post(url, json={"image": image}, timeout=60) for image in (good, bad, bad)]
    assert [answer.status_code for answer in answers] == [200, 400, 400]
    expected = tuple(was + more for was, more in zip(before, (1, 2, 1, 4), strict=True))
    until(lambda: counts() == expected)  # Triton counts when it has let go of a request, after its answer


def test_server_timing_names_every_stage(system: System, sample_pictures: Path) -> None:
    image = base64.b64encode((sample_pictures / "page.png").read_bytes()).decode()
    for service in ("image_classification", "ocr"):
        url = f"{system.gateway_url()}/api/predict/{service}"
        header = web.post(url, json={"image": image}, timeout=60).headers["server-timing"]
        stages = {name: float(value) for name, value in (part.split(";dur=") for part in header.split(", "))}
        assert list(stages) == ["queue", "preprocess", "net", "postprocess", "encode", "total"]
        assert all(value > 0 for value in stages.values())
        assert sum(stages.values()) - stages["total"] <= stages["total"] + 1
