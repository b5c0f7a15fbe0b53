"""The client, sync and async: what is asked and when again is shared, waiting is not."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol, Self, TypeVar, overload

import httpx

from modelhub.http import Answer, HttpConnection
from modelhub.pictures import Picture
from modelhub.results import RESULTS, Result, result_of
from modelhub.retries import FAILURES, Attempts

Value = TypeVar("Value")
R = TypeVar("R", bound=Result)


class Connection(Protocol):
    """A way to the services."""

    has_forms: bool
    """Whether it answers masks in the form that `mask_format` names."""

    def prepare(self, service: str, pictures: Sequence[Picture], mask_format: str | None) -> Any:  # noqa: ANN401 - its own
        """Return what `ask` takes. Raises ValueError and OSError for what cannot be sent."""

    def ask(self, one: Any, timeout_s: float) -> Answer:  # noqa: ANN401 - as `prepare` made it
        """Return the answer, which may hold arrays. Raises what `retries.FAILURES` names."""

    def plain(self, answer: Answer) -> Answer:
        """Return the answer as if parsed from JSON."""

    def services(self, timeout_s: float) -> list[str]:
        """Return the names of the services; raises as `ask`."""

    def close(self) -> None:
        """Let go of it."""


class AsyncConnection(Protocol):
    """The same without blocking."""

    has_forms: bool
    """As Connection's."""

    async def prepare(self, service: str, pictures: Sequence[Picture], mask_format: str | None) -> Any:  # noqa: ANN401 - its own
        """As Connection's."""

    async def ask(self, one: Any, timeout_s: float) -> Answer:  # noqa: ANN401 - as `prepare` made it
        """As Connection's."""

    async def plain(self, answer: Answer) -> Answer:
        """As Connection's."""

    async def services(self, timeout_s: float) -> list[str]:
        """As Connection's."""

    async def close(self) -> None:
        """As Connection's."""


class _Hub:
    def __init__(self, timeout_s: float, retries: int) -> None:
        if timeout_s <= 0 or retries < 0:
            raise ValueError("timeout_s is above 0, retries at least 0")
        self._timeout_s, self._retries = timeout_s, retries

    def _attempts(self) -> Attempts:
        return Attempts(self._retries, self._timeout_s)


class ModelHub(_Hub):
    """The services behind `url`; a context manager, and as many threads as like may use it at once.

    `url` is a gateway's, "http(s)://...", or Triton's own, "grpc://host:8001" (extra `triton`); `token` opens
    a gateway that asks for one. A request has `timeout_s` seconds, its `retries` further attempts and the
    pauses between them included; what is worth another attempt says `modelhub.retries`.
    """

    def __init__(self, url: str, token: str | None = None, timeout_s: float = 60.0, retries: int = 3) -> None:
        super().__init__(timeout_s, retries)
        self._connection = _connection(url, token)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *unused: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the connections."""
        self._connection.close()

    def services(self) -> list[str]:
        """Return the names of the services; raises as `answer`."""
        return self._tried(self._connection.services)

    def answer(self, service: str, *pictures: Picture, mask_format: str | None = None) -> Answer:
        """Return the documented answer about a picture, or about two where they are compared.

        Raises ServiceError for a failure of the service; httpx.HTTPError where nothing answered; ValueError
        or OSError for what cannot be sent.
        """
        return self._connection.plain(self._asked(service, pictures, mask_format))

    @overload
    def predict(self, service: type[R], *pictures: Picture) -> R: ...
    @overload
    def predict(self, service: str, *pictures: Picture) -> Result: ...
    def predict(self, service: type[Result] | str, *pictures: Picture) -> Result:
        """Return the answer of a service, which its class of `modelhub.results` names, as one of the class.

        By its name too, where the class is not known before. Raises as `answer`.
        """
        name, form = _named(service, self._connection)
        return result_of(service, self._asked(name, pictures, form))

    def _asked(self, service: str, pictures: Sequence[Picture], mask_format: str | None) -> Answer:
        one = self._connection.prepare(service, pictures, mask_format)
        return self._tried(lambda left_s: self._connection.ask(one, left_s))

    def _tried(self, attempt: Callable[[float], Value]) -> Value:
        attempts = self._attempts()
        while True:
            try:
                return attempt(attempts.left_s())
            except FAILURES as failure:
                pause_s = attempts.pause_s(failure)
                if pause_s is None:
                    raise
            time.sleep(pause_s)


class AsyncModelHub(_Hub):
    """ModelHub with `await` and `async with`; one event loop may ask as much at once as it likes."""

    def __init__(self, url: str, token: str | None = None, timeout_s: float = 60.0, retries: int = 3) -> None:
        super().__init__(timeout_s, retries)
        self._connection = _async_connection(url, token)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *unused: object) -> None:
        await self.close()

    async def close(self) -> None:
        """As ModelHub's."""
        await self._connection.close()

    async def services(self) -> list[str]:
        """As ModelHub's."""
        return await self._tried(self._connection.services)

    async def answer(self, service: str, *pictures: Picture, mask_format: str | None = None) -> Answer:
        """As ModelHub's."""
        answer = await self._asked(service, pictures, mask_format)
        return await self._connection.plain(answer)

    @overload
    async def predict(self, service: type[R], *pictures: Picture) -> R: ...
    @overload
    async def predict(self, service: str, *pictures: Picture) -> Result: ...
    async def predict(self, service: type[Result] | str, *pictures: Picture) -> Result:
        """As ModelHub's."""
        name, form = _named(service, self._connection)
        answer = await self._asked(name, pictures, form)
        return await asyncio.to_thread(result_of, service, answer)

    async def _asked(self, service: str, pictures: Sequence[Picture], mask_format: str | None) -> Answer:
        one = await self._connection.prepare(service, pictures, mask_format)
        return await self._tried(lambda left_s: self._connection.ask(one, left_s))

    async def _tried(self, attempt: Callable[[float], Awaitable[Value]]) -> Value:
        attempts = self._attempts()
        while True:
            try:
                return await attempt(attempts.left_s())
            except FAILURES as failure:
                pause_s = attempts.pause_s(failure)
                if pause_s is None:
                    raise
            await asyncio.sleep(pause_s)


def _named(service: type[Result] | str, connection: Connection | AsyncConnection) -> tuple[str, str | None]:
    """Return a service's name, and the `mask_format` in which `predict` asks it, if in any."""
    name = service if isinstance(service, str) else service.service.name
    known = RESULTS.get(name)
    return name, known.service.quick_form if known is not None and connection.has_forms else None


def _target(url: str) -> str | None:
    """Return the HOST:PORT of a Triton, or None where `url` is a gateway's."""
    parsed = httpx.URL(url)
    if parsed.scheme in ("http", "https"):
        return None
    if parsed.scheme == "grpc" and parsed.host and parsed.port:
        return parsed.netloc.decode("ascii")
    raise ValueError(f"{url!r} is neither http(s)://HOST[:PORT] nor grpc://HOST:PORT")


def _connection(url: str, token: str | None) -> Connection:
    target = _target(url)
    if target is None:
        return HttpConnection(url, token)
    from modelhub.triton import TritonConnection  # noqa: PLC0415 - needs packages that most do without

    return TritonConnection(target, token)


def _async_connection(url: str, token: str | None) -> AsyncConnection:
    target = _target(url)
    if target is None:
        from modelhub.async_http import AsyncHttpConnection  # noqa: PLC0415 - takes a while, and most do without

        return AsyncHttpConnection(url, token)
    from modelhub.triton import AsyncTritonConnection  # noqa: PLC0415 - needs packages that most do without

    return AsyncTritonConnection(target, token)
