"""Batches as a backend sees them: the rows of several requests run as one, and split again by request."""

from collections.abc import Callable, Sequence

import numpy as np

from vision.tensors import Tensors

Run = Callable[[Tensors], Tensors]
"""Runs one batch; every output has the inputs' number of rows."""


def run_batched(run: Run, requests: Sequence[Tensors]) -> list[Tensors | Exception]:
    """Run all requests' rows at once and return each request's outputs, or its own failure.

    Should the joint run fail, every request is run alone, so that a bad one fails alone.
    """
    if len(requests) == 1:
        return [_attempt(run, requests[0])]
    try:
        joint = run({name: np.concatenate([request[name] for request in requests]) for name in requests[0]})
    except Exception:  # which request is to blame shows when each runs alone
        return [_attempt(run, request) for request in requests]
    return list(split_rows(joint, [len(next(iter(request.values()))) for request in requests]))


def split_rows(outputs: Tensors, rows: Sequence[int]) -> list[Tensors]:
    """Split outputs along axis 0 into parts of `rows` rows; raises ValueError where the sum differs."""
    for name, array in outputs.items():
        if len(array) != sum(rows):
            raise ValueError(f"output {name} has {len(array)} rows for {sum(rows)} rows of input")
    bounds = np.cumsum(rows)[:-1]
    parts = {name: np.split(array, bounds) for name, array in outputs.items()}
    return [{name: arrays[index] for name, arrays in parts.items()} for index in range(len(rows))]


def _attempt(run: Run, request: Tensors) -> Tensors | Exception:
    try:
        return run(request)
    except Exception as error:  # becomes that request's answer
        return error
