"""Triton's stub processes: which model each serves, and which only remain of one that was loaded anew."""

import contextlib
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import psutil

_INSTANCE = re.compile(r"(?P<model>[a-z_]+)_\d+_\d+")


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


class Generations:
    """Tells stubs that serve from those that Triton left running when it loaded their model anew."""

    def __init__(self) -> None:
        self._left: set[psutil.Process] = set()

    def serving(self, stubs: Sequence[Stub]) -> list[Stub]:
        """Return the newest of each instance; one that was ever older than another never serves again."""
        newest: dict[str, Stub] = {}
        for stub in sorted(stubs, key=lambda stub: stub.process.create_time()):
            if stub.instance in newest:
                self._left.add(newest[stub.instance].process)
            if stub.process not in self._left:
                newest[stub.instance] = stub
        return list(newest.values())

    def left_over(self, stubs: Sequence[Stub]) -> list[Stub]:
        """Return those that do not serve."""
        serving = {stub.process for stub in self.serving(stubs)}
        return [stub for stub in stubs if stub.process not in serving]
