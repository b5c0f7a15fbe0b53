"""The generator of load against a small server: arrivals, mixture, hang-ups, and what it makes of answers."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from itertools import islice, pairwise, takewhile
from random import Random
from statistics import mean, pstdev

import orjson
import pytest

from bench.answers import Verdict, wrong_answers
from bench.cases import Case, hanging_up
from bench.load import Load, Plan, arrivals, closed_loop, mixed, open_loop, run
from bench.wire import Broken, Connection, Pool, Response, post
from gateway.responses import failure_body, new_request_id

Answering = Callable[[bytes], bytes]
"""Turns the body of a request into the bytes of a whole answer; none close the connection."""


def http(status: int, body: bytes, *headers: str) -> bytes:
    head = "".join(
        f"{line}\r\n" for line in (f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", *headers)
    )
    return head.encode() + b"\r\n" + body


def echoed(body: bytes, identity: str = "") -> bytes:
    """The answer that every case of these tests must get: its own body."""
    fields = {"request_id": identity or new_request_id(), "success": True, "echo": body.decode()}
    return orjson.dumps(fields)


def echo(body: bytes) -> bytes:
    return http(200, echoed(body))


@asynccontextmanager
async def serving(answering: Answering) -> AsyncIterator[str]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
                response = answering(await reader.readexactly(length))
                writer.write(response)
                if not response or b"close" in response:
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        await asyncio.sleep(0.05)  # both ends of what is left are let go of


def cases(service: str, count: int = 5) -> list[Case]:
    bodies = [f"{service} {index}".encode() for index in range(count)]
    return [
        Case(service, str(index), post("/x", body), Response(200, echoed(body), retry_after=False))
        for index, body in enumerate(bodies)
    ]


def plan(url: str, **how: float) -> Plan:
    services = {"a": 3.0, "b": 1.0}
    return Plan(url, {name: cases(name) for name in services}, services, **how)  # type: ignore[arg-type]


@pytest.mark.parametrize("rate", [3.0, 300.0])
def test_arrivals_come_at_their_rate_and_independently(rate: float) -> None:
    seconds = 4000 / rate
    times = list(takewhile(lambda at: at < seconds, arrivals(rate, Random(1))))
    assert len(times) == pytest.approx(4000, rel=0.06)
    gaps = [after - before for before, after in pairwise(times)]
    assert min(gaps) >= 0
    assert pstdev(gaps) == pytest.approx(mean(gaps), rel=0.1)  # as of an exponential distribution


def test_services_are_mixed_by_weight_and_their_pictures_in_turn() -> None:
    asked = list(islice(mixed(plan(""), Random(2)), 4000))
    share = Counter(case.service for case in asked)
    assert share["a"] / 4000 == pytest.approx(0.75, abs=0.03)
    assert [one.picture for one in asked if one.service == "b"][:7] == ["0", "1", "2", "3", "4", "0", "1"]


async def test_open_loop_asks_at_the_rate_and_finds_every_answer_right() -> None:
    async with serving(echo) as url:
        outcome = await open_loop(plan(url, rate=200, seconds=1.0), asyncio.Event())
    assert len(outcome.right) == len(outcome.exchanges) == pytest.approx(200, abs=60)
    assert outcome.goodput == pytest.approx(200, abs=60)
    assert not wrong_answers(outcome.exchanges)
    assert outcome.only("a").exchanges
    assert len(outcome.only("a").exchanges) + len(outcome.only("b").exchanges) == len(outcome.exchanges)


async def test_latency_counts_from_when_a_request_was_due() -> None:
    """A server that answers one at a time keeps those waiting who came meanwhile."""
    turn = asyncio.Lock()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with turn:
            await reader.readuntil(b"\r\n\r\n")
            await asyncio.sleep(0.05)
            writer.write(http(429, failure_body(new_request_id(), 42901, "no"), "Retry-After: 1"))
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        outcome = await open_loop(plan(url, rate=100, seconds=0.3), asyncio.Event())
    latest = max(outcome.by_verdict[Verdict.REFUSED], key=lambda one: one.ended)
    assert latest.latency_s > 0.5
    assert all(one.retry_after for one in outcome.by_verdict[Verdict.REFUSED])


async def test_answers_that_two_requests_exchange_are_wrong() -> None:
    bodies: list[bytes] = []

    def swapped(body: bytes) -> bytes:
        bodies.append(body)
        return http(200, echoed(bodies[-2] if len(bodies) == 20 and len(set(bodies[-2:])) == 2 else body))

    async with serving(swapped) as url:
        outcome = await closed_loop(plan(url, clients=1, seconds=0.5), asyncio.Event())
    assert len(outcome.by_verdict[Verdict.WRONG]) == 1
    assert "answer.echo differs" in wrong_answers(outcome.exchanges)[0]


async def test_a_request_id_used_twice_is_wrong() -> None:
    identity = new_request_id()
    async with serving(lambda body: http(200, echoed(body, identity))) as url:
        outcome = await closed_loop(plan(url, clients=2, seconds=0.2), asyncio.Event())
    assert not outcome.by_verdict[Verdict.WRONG]
    assert wrong_answers(outcome.exchanges) == [f"request id {identity} repeated"]


async def test_a_connection_that_ends_without_an_answer_is_a_failure() -> None:
    async with serving(lambda body: b"") as url:
        outcome = await closed_loop(plan(url, clients=1, seconds=0.15), asyncio.Event())
    assert {answer.verdict for answer in outcome.exchanges} == {Verdict.FAILED}
    assert {answer.status for answer in outcome.exchanges} == {0}


async def test_nobody_there_is_a_failure() -> None:
    outcome = await closed_loop(plan("http://127.0.0.1:1", clients=1, seconds=0.05), asyncio.Event())
    assert outcome.exchanges[0].verdict is Verdict.FAILED
    assert "cannot connect" in outcome.exchanges[0].judgement.detail


async def test_a_connection_that_the_server_closes_is_not_used_again() -> None:
    async with serving(lambda body: http(200, echoed(body), "Connection: close")) as url:
        outcome = await closed_loop(plan(url, clients=2, seconds=0.2), asyncio.Event())
    assert len(outcome.right) == len(outcome.exchanges) > 4


async def test_clients_that_leave_are_counted_as_such() -> None:
    async with serving(echo) as url:
        leaving = hanging_up(cases("a"), (0.5, 1.0))
        asked = Plan(url, {"a": leaving}, {"a": 1.0}, rate=100, seconds=0.3)
        outcome = await open_loop(asked, asyncio.Event())
    assert {answer.verdict for answer in outcome.exchanges} == {Verdict.HUNG_UP}


async def test_an_answer_may_come_before_the_request_is_whole() -> None:
    """As a refusal does, which is made at the head."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(http(429, b"{}", "Connection: close"))
        with suppress(ConnectionError):
            await reader.read()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server, Pool(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}") as pool:
        response = await pool.ask(post("/x", b"x" * 10_000_000), timeout_s=5)
        await asyncio.sleep(0.05)  # both ends are let go of
    assert response.status == 429


async def test_an_answer_that_does_not_come_is_not_waited_for() -> None:
    unfinished = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhal"
    async with serving(lambda body: unfinished) as url, Pool(url) as pool:
        with pytest.raises(TimeoutError):
            await pool.ask(post("/x", b"{}"), timeout_s=0.1)


async def test_nothing_is_asked_over_a_connection_that_ended() -> None:
    with pytest.raises(Broken):
        await Connection().ask(b"GET / HTTP/1.1\r\n\r\n")


def test_a_load_in_a_process_of_its_own_can_be_stopped() -> None:
    with Load(plan("http://127.0.0.1:1", rate=50)) as load:
        outcome = load.stop()
    assert outcome.seconds < 30
    assert all(answer.verdict is Verdict.FAILED for answer in outcome.exchanges)


def test_an_outcome_larger_than_a_pipe_comes_whole() -> None:
    outcome = run(plan("http://127.0.0.1:1", rate=5000, seconds=1.0))
    assert len(outcome.exchanges) > 2000
