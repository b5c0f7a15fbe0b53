"""The `full` repository under a real Triton: links, nets of random weights, and who is told of them."""

import base64
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from embedded.errors import SeededNets
from embedded.repository import Scope
from embedded.system import System
from gateway.services import SERVICES
from tests import web
from tests.conftest import free_settings
from tests.full_profile import SeededFull
from tests.live.triton import infer_grpc, infer_http, payloads
from vision.manifest import SEEDED_NETS, Profile

pytestmark = pytest.mark.timeout(2400)  # the first of these exports all nets

DEADLINE_S = 600.0
"""These nets are meant for GPUs: colouring takes half a minute of two cores."""
SERVICE, NET = "image_classification", "image_classification_net"


@pytest.fixture(scope="module")
def full(seeded_full: SeededFull, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """All of the `full` repository."""
    settings, run = free_settings(deadline_s=DEADLINE_S), tmp_path_factory.mktemp("full")
    with System(settings, Scope(seeded_full.whole(), partial=True, allow_seeded=True), run) as system:
        system.start(report=lambda line: None)
        yield system


def test_what_is_served_is_told(full: System) -> None:
    assert {net.service for net in full.served.nets} == set(SERVICES)
    assert full.served.left_out == {}
    assert {net.profile for net in full.served.nets} == {Profile.FULL}
    assert [net.net for net in full.served.nets if not net.seeded] == ["ocr_angle_net"]


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_answers_as_documented(full: System, service: str, sample_pictures: Path) -> None:
    picture = base64.b64encode((sample_pictures / "coffee.png").read_bytes()).decode()
    body = dict.fromkeys(SERVICES[service].pictures, picture)
    response = web.post(f"{full.gateway_url()}/api/predict/{service}", json=body, timeout=DEADLINE_S)
    assert response.status_code == 200, response.text
    assert response.headers["x-modelhub-weights"] == "seeded"
    SERVICES[service].answer.model_validate_json(response.content)
    assert list(response.json()) == ["request_id", "success", *SERVICES[service].fields]


def test_the_gateway_marks_its_answers(full: System, sample_pictures: Path) -> None:
    body = {"image": base64.b64encode((sample_pictures / "chelsea.png").read_bytes()).decode()}
    response = web.post(f"{full.gateway_url()}/api/predict/{SERVICE}", json=body, timeout=60)
    assert response.status_code == 200
    assert response.headers["x-modelhub-weights"] == "seeded"
    SERVICES[SERVICE].answer.model_validate_json(response.content)
    assert len(response.json()["class_probs"]) == 1000


def test_callers_of_triton_are_told_too(full: System, sample_pictures: Path) -> None:
    files = [(sample_pictures / name).read_bytes() for name in ("chelsea.png", "coffee.png")]
    inputs = {"image": payloads(*files, batched=True)}
    over_grpc = infer_grpc(full.settings.triton_grpc_url, SERVICE, inputs)
    over_http = infer_http(full.triton_url().removeprefix("http://"), SERVICE, inputs)
    for outputs in (over_grpc, over_http):
        assert outputs[SEEDED_NETS].tolist() == [[NET.encode()]] * 2
        np.testing.assert_allclose(outputs["class_probs"].sum(axis=1), 1, atol=1e-4)


def test_published_nets_are_marked_nowhere(system: System, sample_pictures: Path) -> None:
    """The same steps, in the `lite` repository."""
    inputs = {"image": payloads((sample_pictures / "chelsea.png").read_bytes(), batched=True)}
    assert SEEDED_NETS not in infer_grpc(system.settings.triton_grpc_url, SERVICE, inputs)
    body = {"image": base64.b64encode((sample_pictures / "chelsea.png").read_bytes()).decode()}
    response = web.post(f"{system.gateway_url()}/api/predict/{SERVICE}", json=body, timeout=60)
    assert "x-modelhub-weights" not in response.headers


def test_seeded_nets_are_not_served_unasked(seeded_full: SeededFull, tmp_path: Path) -> None:
    seeded_full.net(NET)
    with (
        System(free_settings(), Scope(seeded_full.repository, partial=True), tmp_path) as system,
        pytest.raises(SeededNets, match=NET),
    ):
        system.start_triton(report=lambda line: None)
