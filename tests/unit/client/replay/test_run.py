"""Requests sent to two servers, in order, by turns, and as they were recorded."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from modelhub.replay import run
from modelhub.replay.compare import Failure
from modelhub.replay.endpoints import Authorization, endpoint
from modelhub.replay.measures import tolerances
from modelhub.replay.recording import Recorded
from modelhub.replay.run import Sides, UnreachableError, connected, replay
from modelhub.replay.tally import Pair
from tests.unit.client.replay.stand_in import Answered, Asked, Script, StandIn, standing_in
from tests.unit.client.scripted import refusing

ALIKE = {"request_id": "1", "success": True, "similarity": 50.0, "l2_distance": 1.0}
Start = Callable[..., tuple[StandIn, StandIn]]


@pytest.fixture
def start() -> Iterator[Start]:
    with ExitStack() as stack:

        def both(one: Script, two: Script) -> tuple[StandIn, StandIn]:
            return stack.enter_context(standing_in(one)), stack.enter_context(standing_in(two))

        yield both


def answering(content: Any = ALIKE, status: int = 200) -> Script:  # noqa: ANN401
    return lambda asked: Answered(content, status)


def bodies(count: int, service: str = "image_similarity") -> list[Recorded]:
    return [Recorded(str(number), service, b"%d" % number) for number in range(count)]


def replayed(urls: tuple[str, str], recorded: list[Recorded], jobs: int = 1) -> list[Pair]:
    seen: list[Pair] = []
    with connected((endpoint(urls[0]), endpoint(urls[1])), 20.0) as sides:
        replay(lambda: iter(recorded), sides, tolerances(), seen.append, jobs)
    return seen


def urls(servers: tuple[StandIn, StandIn]) -> tuple[str, str]:
    return servers[0].url, servers[1].url


def test_both_sides_get_every_body_in_order_and_by_turns(start: Start) -> None:
    order: list[str] = []

    def side(name: str) -> Script:
        def script(asked: Asked) -> Answered:
            order.append(name + asked.body.decode())
            return Answered(ALIKE)

        return script

    servers = start(side("f"), side("t"))
    pairs = replayed(urls(servers), bodies(4))
    assert order == ["f0", "t0", "f0", "t0", "t1", "f1", "f2", "t2", "t3", "f3"]  # one to warm up
    assert [pair.recorded.identity for pair in pairs] == ["0", "1", "2", "3"]
    assert all(pair.comparison.alike for pair in pairs)
    assert all(reply.seconds > 0 for pair in pairs for reply in pair.replies)


def test_the_first_of_every_service_warms_it_up(start: Start) -> None:
    servers = start(answering(), answering())
    recorded = [*bodies(2), *bodies(2, "ocr")]
    assert len(replayed(urls(servers), recorded)) == 4
    for server in servers:
        assert [asked.service for asked in server.asked[:2]] == ["image_similarity", "ocr"]
        assert len(server.asked) == 6


def test_requests_say_what_the_hosted_services_client_says(start: Start) -> None:
    servers = start(answering(), answering())
    sides = (
        endpoint(servers[0].url, ["image_similarity=secret-of-one"]),
        endpoint(
            f"{servers[1].url}/{{service}}?v=2", ["b" * 20], Authorization.EAS, ["sim=image_similarity"]
        ),
    )
    with connected(sides) as both:
        replay(lambda: iter(bodies(1)), both, tolerances(), lambda pair: None)
    first, second = (server.asked[-1] for server in servers)
    assert first.headers["Authorization"] == "secret-of-one"
    assert second.headers["Authorization"].startswith("EAS ")
    assert second.path == "/sim?v=2"
    for asked in (first, second):
        assert asked.headers["Content-Type"] == "application/octet-stream"
        assert asked.headers["Accept-Encoding"] == "identity"
        assert "Cookie" not in asked.headers


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        ({"request_id": "1", "success": False, "error_code": 40004, "error_msg": "no"}, 400, 40004),
        ({"success": False, "error_code": 40004, "error_msg": "no"}, 200, 40004),
        ({"error_code": 42, "error_msg": "no"}, 200, 42),
        ({"success": False}, 200, 20000),
        ({"detail": "not here"}, 404, 40400),
        (b"<html>no</html>", 404, 40400),
        (b"[1]", 200, 20000),
        (b"{", 200, 20000),
    ],
)
def test_what_is_no_answer_is_a_failure_with_a_code(
    start: Start,
    content: Any,  # noqa: ANN401
    status: int,
    code: int,
) -> None:
    servers = start(answering(content, status), answering())
    (pair,) = replayed(urls(servers), bodies(1))
    outcome = pair.replies[0].outcome
    assert isinstance(outcome, Failure)
    assert outcome.code == code
    assert [measure.name for measure in pair.comparison.beyond] == ["failure"]


@pytest.mark.parametrize("status", [500, 503, 429])
def test_what_may_succeed_later_is_asked_again(start: Start, status: int) -> None:
    failed = threading.Event()

    def once_failing(asked: Asked) -> Answered:
        if asked.body == b"1" and not failed.is_set():
            failed.set()
            return Answered(b"busy", status)
        return Answered(ALIKE)

    servers = start(once_failing, answering())
    assert all(pair.comparison.alike for pair in replayed(urls(servers), bodies(3)))
    assert failed.is_set()


def test_seconds_are_those_of_the_last_attempt(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    taken, now = iter([100.0, 3.0]), [0.0]
    clock = SimpleNamespace(perf_counter=lambda: now[0], sleep=lambda seconds: None)
    monkeypatch.setattr(run, "time", clock)

    def failing_once(asked: Asked) -> Answered:
        if asked.body != b"1":
            return Answered(ALIKE)
        now[0] += next(taken)
        return Answered(b"busy", 503) if now[0] == 100 else Answered(ALIKE)

    pairs = replayed(urls(start(failing_once, answering())), bodies(2))
    assert pairs[1].replies[0].seconds == 3


@pytest.mark.parametrize("side", [0, 1])
def test_an_endpoint_that_nobody_listens_at_is_told_by_its_side(start: Start, side: int) -> None:
    servers = start(answering(), answering())
    places = [server.url for server in servers]
    with refusing() as port:
        places[side] = f"http://user:word@127.0.0.1:{port}"
        with pytest.raises(UnreachableError) as told:
            replayed((places[0], places[1]), bodies(1))
    assert ("--from", "--to")[side] in str(told.value)
    assert str(port) in str(told.value)
    assert "word" not in str(told.value)


@pytest.mark.parametrize("status", [401, 403])
def test_an_endpoint_that_does_not_let_us_in_is_told(start: Start, status: int) -> None:
    with pytest.raises(UnreachableError, match=rf"--to .*{status}"):
        replayed(urls(start(answering(), answering(b"token s3cret?", status))), bodies(1))


def test_what_ends_between_is_a_failure_without_a_code() -> None:
    def silent_at_last(request: httpx.Request) -> httpx.Response:
        if request.content == b"1" and request.url.host == "to":
            raise httpx.ReadTimeout("silent")
        return httpx.Response(200, json=ALIKE)

    seen: list[Pair] = []
    with httpx.Client(transport=httpx.MockTransport(silent_at_last)) as client:
        sides = Sides((endpoint("http://from"), endpoint("http://to")), (client, client), 20.0)
        replay(lambda: iter(bodies(2)), sides, tolerances(), seen.append)
    assert seen[1].replies[1].outcome == Failure(0, "ReadTimeout: silent")
    assert seen[1].replies[0].outcome == ALIKE


def test_an_endpoint_that_says_nothing_is_given_up_after_the_time_of_a_request(start: Start) -> None:
    over = threading.Event()

    def silent(asked: Asked) -> Answered:
        over.wait(20)
        return Answered(ALIKE)

    servers = start(answering(), silent)
    with connected((endpoint(servers[0].url), endpoint(servers[1].url)), 0.1) as sides:
        outcome = sides.ask(1, bodies(1)[0]).outcome
        over.set()
    assert isinstance(outcome, Failure)
    assert outcome.code == 0
    assert "Timeout" in outcome.message


def test_jobs_are_that_many_at_a_time_and_all_are_seen_once(start: Start) -> None:
    together = threading.Barrier(3)  # three at a time or nobody goes on

    def waiting(asked: Asked) -> Answered:
        if asked.body != b"0":
            together.wait(20)
        return Answered(ALIKE)

    pairs = replayed(urls(start(waiting, answering())), [*bodies(1), *bodies(7)[1:]], jobs=3)
    assert sorted(pair.recorded.identity for pair in pairs) == [str(number) for number in range(7)]


def test_an_error_of_whoever_sees_the_pairs_ends_the_run(start: Start) -> None:
    def seen(pair: Pair) -> None:
        raise ZeroDivisionError

    servers = start(answering(), answering())
    with (
        connected((endpoint(servers[0].url), endpoint(servers[1].url))) as sides,
        pytest.raises(ZeroDivisionError),
    ):
        replay(lambda: iter(bodies(50)), sides, tolerances(), seen, 2)
    assert len(servers[0].asked) < 10
