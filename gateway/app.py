"""The application: one route for each service of the table, health, and OpenAPI."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from gateway import paths
from gateway.admission import Admission, Arrivals, while_connected
from gateway.body import check_announced, in_thread_if_large, parse, read_body
from gateway.compression import Compressed
from gateway.deadline import Deadline
from gateway.decompression import encoding, expanded
from gateway.drawing import Drawings
from gateway.errors import HANDLERS, FaultBarrier, ModelUnavailable
from gateway.fetch import Fetcher
from gateway.healer import Healer
from gateway.health import Readiness, problems
from gateway.observation import Observed
from gateway.openapi import document
from gateway.page.routes import routes as page_routes
from gateway.recovery import Recovery
from gateway.representation import JSON, Representation, rendered, requested
from gateway.resolver import SystemResolver
from gateway.responses import (
    NO_HEADERS,
    RANDOM_WEIGHTS,
    VARY_BY_ACCEPT,
    not_ready,
    picture,
    request_id,
    success,
)
from gateway.schemas import PictureUrl
from gateway.services import SERVICES, Service
from gateway.settings import Settings
from gateway.timing import Timing, timing_of
from gateway.tokens import Tokens
from gateway.traces import open_traces
from gateway.triton import GrpcTriton, Triton
from gateway.triton_repository import GrpcRepository
from gateway.url_policy import Resolver, UrlPolicy
from vision.manifest import SEEDED_NETS


class Gateway:
    """What every route shares."""

    def __init__(self, settings: Settings, triton: Triton, resolve: Resolver, healer: Healer | None) -> None:
        self.settings = settings
        self.triton = triton
        self.healer = healer
        self.recovery = Recovery(triton.infer, healer)
        self.tokens = Tokens(settings.token_file)
        self.traces = open_traces(settings.traces_url)
        policy = UrlPolicy(settings.url_allow, settings.url_ports)
        self.drawings = Drawings()
        self.fetcher = Fetcher(policy, resolve, settings.url_max_bytes, settings.url_timeout_s)
        self.arrivals = Arrivals(settings.max_arriving, settings.max_in_flight * settings.max_body_bytes)
        self.admission = Admission(
            settings.max_in_flight,
            settings.max_in_flight_per_service,
            settings.max_wait_s,
            settings.deadline_s,
            SERVICES,
        )
        self.readiness = Readiness(
            SERVICES, triton, self.recovery.infer, settings.readiness_max_age_s, settings.deadline_s
        )

    async def predict(self, service: Service, request: Request) -> Response:
        """Answer one request; every failure is raised and answered by `gateway.errors.HANDLERS`.

        Its head is judged before its body is read, so that a refusal costs next to nothing.
        """
        headers = request.headers
        authorization = self.tokens.authorize(request.method, request.url.path, headers, service.name)
        deadline = Deadline.of(headers, self.settings.deadline_s)
        representation = requested(service, request)
        check_announced(headers, self.settings.max_body_bytes)
        compressed_as = encoding(headers)
        self.admission.check(service.name)
        with self.arrivals.body(service.name) as arriving:
            body = await read_body(request, self.settings.max_body_bytes, deadline.left_s(), arriving)
            await in_thread_if_large(len(body), authorization.check_body, body)
            body = await expanded(body, compressed_as, self.settings.max_body_bytes, arriving)
            with self.admission.place(service.name):
                return await while_connected(
                    request.receive, self._answer(service, body, request, representation, deadline)
                )

    async def _answer(
        self,
        service: Service,
        body: bytes,
        request: Request,
        representation: Representation,
        deadline: Deadline,
    ) -> Response:
        timing = timing_of(request.scope)
        sources = await parse(service, body, request.headers.get("content-type", ""))
        files = await self._files(sources, timing, deadline)
        with self.readiness.recording_outcome(service), deadline.attributing_expiry():
            sent_at_ns = time.time_ns()
            outputs = await self.recovery.infer(
                service.name, service.inputs(files), request_id(request), deadline.left_s()
            )
            timing.record_triton(outputs, sent_at_ns, time.time_ns())
            fields = await rendered(service, outputs, representation)
        headers = {**VARY_BY_ACCEPT, **(RANDOM_WEIGHTS if SEEDED_NETS in outputs else NO_HEADERS)}
        if representation.media_type == JSON:
            return self._json(request, fields, headers)
        with timing.drawing(), deadline.attributing_expiry():
            file = await self.drawings.file(
                service.name, fields, files, representation.media_type, deadline.left_s()
            )
        return picture(request_id(request), file, representation.media_type, headers)

    def _json(self, request: Request, fields: dict[str, Any], headers: Mapping[str, str]) -> Response:
        if self.settings.alias_detection_classe_names and "detection_class_names" in fields:
            fields["detection_classe_names"] = fields["detection_class_names"]
        return success(request_id(request), fields, headers)

    async def _files(
        self, sources: Mapping[str, bytes | PictureUrl], timing: Timing, deadline: Deadline
    ) -> list[bytes]:
        """Return the files of the pictures of a request, in order."""
        urls = {name: value.url for name, value in sources.items() if isinstance(value, PictureUrl)}
        fetched = await self._fetched(urls, timing, deadline) if urls else {}
        return [value if isinstance(value, bytes) else fetched[name] for name, value in sources.items()]

    async def _fetched(
        self, urls: Mapping[str, str], timing: Timing, deadline: Deadline
    ) -> Mapping[str, bytes]:
        with timing.fetching():
            return await self.fetcher.pictures(urls, deadline.left_s())

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
        return not_ready(request_id(request), ModelUnavailable.code, f"not ready: {reasons}", services)

    async def openapi(self, _request: Request) -> Response:
        """Answer with the description of the API."""
        return Response(document(), media_type=JSON)

    @asynccontextmanager
    async def lifespan(self, _app: Starlette) -> AsyncIterator[None]:
        """Heal while the application runs; let go of everything at the end."""
        healing = asyncio.create_task(self.healer.run()) if self.healer else None
        yield
        if self.healer and healing:
            healing.cancel()
            await asyncio.gather(healing, return_exceptions=True)
            await self.healer.close()
        self.drawings.close()
        await self.readiness.close()
        await self.triton.close()
        if self.traces:
            await asyncio.to_thread(self.traces.close)


def create_app(
    settings: Settings, triton: Triton | None = None, resolve: Resolver | None = None
) -> Starlette:
    """Return the application, in front of `triton` or of the Triton that `settings` name and its healer.

    Names in URLs are resolved by `resolve` or by the system.
    """
    healer = None
    if triton is None:
        triton = GrpcTriton(settings.triton_grpc_url, settings.triton_key.get_secret_value())
        healer = _healer(settings, triton)
    gateway = Gateway(settings, triton, resolve or SystemResolver(), healer)
    app = Starlette(
        routes=_routes(gateway),
        middleware=[
            Middleware(Observed, access_log=settings.access_log, traces=gateway.traces),
            Middleware(Compressed),
            Middleware(FaultBarrier),
        ],
        exception_handlers=HANDLERS,
        lifespan=gateway.lifespan,
    )
    app.router.redirect_slashes = False
    return app


def _routes(gateway: Gateway) -> list[BaseRoute]:
    """Return every route; Starlette answers HEAD wherever it answers GET."""
    predictors = [
        Route(paths.PREDICT + service.name, partial(gateway.predict, service), methods=["POST"])
        for service in SERVICES.values()
    ]
    page = page_routes() if gateway.settings.page else []
    return [
        *predictors,
        Route(paths.LIVE, gateway.live),
        Route(paths.READY, gateway.ready),
        Route(paths.OPENAPI, gateway.openapi),
        *page,
    ]


def _healer(settings: Settings, triton: GrpcTriton) -> Healer | None:
    """Return the healer of `triton`, or None where its repository API is closed to us or nobody wants one."""
    if not triton.key_metadata or not settings.heal_interval_s:
        return None
    return Healer(GrpcRepository(triton), list(SERVICES), settings.heal_interval_s, 2 * settings.deadline_s)
