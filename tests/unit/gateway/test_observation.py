"""What a request leaves behind: in the metrics, in `Server-Timing`, in the log, in a trace."""

import asyncio
import json
import logging
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable

import httpx
import numpy as np
import pytest
from prometheus_client import REGISTRY, CollectorRegistry, generate_latest

from gateway import logs, metrics
from gateway.errors import InternalFault, ModelUnavailable, TooManyRequests
from gateway.metrics_server import serving_metrics
from gateway.observation import UNKNOWN
from gateway.open_telemetry import EXPORT_TIMEOUT_S
from gateway.paths import PREDICT
from gateway.services import SERVICES
from gateway.settings import Settings
from gateway.traces import metadata, open_traces, propagating
from modelhub.kinds import Tensors
from modelhub_pictures.errors import NotAnImage
from tests import web
from tests.collector import collecting
from tests.conftest import free_ports
from tests.unit.gateway.conftest import PICTURE_BASE64, ServeApp, client_of, until
from tests.unit.gateway.fakes import FakeTriton, classification
from vision.stage_times import STAGE_TIMES

GOOD = {"image": PICTURE_BASE64}
SERVICE = "image_classification"
TRACE, CALLER = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


def value(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


def requests(service: str, code: int) -> Callable[[], float]:
    return lambda: value("modelhub_requests_total", service=service, code=str(code))


def with_times(*milliseconds: int) -> Tensors:
    now = time.time_ns()
    times = np.array([[now - ms * 1_000_000 for ms in milliseconds]])
    return classification() | {STAGE_TIMES: times}


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (None, 200),
        (NotAnImage("no"), 40004),
        (TooManyRequests(), 42901),
        (ModelUnavailable(), 50301),
        (InternalFault(), 50001),
        (ZeroDivisionError(), 50001),
    ],
)
async def test_an_answer_is_counted_by_its_code(
    client: httpx.AsyncClient, triton: FakeTriton, failure: Exception | None, code: int
) -> None:
    triton.outputs[SERVICE] = failure or classification()
    count = requests(SERVICE, code)
    before, timed = count(), value("modelhub_request_duration_seconds_count", service=SERVICE)
    response = await client.post(PREDICT + SERVICE, json=GOOD)
    assert response.json().get("error_code", 200) == code
    assert count() == before + 1
    assert value("modelhub_request_duration_seconds_count", service=SERVICE) == timed + 1


@pytest.mark.parametrize(
    ("method", "path", "service", "code"),
    [
        ("POST", "image_classification", SERVICE, 40002),
        ("GET", "image_classification", SERVICE, 40501),
        ("POST", "image_classification/", UNKNOWN, 40401),
        ("POST", "anything%0A%23else%22%7D", UNKNOWN, 40401),
        ("POST", "", UNKNOWN, 40401),
        ("DELETE", "x" * 5000, UNKNOWN, 40401),
    ],
)
async def test_callers_make_no_labels(
    client: httpx.AsyncClient, method: str, path: str, service: str, code: int
) -> None:
    count = requests(service, code)
    before = count()
    await client.request(method, PREDICT + path, json={})
    assert count() == before + 1
    known = {*SERVICES, UNKNOWN}
    for family in REGISTRY.collect():
        for sample in family.samples:
            assert sample.labels.get("service", UNKNOWN) in known


async def test_what_is_of_no_service_is_not_counted(client: httpx.AsyncClient) -> None:
    before = generate_latest(_of_requests())
    assert (await client.get("/health/live")).headers["server-timing"].startswith("total;dur=")
    assert (await client.get("/elsewhere")).headers["server-timing"].startswith("total;dur=")
    assert generate_latest(_of_requests()) == before


def _of_requests() -> CollectorRegistry:
    registry = CollectorRegistry()
    for metric in (metrics.REQUESTS, metrics.DURATION, metrics.STAGE_DURATION, metrics.HANG_UPS):
        registry.register(metric)
    return registry


async def test_stages_are_told_and_counted(client: httpx.AsyncClient, triton: FakeTriton) -> None:
    triton.outputs[SERVICE] = with_times(70, 50, 20, 10)

    def sums() -> dict[str, float]:
        name = "modelhub_stage_duration_seconds_sum"
        return {
            stage: value(name, service=SERVICE, stage=stage) for stage in ("preprocess", "net", "postprocess")
        }

    before = sums()
    response = await client.post(PREDICT + SERVICE, json=GOOD)
    told = dict(re.findall(r"(\w+);dur=([\d.]+)", response.headers["server-timing"]))
    assert (told["preprocess"], told["net"], told["postprocess"]) == ("20.0", "30.0", "10.0")
    assert set(told) == {"queue", "preprocess", "net", "postprocess", "encode", "total"}
    assert {stage: after - before[stage] for stage, after in sums().items()} == pytest.approx(
        {"preprocess": 0.02, "net": 0.03, "postprocess": 0.01}
    )
    assert set(response.json()) == {"request_id", "success", "class", "class_name", "class_probs"}


def test_a_hang_up_is_no_answer(triton: FakeTriton, serve: ServeApp) -> None:
    triton.hangs = True
    port = serve()
    before, answered = value("modelhub_hang_ups_total", service=SERVICE), requests(SERVICE, 499)()
    body = json.dumps(GOOD).encode()
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(
            b"POST %s HTTP/1.1\r\nContent-Length: %d\r\n\r\n%s"
            % ((PREDICT + SERVICE).encode(), len(body), body)
        )
        until(lambda: triton.running == 1)
    until(lambda: value("modelhub_hang_ups_total", service=SERVICE) == before + 1)
    assert requests(SERVICE, 499)() == answered


def lines(caplog: pytest.LogCaptureFixture) -> list[dict[str, object]]:
    return [record.fields for record in caplog.records if record.name == "gateway.observation"]  # type: ignore[attr-defined]


async def test_the_access_log_has_a_line_for_each_request(
    triton: FakeTriton, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    triton.outputs[SERVICE] = with_times(70, 50, 20, 10)
    parent = f"00-{TRACE}-{CALLER}-01"
    async with client_of(Settings(access_log=True), triton) as client:
        good = await client.post(PREDICT + SERVICE, json=GOOD, headers={"traceparent": parent})
        bad = await client.post(PREDICT + "x" * 999, content=b"1234")
    first, second = lines(caplog)
    seconds = first.pop("seconds")
    assert isinstance(seconds, dict)
    assert seconds["net"] == pytest.approx(0.03)
    last = first.pop("seconds_to_last_byte")
    assert isinstance(last, float)
    assert last >= 0
    assert first == {
        "request_id": good.headers["x-request-id"],
        "method": "POST",
        "path": PREDICT + SERVICE,
        "service": SERVICE,
        "code": 200,
        "bytes_in": len(good.request.content),
        "bytes_out": len(good.content),
        "traceparent": parent,
    }
    assert (second["request_id"], second["code"]) == (bad.headers["x-request-id"], 40401)
    assert len(str(second["path"])) == 200


async def test_without_it_there_is_no_line(
    client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    await client.post(PREDICT + SERVICE, json=GOOD)
    assert not lines(caplog)


async def test_every_line_of_a_request_has_its_id(client: httpx.AsyncClient, triton: FakeTriton) -> None:
    said: list[str] = []

    class Chatty(FakeTriton):
        async def _work(self, timeout_s: float) -> None:
            record = logging.makeLogRecord({"msg": "deep inside"})
            said.append(logs.JsonLine().format(record))
            said.append(await asyncio.to_thread(logs.JsonLine().format, record))

    async with client_of(Settings(), Chatty()) as chatty:
        answers = await asyncio.gather(*(chatty.post(PREDICT + SERVICE, json=GOOD) for _ in range(3)))
    ids = [answer.headers["x-request-id"] for answer in answers]
    assert sorted(json.loads(line)["request_id"] for line in said) == sorted(ids * 2)
    assert "request_id" not in json.loads(logs.JsonLine().format(logging.makeLogRecord({"msg": "outside"})))


async def test_a_trace_has_the_request_and_its_stages(triton: FakeTriton) -> None:
    triton.outputs[SERVICE] = with_times(70, 50, 20, 10)
    triton.outputs["ocr"] = ModelUnavailable()
    carried: list[list[tuple[str, str]]] = []

    class Listening(FakeTriton):
        async def _work(self, timeout_s: float) -> None:
            carried.append(metadata())

    listening = Listening()
    listening.outputs = triton.outputs
    with collecting() as collector:
        async with client_of(Settings(traces_url=collector.url), listening) as client:
            app = client._transport.app  # type: ignore[attr-defined]
            async with app.router.lifespan_context(app):
                for flags in ("01", "00"):
                    parent = {"traceparent": f"00-{TRACE}-{CALLER}-{flags}"}
                    await client.post(PREDICT + SERVICE, json=GOOD, headers=parent)
                await client.post(PREDICT + "ocr", json=GOOD, headers={"traceparent": "nonsense"})
                await client.get("/health/live")
    assert metadata() == []
    requests = {span.name: span for span in collector.spans if span.attributes}
    assert set(requests) == {f"POST {PREDICT}{SERVICE}", f"POST {PREDICT}ocr"}
    good, bad = requests[f"POST {PREDICT}{SERVICE}"], requests[f"POST {PREDICT}ocr"]
    assert (good.trace, good.parent) == (TRACE, CALLER)
    assert bad.trace != TRACE
    assert not bad.parent
    assert (good.attributes["modelhub.code"], bad.attributes["modelhub.code"]) == ("200", "50301")
    stages = {span.name: span for span in collector.spans if span.parent == good.id}
    assert set(stages) == {"queue", "preprocess", "net", "postprocess", "encode"}
    assert stages["net"].ended_ns - stages["net"].began_ns == 30_000_000
    ours, unrecorded, own = carried
    assert ours == [("traceparent", f"00-{TRACE}-{good.id}-01")]
    assert unrecorded == []
    ((name, text),) = own
    assert name == "traceparent"
    assert re.fullmatch(rf"00-{bad.trace}-{bad.id}-0[13]", text)  # 2: its id is random


async def test_a_collector_that_is_away_costs_nobody_an_answer(triton: FakeTriton) -> None:
    (port,) = free_ports(1)
    url = f"http://127.0.0.1:{port}/v1/traces"
    async with client_of(Settings(traces_url=url), triton) as client:
        app = client._transport.app  # type: ignore[attr-defined]
        async with app.router.lifespan_context(app):
            assert (await client.post(PREDICT + SERVICE, json=GOOD)).status_code == 200
            before_end = time.monotonic()
    assert time.monotonic() - before_end < EXPORT_TIMEOUT_S + 2


def test_without_a_url_nothing_of_opentelemetry_is_imported() -> None:
    assert open_traces("") is None
    with propagating(None):
        assert metadata() == []
    code = (
        "import sys; from gateway.app import create_app; from gateway.settings import Settings; "
        "create_app(Settings()); print('opentelemetry.sdk' in sys.modules, 'requests' in sys.modules)"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout == "False False\n"


def test_metrics_are_served_as_long_as_asked_for() -> None:
    (port,) = free_ports(1)
    url = f"http://127.0.0.1:{port}/metrics"
    with serving_metrics("127.0.0.1", port):
        text = web.get(url).text
        head = httpx.head(url, trust_env=False)
        with pytest.raises(OSError, match="in use"), serving_metrics("127.0.0.1", port):
            pass
    with pytest.raises(httpx.ConnectError):
        web.get(url)
    assert (head.status_code, head.content) == (200, b"")
    assert int(head.headers["content-length"]) > 1000
    assert "process_resident_memory_bytes" in text
    assert "# TYPE modelhub_requests_total counter" in text
    assert "_created" not in text
