"""Requests that a step or net answers without work: pings, and those whose caller no longer waits."""

import json
import time

import triton_python_backend_utils as pb_utils

from backends.triton_api import Request, Response
from vision.request_parameters import ALIVE, DEADLINE, LATE, PING


def turned_away(request: Request) -> Response | None:
    """Return the answer to a request that needs no work, or None where there is work to do."""
    parameters = json.loads(request.parameters())
    if PING in parameters:
        return _error(ALIVE)
    deadline_ms = parameters.get(DEADLINE)
    return _error(LATE) if deadline_ms is not None and time.time() * 1e3 > deadline_ms else None


def _error(message: str) -> Response:
    error = pb_utils.TritonError(message, pb_utils.TritonError.CANCELLED)
    return pb_utils.InferenceResponse(error=error)
