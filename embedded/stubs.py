"""Triton's stub processes, and which model each serves."""

import contextlib
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import psutil

_INSTANCE = re.compile(r"(?P<model>[a-z][a-z0-9_]*)_\d+_\d+")


class Stub(NamedTuple):
    """A live stub."""

    model: str
    instance: str
    """`<model>_<group>_<number>`; one model's processes have different ones."""
    process: psutil.Process


def live_stubs(server: psutil.Process) -> Iterator[Stub]:
    """Yield the live stubs of a running Triton; the dead ones that it has not buried are not among them."""
    with contextlib.suppress(psutil.NoSuchProcess):
        for process in server.children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                line = process.cmdline()
                instance = instance_of(line)
                if instance and process.status() != psutil.STATUS_ZOMBIE:
                    yield Stub(model_of(instance), instance, process)


def instance_of(command: Sequence[str]) -> str:
    """Return which instance a command line serves; empty if it is none of a stub."""
    if not command or "triton_python_backend_stub" not in command[0]:
        return ""
    return next((word for word in command if _INSTANCE.fullmatch(word)), "")


def model_of(instance: str) -> str:
    """Return the model of an instance."""
    match = _INSTANCE.fullmatch(instance)
    return match["model"] if match else ""
