"""HEAD is answered as GET is, without the body, by a real server on a real socket."""

import httpx
from starlette.routing import Route

from gateway.app import create_app
from gateway.errors import ModelUnavailable
from gateway.services import SERVICES
from gateway.settings import Settings
from tests.unit.gateway.conftest import ServeApp
from tests.unit.gateway.fakes import FakeTriton

ADDRESS = "http://127.0.0.1:{}"
ROUTES = [route for route in create_app(Settings()).routes if isinstance(route, Route)]


def test_head_is_get_without_the_body_on_every_route(serve: ServeApp) -> None:
    port = serve()
    paths = [route.path for route in ROUTES if "GET" in (route.methods or ())]
    assert {"/", "/health/live", "/health/ready", "/openapi.json", "/page/main.js", "/samples/"} <= {*paths}
    plain = {"Accept-Encoding": "identity"}
    with httpx.Client(base_url=ADDRESS.format(port), headers=plain) as client:
        for path in paths:
            got, head = client.get(path), client.head(path)
            assert (head.status_code, head.content) == (200, b""), path
            assert steady(head) == steady(got), path
            assert "content-length" in head.headers


def steady(response: httpx.Response) -> dict[str, str]:
    """The headers that are the same whenever it is asked."""
    changing = ("date", "server-timing", "x-request-id")
    return {name: value for name, value in response.headers.items() if name not in changing}


def test_a_failed_health_check_answers_head_too(serve: ServeApp, triton: FakeTriton) -> None:
    triton.loaded = ModelUnavailable()
    response = httpx.head(ADDRESS.format(serve()) + "/health/ready")
    assert (response.status_code, response.content) == (503, b"")


def test_head_is_not_allowed_where_get_is_not(serve: ServeApp) -> None:
    port = serve()
    paths = [route.path for route in ROUTES if "GET" not in (route.methods or ())]
    assert len(paths) == len(SERVICES)
    for path in paths:
        response = httpx.head(ADDRESS.format(port) + path)
        assert (response.status_code, response.headers["allow"], response.content) == (405, "POST", b"")
