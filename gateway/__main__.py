"""Serves the gateway until it is told to stop: `python -m gateway`."""

import logging
import math
import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import FrameType

import uvicorn
from pydantic import ValidationError
from starlette.types import ASGIApp

from gateway import logs
from gateway.app import create_app
from gateway.metrics_server import serving_metrics
from gateway.protocol import BoundedHttpProtocol
from gateway.settings import Settings
from gateway.tokens import TokenFileError

log = logging.getLogger("gateway")

KEEP_ALIVE_S = 75
"""Seconds for which an idle connection is kept: longer than most clients keep theirs, so they close first."""


def server(settings: Settings, app: ASGIApp) -> uvicorn.Server:
    """Return the server of `app`, not yet listening."""
    return uvicorn.Server(
        uvicorn.Config(
            app,
            host=settings.host,
            port=settings.port,
            loop="uvloop",
            http=BoundedHttpProtocol,
            ws="none",
            lifespan="on",
            server_header=False,
            proxy_headers=False,
            access_log=False,  # `Observed` writes it
            log_config=None,
            timeout_keep_alive=KEEP_ALIVE_S,
            # What is in flight ends by its deadline, and its answer is sent; who does not read it is left.
            timeout_graceful_shutdown=math.ceil(settings.deadline_s) + 1,
        )
    )


def _stop(_signal: int, _frame: FrameType | None) -> None:
    """End well: uvicorn finishes what is in flight, then raises the signal again."""
    sys.exit(0)


@contextmanager
def _metrics(settings: Settings) -> Iterator[None]:
    with ExitStack() as stack:
        try:
            stack.enter_context(serving_metrics(settings.metrics_host, settings.metrics_port))
        except OSError as error:
            sys.exit(f"settings: metrics_host, metrics_port: {error.strerror or error}")
        yield


def main() -> None:
    """Serve until TERM or INT; then stop accepting, finish what is in flight, and end with status 0."""
    try:
        settings = Settings()
    except ValidationError as error:
        sys.exit(f"settings: {error}")
    logs.configure()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _stop)
    try:
        gateway = server(settings, create_app(settings))
    except TokenFileError as error:
        sys.exit(f"settings: token_file: {error}")
    with _metrics(settings):
        log.info("listening", extra={"fields": {"host": settings.host, "port": settings.port}})
        gateway.run()


if __name__ == "__main__":
    main()
