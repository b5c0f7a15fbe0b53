"""What only a real server on a real socket shows: limits, hang-ups, slow clients, lasting connections."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import httpx
import numpy as np
import pytest

from gateway import protocol, responses
from modelhub.kinds import Tensors
from tests import web
from tests.unit.gateway.checks import assert_failure
from tests.unit.gateway.conftest import PICTURE_BASE64, ServeApp, until
from tests.unit.gateway.fakes import FakeTriton

PATH = "/api/predict/ocr"
GOOD = json.dumps({"image": PICTURE_BASE64}).encode()


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=10)


def request(body: bytes = GOOD, *headers: str, method: str = "POST", path: str = PATH) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: gateway", *headers]
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode() + body


def received(connection: socket.socket) -> bytes:
    """Everything until the server closes."""
    return b"".join(iter(lambda: connection.recv(65536), b""))


def answer(connection: socket.socket) -> httpx.Response:
    """One response, leaving the connection open."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        byte = connection.recv(1)
        assert byte, head
        head += byte
    status, *lines = head.decode("latin-1").strip().split("\r\n")
    headers = [(name, value) for name, _, value in (line.partition(": ") for line in lines)]
    length = int(dict(headers)["content-length"])
    body = b""
    while len(body) < length:
        body += connection.recv(length - len(body))
    return httpx.Response(int(status.split()[1]), headers=headers, content=body)


def url(port: int, path: str = PATH) -> str:
    return f"http://127.0.0.1:{port}{path}"


def test_one_connection_carries_many_requests_and_failures(serve: ServeApp) -> None:
    with connect(serve()) as connection:
        for body, status in [(GOOD, 200), (b"[]", 400), (GOOD, 200), (b"", 400), (GOOD, 200)]:
            connection.sendall(request(body))
            response = answer(connection)
            assert response.status_code == status
            assert "connection" not in response.headers


LARGE = "/api/predict/semantic_segmentation"


def large_answer(side: int) -> Tensors:
    return {"probs": np.ones((side, side), dtype=np.float32), "preds": np.ones((side, side), dtype=np.uint8)}


def test_a_large_answer_leaves_its_connection_usable(serve: ServeApp, triton: FakeTriton) -> None:
    triton.outputs["semantic_segmentation"] = large_answer(600)
    with connect(serve()) as connection:
        for path in (LARGE, PATH, LARGE):
            connection.sendall(request(path=path))
            response = answer(connection)
            assert response.status_code == 200
            assert response.json()["success"] is True
            assert "transfer-encoding" not in response.headers


def test_others_are_answered_while_nobody_reads_a_large_answer(serve: ServeApp, triton: FakeTriton) -> None:
    triton.outputs["semantic_segmentation"] = large_answer(3000)
    port = serve()
    with connect(port) as connection:
        connection.sendall(request(path=LARGE))
        assert connection.recv(12) == b"HTTP/1.1 200"
        assert web.post(url(port), content=GOOD).status_code == 200


def test_a_client_that_leaves_in_a_large_answer_is_forgotten(serve: ServeApp, triton: FakeTriton) -> None:
    triton.outputs["semantic_segmentation"] = large_answer(3000)
    port = serve()
    with connect(port) as connection:
        connection.sendall(request(path=LARGE))
        assert connection.recv(12) == b"HTTP/1.1 200"
    assert web.post(url(port), content=GOOD).status_code == 200


def test_no_answer_names_the_server(serve: ServeApp) -> None:
    port = serve()
    for path in (PATH, "/health/live", "/nowhere", "/openapi.json"):
        assert "server" not in web.get(url(port, path)).headers


def test_an_announced_body_over_the_limit_is_refused_before_it_is_sent(serve: ServeApp) -> None:
    with connect(serve(max_body_bytes=1000)) as connection:
        connection.sendall(request(b"", "Content-Length: 1001").replace(b"Content-Length: 0\r\n", b""))
        response = answer(connection)
        assert_failure(response, 41301)
        assert response.headers["connection"] == "close"


def test_a_client_that_asks_first_is_refused_before_it_sends(serve: ServeApp) -> None:
    with connect(serve(max_body_bytes=1000)) as connection:
        head = request(b"", "Expect: 100-continue", "Content-Length: 1001")
        connection.sendall(head.replace(b"Content-Length: 0\r\n", b""))
        assert_failure(answer(connection), 41301)


def test_a_client_that_asks_first_is_told_to_go_on(serve: ServeApp) -> None:
    with connect(serve()) as connection:
        head, _, body = request(GOOD, "Expect: 100-continue").partition(b"\r\n\r\n")
        connection.sendall(head + b"\r\n\r\n")
        assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(body)
        assert answer(connection).status_code == 200


def test_a_client_that_sends_it_all_before_it_reads_still_gets_the_refusal(serve: ServeApp) -> None:
    response = web.post(url(serve(max_body_bytes=1000)), content=b" " * 30_000_000)
    assert_failure(response, 41301)


def test_chunks_over_the_limit_are_refused_without_waiting_for_the_last(serve: ServeApp) -> None:
    with connect(serve(max_body_bytes=1000)) as connection:
        connection.sendall(request(b"", "Transfer-Encoding: chunked").replace(b"Content-Length: 0\r\n", b""))
        for _ in range(3):
            connection.sendall(b"190\r\n" + b" " * 400 + b"\r\n")
        assert_failure(answer(connection), 41301)


def test_chunks_under_the_limit_are_a_body(serve: ServeApp) -> None:
    def pieces() -> Iterator[bytes]:
        for start in range(0, len(GOOD), 7):
            yield GOOD[start : start + 7]

    assert web.post(url(serve()), content=pieces()).status_code == 200


def test_a_refused_sender_that_never_ends_is_cut_off(
    serve: ServeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(responses, "LINGER_S", 0.2)
    with connect(serve(max_body_bytes=10)) as connection:
        connection.sendall(request(b"", "Content-Length: 99999").replace(b"Content-Length: 0\r\n", b""))
        assert b"41301" in received(connection)


def test_a_body_that_does_not_come_is_given_up_at_the_deadline(
    serve: ServeApp, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(responses, "LINGER_S", 0.1)
    with connect(serve(deadline_s=0.3)) as connection:
        connection.sendall(request()[:-10])
        assert_failure(answer(connection), 50401)
        assert received(connection) == b""
    assert not [record for record in caplog.records if record.name.startswith("gateway")]


def test_a_head_that_does_not_come_is_given_up(serve: ServeApp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "HEAD_TIMEOUT_S", 0.3)
    port = serve()
    for start in (b"", b"POST /", request()[:60]):
        with connect(port) as connection:
            connection.sendall(start)
            assert received(connection) == b""


def test_a_second_head_that_does_not_come_is_given_up(
    serve: ServeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "HEAD_TIMEOUT_S", 0.3)
    with connect(serve()) as connection:
        connection.sendall(request())
        assert answer(connection).status_code == 200
        connection.sendall(b"POST /")
        assert received(connection) == b""


def test_a_slow_answer_is_not_taken_for_a_slow_head(
    serve: ServeApp, triton: FakeTriton, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "HEAD_TIMEOUT_S", 0.2)
    triton.hangs = True
    assert_failure(web.post(url(serve(deadline_s=0.8)), content=GOOD), 50401)


@pytest.mark.parametrize(
    "endless",
    [
        b"GET / HTTP/1.1\r\nX: " + b"x" * 400_000,
        b"GET /" + b"x" * 400_000,
        b"GET / HTTP/1.1\r\n" + b"X: x\r\n" * 100_000,
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + b"X: x\r\n" * 100_000,
    ],
    ids=["value", "path", "lines", "trailers"],
)
def test_a_head_without_end_is_refused(serve: ServeApp, endless: bytes) -> None:
    with connect(serve()) as connection, ThreadPoolExecutor(1) as reader:
        everything = reader.submit(_received_or_reset, connection)
        _send_or_reset(connection, endless)
        assert everything.result()[:12] in (b"HTTP/1.1 400", b"HTTP/1.1 404", b"")


def test_header_fields_without_end_are_refused_by_their_number(serve: ServeApp) -> None:
    port = serve()
    lines = [f"X-{number}: x" for number in range(protocol.MAX_HEADERS - 2)]  # beside Host and Content-Length
    with connect(port) as connection:
        connection.sendall(request(GOOD, *lines))
        assert answer(connection).status_code == 200
        connection.sendall(request(GOOD, *lines, "One: more"))
        failure = assert_failure(answer(connection), 40001)
        assert failure.error_msg == f"the request has more than {protocol.MAX_HEADERS} header fields"


def test_a_body_in_too_many_pieces_is_refused(serve: ServeApp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "MAX_CHUNKS", len(GOOD) + 1)  # the last, which is empty, is one
    head = f"POST {PATH} HTTP/1.1\r\nHost: gateway\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    pieces = b"".join(b"1\r\n%c\r\n" % byte for byte in GOOD)
    with connect(serve()) as connection:
        for _ in range(2):  # counted for each request anew
            connection.sendall(head + pieces + b"0\r\n\r\n")
            assert answer(connection).status_code == 200
        connection.sendall(head + pieces + b"1\r\n \r\n0\r\n\r\n")
        failure = assert_failure(answer(connection), 40001)
        assert failure.error_msg == f"the body has more than {protocol.MAX_CHUNKS} chunks"


def _received_or_reset(connection: socket.socket) -> bytes:
    try:
        return received(connection)
    except ConnectionResetError:
        return b""


def _send_or_reset(connection: socket.socket, content: bytes) -> None:
    with suppress(BrokenPipeError, ConnectionResetError):
        connection.sendall(content)


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"hello\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
        b"CONNECT somewhere:80 HTTP/1.1\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\n\r\n",
    ],
)
def test_what_is_not_http_is_answered_in_the_same_shape(serve: ServeApp, garbage: bytes) -> None:
    with connect(serve()) as connection:
        connection.sendall(garbage)
        response = answer(connection)
        assert_failure(response, response.json()["error_code"])
        assert response.status_code in (400, 404)


@pytest.mark.parametrize("pieces", [1, 2, 7])
def test_an_upgrade_that_is_not_wanted_is_ignored(serve: ServeApp, pieces: int) -> None:
    asking = request(
        GOOD, "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQ"
    )
    with connect(serve()) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for content in (asking, request(), asking):
            for start in range(0, len(content), len(content) // pieces):
                connection.sendall(content[start : start + len(content) // pieces])
                time.sleep(0.02)
            assert answer(connection).status_code == 200


def test_an_upgrade_without_a_body_is_ignored(serve: ServeApp) -> None:
    with connect(serve()) as connection:
        connection.sendall(
            request(b"", "Connection: upgrade", "Upgrade: websocket", method="GET", path="/health/live")
        )
        assert answer(connection).status_code == 200


def test_a_client_that_hangs_up_midway_in_its_body_is_no_failure(
    serve: ServeApp, triton: FakeTriton, caplog: pytest.LogCaptureFixture
) -> None:
    port = serve(max_in_flight=1)
    for _ in range(3):
        with connect(port) as connection:
            connection.sendall(request()[:-5])
    until(lambda: web.post(url(port), content=GOOD).status_code == 200)
    assert len(triton.calls) == 1
    assert not caplog.records


def test_a_client_that_hangs_up_while_it_waits_cancels_the_inference(
    serve: ServeApp, triton: FakeTriton, caplog: pytest.LogCaptureFixture
) -> None:
    triton.hangs = True
    port = serve(max_in_flight=1)
    with connect(port) as connection:
        connection.sendall(request())
        until(lambda: triton.running == 1)
        assert_failure(web.post(url(port), content=GOOD), 42901)
    until(lambda: triton.cancelled == 1)
    triton.hangs = False
    assert web.post(url(port), content=GOOD).status_code == 200
    assert not caplog.records


def test_over_the_bound_clients_are_told_at_once_and_nobody_is_lost(
    serve: ServeApp, triton: FakeTriton
) -> None:
    triton.hangs = True
    port = serve(max_in_flight=4)
    with ThreadPoolExecutor(4) as pool:
        waiting = [pool.submit(httpx.post, url(port), content=GOOD, timeout=30) for _ in range(4)]
        until(lambda: triton.running == 4)
        for _ in range(10):
            response = web.post(url(port), content=GOOD)
            assert_failure(response, 42901)
            assert response.headers["retry-after"] == "1"
        assert triton.running == 4
        triton.hangs = False
        for one in waiting:
            assert_failure(one.result(), 50401)
    assert triton.running == 0
    assert web.post(url(port), content=GOOD).status_code == 200


def test_a_connection_goes_on_after_too_many_requests(serve: ServeApp, triton: FakeTriton) -> None:
    triton.hangs = True
    port = serve(max_in_flight=1)
    with connect(port) as first, connect(port) as second:
        first.sendall(request())
        until(lambda: triton.running == 1)
        second.sendall(request(b" " * 1_000_000))
        assert_failure(answer(second), 42901)
        triton.hangs = False
        assert_failure(answer(first), 50401)
        second.sendall(request())
        assert answer(second).status_code == 200


def test_health_answers_while_every_place_is_taken(serve: ServeApp, triton: FakeTriton) -> None:
    triton.hangs = True
    port = serve(max_in_flight=1)
    waiting = threading.Thread(target=httpx.post, args=(url(port),), kwargs={"content": GOOD})
    waiting.start()
    until(lambda: triton.running == 1)
    assert web.get(url(port, "/health/live")).json()["success"] is True
    triton.hangs = False
    waiting.join()
