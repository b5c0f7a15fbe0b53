"""The sync and the async client as one, so that a test asks both."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from modelhub import AsyncModelHub, ModelHub
from modelhub.http import Answer
from modelhub.results import Result


@dataclass(frozen=True)
class Asking:
    """A client's methods, awaited."""

    answer: Callable[..., Awaitable[Answer]]
    predict: Callable[..., Awaitable[Result]]
    services: Callable[[], Awaitable[list[str]]]


@asynccontextmanager
async def sync(url: str, **options: Any) -> AsyncIterator[Asking]:  # noqa: ANN401 - as ModelHub's
    with ModelHub(url, **options) as hub:
        yield Asking(_awaited(hub.answer), _awaited(hub.predict), _awaited(hub.services))


def _awaited(method: Callable[..., Any]) -> Callable[..., Awaitable[Any]]:
    return lambda *arguments, **options: asyncio.to_thread(method, *arguments, **options)


@asynccontextmanager
async def asynchronous(url: str, **options: Any) -> AsyncIterator[Asking]:  # noqa: ANN401 - as AsyncModelHub's
    async with AsyncModelHub(url, **options) as hub:
        yield Asking(hub.answer, hub.predict, hub.services)


Hub = Callable[..., AbstractAsyncContextManager[Asking]]

both = pytest.mark.parametrize("hub", [sync, asynchronous])
