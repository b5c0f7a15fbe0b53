import asyncio

import pytest
from starlette.requests import ClientDisconnect
from starlette.types import Message

from gateway.admission import Admission, while_connected
from gateway.errors import TooManyRequests


class Client:
    """Says nothing until it hangs up."""

    def __init__(self) -> None:
        self.gone = asyncio.Event()

    async def receive(self) -> Message:
        await self.gone.wait()
        return {"type": "http.disconnect"}


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, asyncio.CancelledError])
def test_a_place_is_given_back_however_the_block_is_left(error: type[BaseException]) -> None:
    admission = Admission(1)

    def leave() -> None:
        with admission.place():
            assert admission.free == 0
            raise error

    with pytest.raises(error):
        leave()
    assert admission.free == 1


def test_who_finds_no_place_takes_none() -> None:
    admission = Admission(2)
    with admission.place(), admission.place():
        for _ in range(3):
            with pytest.raises(TooManyRequests), admission.place():
                pass
    assert admission.free == 2


async def test_nothing_leaks_when_requests_are_cancelled_at_any_moment() -> None:
    admission = Admission(50)

    async def work() -> None:
        for _ in range(5):
            await asyncio.sleep(0)

    async def request() -> None:
        with admission.place():
            await while_connected(Client().receive, work())

    for turns in range(12):
        tasks = [asyncio.create_task(request()) for _ in range(20)]
        for _ in range(turns):
            await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert admission.free == 50
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_the_result_of_the_work_is_returned() -> None:
    async def work() -> int:
        return 7

    assert await while_connected(Client().receive, work()) == 7


async def test_the_error_of_the_work_is_raised() -> None:
    async def work() -> None:
        raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011 - the very one
        await while_connected(Client().receive, work())


async def test_hanging_up_cancels_the_work_and_waits_for_its_end() -> None:
    client = Client()
    ended = asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0)
            ended.set()

    asyncio.get_running_loop().call_later(0.01, client.gone.set)
    with pytest.raises(ClientDisconnect):
        await while_connected(client.receive, work())
    assert ended.is_set()


async def test_work_that_fails_while_it_is_cancelled_is_no_stray_error() -> None:
    client = Client()
    client.gone.set()

    async def work() -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            raise ValueError from None

    with pytest.raises(ClientDisconnect):
        await while_connected(client.receive, work())
