"""Requests that a step or net answers without work: pings, and those whose caller no longer waits."""

import time

import triton_python_backend_utils as pb_utils

from backends.triton_api import Request, Response, error_response, parameters_of
from modelhub_pictures.request_parameters import ALIVE, DEADLINE, LATE, PING


def turned_away(request: Request) -> Response | None:
    """Return the answer to a request that needs no work, or None where there is work to do."""
    parameters = parameters_of(request)
    if PING in parameters:
        return _cancelled(ALIVE)
    deadline_ms = parameters.get(DEADLINE)
    return _cancelled(LATE) if deadline_ms is not None and time.time() * 1e3 > deadline_ms else None


def _cancelled(message: str) -> Response:
    return error_response(message, pb_utils.TritonError.CANCELLED)
