"""Which of Triton's own APIs answer to whom."""

from collections.abc import Callable
from typing import Any

import pytest
import tritonclient.grpc as triton_grpc
from tritonclient.utils import InferenceServerException

from embedded.system import System
from gateway.triton import KEY_HEADER
from tests import web

Call = Callable[[triton_grpc.InferenceServerClient, dict[str, str] | None], Any]

CLOSED_OVER_HTTP = [
    ("POST", "/v2/repository/index"),
    ("POST", "/v2/repository/models/none/load"),
    ("POST", "/v2/repository/models/none/unload"),
    ("GET", "/v2/systemsharedmemory/status"),
    ("POST", "/v2/systemsharedmemory/region/none/register"),
    ("POST", "/v2/systemsharedmemory/region/none/unregister"),
    ("GET", "/v2/cudasharedmemory/status"),
    ("POST", "/v2/cudasharedmemory/region/none/register"),
    ("GET", "/v2/trace/setting"),
    ("POST", "/v2/trace/setting"),
    ("GET", "/v2/models/ocr/trace/setting"),
    ("GET", "/v2/logging"),
    ("POST", "/v2/logging"),
]
OPEN_OVER_HTTP = [
    "/v2",
    "/v2/health/live",
    "/v2/health/ready",
    "/v2/models/ocr",
    "/v2/models/ocr/ready",
    "/v2/models/ocr/config",
    "/v2/models/ocr/stats",
]
CLOSED_OVER_GRPC: dict[str, Call] = {
    "index": lambda client, headers: client.get_model_repository_index(headers=headers),
    "load": lambda client, headers: client.load_model("none", headers=headers),
    "unload": lambda client, headers: client.unload_model("none", headers=headers),
    "shared memory": lambda client, headers: client.get_system_shared_memory_status(headers=headers),
    "register": lambda client, headers: client.register_system_shared_memory("a", "/b", 8, headers=headers),
    "unregister": lambda client, headers: client.unregister_system_shared_memory(headers=headers),
    "cuda": lambda client, headers: client.get_cuda_shared_memory_status(headers=headers),
    "trace": lambda client, headers: client.get_trace_settings(headers=headers),
    "set trace": lambda client, headers: client.update_trace_settings(settings={}, headers=headers),
    "log": lambda client, headers: client.get_log_settings(headers=headers),
    "set log": lambda client, headers: client.update_log_settings(settings={}, headers=headers),
}
OPEN_OVER_GRPC: dict[str, Call] = {
    "metadata": lambda client, headers: client.get_server_metadata(headers=headers),
    "model": lambda client, headers: client.get_model_metadata("ocr", headers=headers),
    "config": lambda client, headers: client.get_model_config("ocr", headers=headers),
    "statistics": lambda client, headers: client.get_inference_statistics("ocr", headers=headers),
    "ready": lambda client, headers: client.is_model_ready("ocr", headers=headers),
}
REFUSED = "restricted, expecting header"


def key_of(system: System) -> str:
    return system.settings.triton_key.get_secret_value()


@pytest.mark.parametrize(("method", "path"), CLOSED_OVER_HTTP)
def test_closed_over_http_but_for_who_has_the_key(system: System, method: str, path: str) -> None:
    for headers in ({}, {"modelhub": ""}, {"modelhub": key_of(system)[:-1]}):
        refused = web.request(method, system.triton_url(path), headers=headers, json={})
        assert refused.status_code == 403
        assert REFUSED in refused.text
    taken = web.request(method, system.triton_url(path), headers={"modelhub": key_of(system)}, json={})
    assert taken.status_code != 403


@pytest.mark.parametrize("path", OPEN_OVER_HTTP)
def test_open_over_http(system: System, path: str) -> None:
    assert web.get(system.triton_url(path)).status_code == 200


def told_of(call: Callable[[], object]) -> str:
    """The error's text, of whatever reason: some of the models and regions asked for are not there."""
    try:
        return str(call())
    except InferenceServerException as error:
        return str(error)


@pytest.mark.parametrize("name", CLOSED_OVER_GRPC)
def test_closed_over_grpc_but_for_who_has_the_key(system: System, name: str) -> None:
    call = CLOSED_OVER_GRPC[name]
    with triton_grpc.InferenceServerClient(system.settings.triton_grpc_url) as client:
        for headers in (None, {KEY_HEADER: ""}, {KEY_HEADER: key_of(system)[:-1]}):
            with pytest.raises(InferenceServerException, match=REFUSED):
                call(client, headers)
        assert REFUSED not in told_of(lambda: call(client, {KEY_HEADER: key_of(system)}))


@pytest.mark.parametrize("name", OPEN_OVER_GRPC)
def test_open_over_grpc(system: System, name: str) -> None:
    with triton_grpc.InferenceServerClient(system.settings.triton_grpc_url) as client:
        assert OPEN_OVER_GRPC[name](client, None)


def test_the_key_stands_in_no_log(system: System) -> None:
    logs = sorted(system.run.glob("*.log"))
    assert {"gateway.log", "triton.log", "supervisor.log"} <= {log.name for log in logs}
    assert (system.run / "triton.log").stat().st_size > 1000
    assert not [log.name for log in logs if key_of(system) in log.read_text()]
