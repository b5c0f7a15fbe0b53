"""Whether the system answers, asked of the gateway."""

import time
from concurrent.futures import Future, ThreadPoolExecutor

import httpx

from embedded.supervisor import PATIENCE_S, Readiness, Watchdog

ASK_EVERY_S = 5.0
"""Seconds between two questions."""


class Health:
    """Asks the gateway whether every service answers, in a thread: it can take as long as a request."""

    def __init__(self, url: str, timeout_s: float) -> None:
        self._url, self._timeout_s = url, timeout_s
        self._pool = ThreadPoolExecutor(1)
        self._watchdog = Watchdog(time.monotonic, PATIENCE_S)
        self._asking: Future[Readiness] | None = None
        self._ask_at = 0.0

    def fault(self) -> Readiness | None:
        """Return what a part must be replaced for, if anything; does not wait."""
        if self._asking is None:
            if time.monotonic() >= self._ask_at:
                self._ask_at = time.monotonic() + ASK_EVERY_S
                self._asking = self._pool.submit(ask, self._url, self._timeout_s)
            return None
        if not self._asking.done():
            return None
        answer, self._asking = self._asking.result(), None
        return self._watchdog.observe(answer)

    def forget(self) -> None:
        """Drop a question that is out, and start counting again."""
        self._asking = None
        self._watchdog.forget()

    def close(self) -> None:
        """Let go without waiting: a question that is out ends with the gateway."""
        self._pool.shutdown(wait=False, cancel_futures=True)


def ask(url: str, timeout_s: float) -> Readiness:
    """Return what the gateway answers at `url`, whose status alone counts."""
    try:
        answer = httpx.get(url, timeout=timeout_s, trust_env=False, verify=False)
    except httpx.HTTPError:
        return Readiness.SILENT
    return Readiness.READY if answer.is_success else Readiness.NOT_READY
