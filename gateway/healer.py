"""Reloads models that have dead processes; Triton itself never does, and calls them healthy.

A dead process is found by a request that met it, or by a ping: a tiny inference to each process, which finds
those that no request has met. A reload takes some tenths of a second. Requests to its service wait
for it (`wait_for_reloads`), so that no caller sees an error.
"""

import asyncio
import logging
import time
from collections import Counter, defaultdict

from gateway.errors import ModelUnavailable
from gateway.metrics import DEAD_MODELS, HEALED
from gateway.triton_repository import Processes, Repository

log = logging.getLogger(__name__)

ANSWERS_FOR_PINGS = 8
"""Answers of a service between two rounds that make pings needless: its processes answered in turn."""
MAX_CONCURRENT_PINGS = 8
"""Models that are pinged at one time: one that is dead takes a second to show it."""
FIRST_PAUSE_S, MAX_PAUSE_S = 0.5, 60.0
"""Seconds between two attempts at a model that does not load: twice as long each time."""


class Healer:
    """Watches the models of `services` in `repository`.

    A model belongs to the service whose name its own begins with. A process that has not answered pings for
    `hung_after_s`, while its service gave no answer either, is taken for dead.
    """

    def __init__(
        self, repository: Repository, services: list[str], interval_s: float, hung_after_s: float
    ) -> None:
        self._repository = repository
        self._services = services
        self._interval_s = interval_s
        self._hung_after_s = hung_after_s
        self._healing: dict[str, asyncio.Task[None]] = {}
        self._healed_at: dict[str, float] = {}
        self._answers: Counter[str] = Counter()
        self._silent_since: dict[str, float] = {}
        self._broken: dict[str, float] = {}
        """Models that did not load, with the pause before the next attempt, in seconds."""
        self._retries: dict[str, asyncio.TimerHandle] = {}
        self._generations: defaultdict[str, int] = defaultdict(int)

    def answered(self, service: str) -> None:
        """Take an answer of `service` as a sign of life of its processes."""
        self._answers[service] += 1

    def generation(self, service: str) -> int:
        """Return a number that grows when a reload of a model of `service` begins, and when it ends."""
        return self._generations[service]

    async def wait_for_reloads(self, service: str) -> None:
        """Return when no model of `service` is being reloaded."""
        while tasks := [task for model, task in self._healing.items() if self._service_of(model) == service]:
            await asyncio.wait(tasks)

    def report(self, model: str, since: float) -> None:
        """Have `model` healed: a request that began at `since`, by the monotonic clock, met a dead process.

        Requests that began before its last reload met processes that are gone.
        """
        if model not in self._healing and since >= self._healed_at.get(model, float("-inf")):
            DEAD_MODELS.labels(model).inc()
            self._begin(model)

    async def run(self) -> None:
        """Ping every process, round after round, until cancelled."""
        while True:
            await asyncio.sleep(self._interval_s)
            try:
                await self.round()
            except ModelUnavailable as error:
                log.warning("Triton's models cannot be listed", extra={"fields": {"detail": error.detail}})
            except Exception:
                log.exception("a look for dead processes failed; the next one follows")

    async def round(self) -> None:
        """Ping every process of the services that have not proved themselves by answers."""
        answers, self._answers = self._answers, Counter()
        due = []
        for processes in await self._repository.processes():
            answered = answers[self._service_of(processes.model)]
            if answered:
                self._silent_since.pop(processes.model, None)  # its processes are busy, not hung
            if answered < ANSWERS_FOR_PINGS and processes.model not in self._healing:
                due.append(processes)
        for start in range(0, len(due), MAX_CONCURRENT_PINGS):
            await asyncio.gather(*map(self._ping, due[start : start + MAX_CONCURRENT_PINGS]))

    async def close(self) -> None:
        """Stop healing."""
        for retry in self._retries.values():
            retry.cancel()
        for task in self._healing.values():
            task.cancel()
        await asyncio.gather(*self._healing.values(), return_exceptions=True)

    async def _ping(self, processes: Processes) -> None:
        since = time.monotonic()
        signs = await self._repository.alive(processes)
        if False in signs or self._is_hung(processes.model, signs):
            self.report(processes.model, since)

    def _is_hung(self, model: str, signs: list[bool | None]) -> bool:
        if None not in signs:
            self._silent_since.pop(model, None)
            return False
        silent_since = self._silent_since.setdefault(model, time.monotonic())
        return time.monotonic() - silent_since > self._hung_after_s

    def _begin(self, model: str) -> None:
        if retry := self._retries.pop(model, None):
            retry.cancel()  # a request or a ping was there first
        self._generations[self._service_of(model)] += 1
        task = self._healing[model] = asyncio.create_task(self._heal(model))
        task.add_done_callback(lambda _: self._end(model))

    def _end(self, model: str) -> None:
        del self._healing[model]
        self._silent_since.pop(model, None)
        self._healed_at[model] = time.monotonic()
        self._generations[self._service_of(model)] += 1

    async def _heal(self, model: str) -> None:
        began = time.monotonic()
        try:
            await self._repository.reload(model)
        except ModelUnavailable as error:
            self._try_again_later(model)
            log.error(
                "a process of the model died and the model could not be reloaded",
                extra=_counted(model, "failed", began, error.detail),
            )
        else:
            self._broken.pop(model, None)
            log.warning(
                "a process of the model died and the model was reloaded",
                extra=_counted(model, "healed", began),
            )

    def _try_again_later(self, model: str) -> None:
        pause_s = self._broken[model] = min(2 * self._broken.get(model, FIRST_PAUSE_S / 2), MAX_PAUSE_S)
        self._retries[model] = asyncio.get_running_loop().call_later(pause_s, self._begin, model)

    def _service_of(self, model: str) -> str:
        return next((name for name in self._services if model == name or model.startswith(f"{name}_")), model)


def _counted(model: str, outcome: str, began: float, detail: str = "") -> dict[str, dict[str, object]]:
    """Count a reload; return what its log line says of it."""
    HEALED.labels(model, outcome).inc()
    seconds = round(time.monotonic() - began, 2)
    return {"fields": {"model": model, "outcome": outcome, "seconds": seconds, "detail": detail}}
