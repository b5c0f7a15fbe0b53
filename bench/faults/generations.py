"""Which of Triton's stubs serve, and which only remain of a model that was loaded anew."""

from collections.abc import Sequence

import psutil

from embedded.stubs import Stub


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
