"""Traces of a request through the gateway and the real Triton, as a collector receives them."""

import base64
from pathlib import Path

from embedded.tracing import SERVICE_NAME as TRITON
from gateway.open_telemetry import SERVICE_NAME as GATEWAY
from gateway.timing import STAGES
from tests import web
from tests.collector import collecting
from tests.live.conftest import MODELS, SERVICE, StartSystem

TRACE, CALLER = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


def test_a_callers_trace_goes_on_through_the_gateway_and_triton(
    start_system: StartSystem, sample_pictures: Path
) -> None:
    body = {"image": base64.b64encode((sample_pictures / "chelsea.png").read_bytes()).decode()}
    with collecting() as collector:
        system = start_system(traces_url=collector.url)
        url = f"{system.gateway_url()}/api/predict/{SERVICE}"
        recorded = web.post(url, json=body, headers={"traceparent": f"00-{TRACE}-{CALLER}-01"}, timeout=60)
        other = {"traceparent": f"00-{TRACE[::-1]}-{CALLER}-00"}
        unrecorded = web.post(url, json=body, headers=other, timeout=60)
        assert (recorded.status_code, unrecorded.status_code) == (200, 200)
        system.stop()  # both send what is left
    ours = [span for span in collector.spans if span.trace == TRACE]
    assert not [span for span in collector.spans if span.trace == TRACE[::-1]]
    (request,) = [span for span in ours if span.parent == CALLER]
    assert request.service == GATEWAY
    assert request.name == f"POST /api/predict/{SERVICE}"
    assert request.attributes["modelhub.code"] == "200"
    assert request.attributes["modelhub.request_id"] == recorded.json()["request_id"]
    stages = [span for span in ours if span.service == GATEWAY and span != request]
    assert {span.parent for span in stages} == {request.id}
    names = [span.name for span in sorted(stages, key=lambda span: span.began_ns)]
    assert names == list(STAGES[1:-1])  # no URL, no picture
    assert all(request.began_ns <= span.began_ns <= span.ended_ns <= request.ended_ns for span in stages)
    (triton,) = [span for span in ours if span.service == TRITON and span.parent == request.id]
    assert {span.name for span in ours if span.service == TRITON} >= MODELS
    assert request.began_ns <= triton.began_ns <= triton.ended_ns <= request.ended_ns
    assert all(
        span.attributes["triton.request_id"] == recorded.json()["request_id"]
        for span in ours
        if span.name in MODELS
    )
