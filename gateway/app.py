"""The application: one route for each service of the table, health, and OpenAPI."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response

from gateway import documentation
from gateway.admission import Admission, while_connected
from gateway.body import INLINE_BYTES, parse, read_body
from gateway.errors import HANDLERS, FaultBarrier, ModelUnavailable
from gateway.fetch import Fetcher
from gateway.health import Readiness, problems
from gateway.resolver import SystemResolver
from gateway.responses import NO_HEADERS, SEEDED, request_id, success, unready
from gateway.schemas import PictureUrl
from gateway.services import SERVICES, Service
from gateway.settings import Settings
from gateway.tensors import Tensors
from gateway.triton import GrpcTriton, Triton
from gateway.url_policy import Resolver, UrlPolicy
from vision.manifest import SEEDED_NETS


class Gateway:
    """What every route shares."""

    def __init__(self, settings: Settings, triton: Triton, resolve: Resolver) -> None:
        self.settings = settings
        self.triton = triton
        policy = UrlPolicy(settings.url_allow, settings.url_ports)
        self.fetcher = Fetcher(policy, resolve, settings.url_max_bytes, settings.url_timeout_s)
        self.admission = Admission(settings.max_in_flight)
        self.readiness = Readiness(SERVICES, triton, settings.readiness_max_age_s, settings.deadline_s)

    async def predict(self, service: Service, request: Request) -> Response:
        """Answer one request; every failure is raised and answered by `gateway.errors.HANDLERS`."""
        ends_at = time.monotonic() + self.settings.deadline_s
        identity = request_id(request)
        with self.admission.place():
            body = await read_body(request, self.settings.max_body_bytes, self.settings.deadline_s)
            fields, headers = await while_connected(
                request.receive, self._answer(service, body, identity, ends_at)
            )
        if self.settings.alias_detection_classe_names and "detection_class_names" in fields:
            fields["detection_classe_names"] = fields["detection_class_names"]
        return success(identity, fields, headers)

    async def _answer(
        self, service: Service, body: bytes, identity: str, ends_at: float
    ) -> tuple[dict[str, Any], Mapping[str, str]]:
        """Return the answer's fields and its own headers."""
        inputs = await self._inputs(service, body, ends_at)
        with self.readiness.watching(service):
            outputs = await self.triton.infer(service.name, inputs, identity, ends_at - time.monotonic())
            headers = SEEDED if SEEDED_NETS in outputs else NO_HEADERS
            return await _rendered(service, outputs), headers

    async def _inputs(self, service: Service, body: bytes, ends_at: float) -> Tensors:
        given = await parse(service, body)
        urls = {name: value.url for name, value in given.items() if isinstance(value, PictureUrl)}
        fetched = await self.fetcher.pictures(urls, ends_at - time.monotonic())
        return service.inputs(
            [value if isinstance(value, bytes) else fetched[name] for name, value in given.items()]
        )

    async def live(self, request: Request) -> Response:
        """Answer, which is all that liveness means."""
        return success(request_id(request), {})

    async def ready(self, request: Request) -> Response:
        """Answer 200 if everything loaded answers a real inference, else 503 with what does not and why."""
        report = await self.readiness.report()
        services = {name: health.model_dump() for name, health in report.items()}
        reasons = problems(report)
        if not reasons:
            return success(request_id(request), {"services": services})
        return unready(request_id(request), ModelUnavailable.code, f"not ready: {reasons}", services)

    @asynccontextmanager
    async def lifespan(self, _app: FastAPI) -> AsyncIterator[None]:
        """Let go of everything at the end."""
        yield
        await self.readiness.close()
        await self.triton.close()


async def _rendered(service: Service, outputs: Tensors) -> dict[str, Any]:
    """Return the answer's fields; large tensors are gone through while other requests go on."""
    if sum(tensor.nbytes for tensor in outputs.values()) > INLINE_BYTES:
        return await asyncio.to_thread(service.render, outputs)
    return service.render(outputs)


class PlainRoute(APIRoute):
    """A route that calls its endpoint and nothing else: what FastAPI does in between is for parameters."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the endpoint, which takes the request and returns the response itself."""
        handler: Callable[[Request], Coroutine[Any, Any, Response]] = self.endpoint
        return handler


def create_app(settings: Settings, triton: Triton | None = None, resolve: Resolver | None = None) -> FastAPI:
    """Return the application, in front of `triton` or of the Triton that `settings` name.

    Names in URLs are resolved by `resolve` or by the system.
    """
    triton = triton or GrpcTriton(settings.triton_grpc_url)
    gateway = Gateway(settings, triton, resolve or SystemResolver())
    app = FastAPI(
        **documentation.INFO,
        docs_url=None,  # its page loads scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,
        middleware=[Middleware(FaultBarrier)],
        exception_handlers=HANDLERS,
        lifespan=gateway.lifespan,
    )
    app.router.route_class = PlainRoute
    for service in SERVICES.values():
        app.add_api_route(
            f"/api/predict/{service.name}",
            _predictor(gateway, service),
            methods=["POST"],
            **documentation.of_service(service),
        )
    app.add_api_route("/health/live", gateway.live, methods=["GET"], **documentation.of_live())
    app.add_api_route("/health/ready", gateway.ready, methods=["GET"], **documentation.of_ready())
    documentation.add_requests(app.openapi())
    return app


def _predictor(gateway: Gateway, service: Service) -> Callable[[Request], Awaitable[Response]]:
    async def predict(request: Request) -> Response:
        return await gateway.predict(service, request)

    return predict
