"""The gateway's metrics for Prometheus, on a port of their own."""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from prometheus_client import disable_created_metrics, make_wsgi_app, start_http_server

from gateway.metrics import SHARED_MEMORY_FREE

SHARED_MEMORY = "/dev/shm"


@contextmanager
def serving_metrics(host: str, port: int) -> Iterator[None]:
    """Answer GET and HEAD of `/metrics` on `host:port` as long as the block lasts, from a thread of its own.

    Beside those of `gateway.metrics` it tells the process's own (memory, CPU time, open files). Raises
    OSError where it cannot listen there.
    """
    # Else there is a second series for each counter, of when it was made.
    disable_created_metrics()  # type: ignore[no-untyped-call]
    SHARED_MEMORY_FREE.set_function(_free_share)
    server, thread = start_http_server(port, host)
    server.set_app(_with_head(make_wsgi_app()))
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _with_head(app: WSGIApplication) -> WSGIApplication:
    """Return `app`, which answers GET alone, with HEAD answered as GET is, without the body."""

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] != "HEAD":
            return app(environ, start_response)
        head: list[Any] = []

        def keep(*arguments: Any) -> Callable[[bytes], object]:  # noqa: ANN401 - as WSGI has it
            head.extend(arguments)
            return head.append

        body = app({**environ, "REQUEST_METHOD": "GET"}, keep)
        status, headers = head
        start_response(status, [*headers, ("Content-Length", str(sum(map(len, body))))])
        return []

    return answer


def _free_share() -> float:
    space = os.statvfs(SHARED_MEMORY)
    return space.f_bavail / space.f_blocks
