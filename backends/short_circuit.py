"""Requests that a step or net answers at once: pings, and those whose deadline has passed."""

import time

import triton_python_backend_utils as pb_utils

from backends.triton_api import Request, Response, error_response, parameters_of
from modelhub_pictures.request_parameters import ALIVE, DEADLINE, LATE, PING


def short_circuit(request: Request) -> Response | None:
    """Return the answer to a request that needs no work, or None where there is work to do."""
    parameters = parameters_of(request)
    if PING in parameters:
        return _cancelled(ALIVE)
    deadline_ms = parameters.get(DEADLINE)
    return _cancelled(LATE) if deadline_ms is not None and time.time() * 1e3 > deadline_ms else None


def _cancelled(message: str) -> Response:
    return error_response(message, pb_utils.TritonError.CANCELLED)
